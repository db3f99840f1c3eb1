-- What the rows of a table are said to be. CHECK stands in the table's log and is enforced by it: here for the
-- system catalogs to show without opening the table, as of the newest version seen. Keys stand here only, and
-- nothing enforces them.
CREATE TABLE constraint_ (
    id                  TEXT    NOT NULL PRIMARY KEY,
    oid                 INTEGER NOT NULL UNIQUE CHECK (oid BETWEEN 1 AND 4294967295),
    relation            TEXT    NOT NULL REFERENCES relation (id) ON DELETE CASCADE,
    name                TEXT    NOT NULL CHECK (name <> ''),
    kind                TEXT    NOT NULL CHECK (kind IN ('check', 'primary', 'unique', 'foreign')),
    -- Of a check.
    expression          TEXT,
    -- Of a key: the ids of its columns, a JSON list.
    columns             TEXT,
    rely                INTEGER CHECK (rely IN (0, 1)),
    -- Of a primary or unique key: the OID of the index that PostgreSQL would have for it.
    index_oid           INTEGER UNIQUE CHECK (index_oid BETWEEN 1 AND 4294967295),
    -- Of a foreign key.
    referenced          TEXT    REFERENCES relation (id) ON DELETE CASCADE,
    referenced_columns  TEXT,
    UNIQUE (relation, name),
    CHECK ((kind = 'check') = (expression IS NOT NULL)),
    CHECK ((kind <> 'check') = (columns IS NOT NULL AND rely IS NOT NULL)),
    CHECK ((kind IN ('primary', 'unique')) = (index_oid IS NOT NULL)),
    CHECK ((kind = 'foreign') = (referenced IS NOT NULL AND referenced_columns IS NOT NULL))
) STRICT;

CREATE INDEX constraint_referenced ON constraint_ (referenced);

-- Where the values of a column come from that a statement does not give, as of the newest version seen: an
-- expression, or for an identity column start and step as a JSON list.
ALTER TABLE column_ ADD COLUMN source TEXT
    CHECK (source IN ('default', 'generated', 'identity always', 'identity by default'));
ALTER TABLE column_ ADD COLUMN source_text TEXT CHECK ((source IS NULL) = (source_text IS NULL));

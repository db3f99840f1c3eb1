-- Indexes that are declared of tables. No data is kept for them: they stand here for clients to see. The index of a
-- key stands with its constraint.
CREATE TABLE index_ (
    id          TEXT    NOT NULL PRIMARY KEY,
    oid         INTEGER NOT NULL UNIQUE CHECK (oid BETWEEN 1 AND 4294967295),
    relation    TEXT    NOT NULL REFERENCES relation (id) ON DELETE CASCADE,
    name        TEXT    NOT NULL CHECK (name <> ''),
    -- What is indexed and how, as JSON; columns by their ids.
    definition  TEXT    NOT NULL,
    UNIQUE (relation, name)
) STRICT;

-- Whether a key may be checked at the end of a transaction, in PostgreSQL's words; nothing checks it.
ALTER TABLE constraint_ ADD COLUMN deferral TEXT
    CHECK (deferral IN ('deferrable', 'deferred'));

-- What exists, who there is, and who may do what.
--
-- Migrations go forward only, and one that has been released is never edited: its checksum is kept.
-- The types are the plain ones that PostgreSQL has too: identities are UUIDs as text, times are
-- microseconds since 1970-01-01 UTC, lists and free metadata are JSON as text, flags are 0 and 1.

-- The metastore itself: one row.
CREATE TABLE metastore (
    singleton      INTEGER NOT NULL PRIMARY KEY CHECK (singleton = 1),
    id             TEXT    NOT NULL,
    format_version INTEGER NOT NULL,
    -- Grows by one with every committed list of changes.
    revision       INTEGER NOT NULL CHECK (revision >= 0),
    -- The next object identifier; never goes back, so that no OID is used twice.
    next_oid       INTEGER NOT NULL CHECK (next_oid BETWEEN 16384 AND 4294967296),
    created_at     INTEGER NOT NULL
) STRICT;

-- Users and groups.
CREATE TABLE principal (
    id       TEXT    NOT NULL PRIMARY KEY,
    oid      INTEGER NOT NULL UNIQUE CHECK (oid BETWEEN 1 AND 4294967295),
    name     TEXT    NOT NULL UNIQUE CHECK (name <> ''),
    kind     TEXT    NOT NULL CHECK (kind IN ('user', 'group')),
    admin    INTEGER NOT NULL CHECK (admin IN (0, 1)),
    -- SCRAM verifier in PostgreSQL's form; null cannot log in by password.
    verifier TEXT
) STRICT;

-- Who is a direct member of which group.
CREATE TABLE membership (
    group_id  TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    member_id TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    PRIMARY KEY (group_id, member_id),
    CHECK (group_id <> member_id)
) STRICT;

CREATE INDEX membership_member ON membership (member_id);

-- What catalogs, schemas, tables and views have in common: identity, place, name, owner. Whatever is
-- keyed by `id` survives a rename and goes with a drop.
CREATE TABLE securable (
    id         TEXT    NOT NULL PRIMARY KEY,
    oid        INTEGER NOT NULL UNIQUE CHECK (oid BETWEEN 1 AND 4294967295),
    kind       TEXT    NOT NULL CHECK (kind IN ('catalog', 'schema', 'table', 'view')),
    -- A schema's catalog, a relation's schema.
    parent     TEXT    REFERENCES securable (id) ON DELETE CASCADE,
    name       TEXT    NOT NULL CHECK (name <> ''),
    owner      TEXT    NOT NULL REFERENCES principal (id),
    comment    TEXT,
    created_at INTEGER NOT NULL,
    UNIQUE (parent, name),
    CHECK ((kind = 'catalog') = (parent IS NULL))
) STRICT;

-- Nulls are distinct in a UNIQUE constraint, and catalogs have no parent.
CREATE UNIQUE INDEX catalog_name ON securable (name) WHERE parent IS NULL;
CREATE INDEX securable_owner ON securable (owner);

-- What a table or a view has beyond that: a table a location, a view a definition.
CREATE TABLE relation (
    id                TEXT NOT NULL PRIMARY KEY REFERENCES securable (id) ON DELETE CASCADE,
    location          TEXT,
    managed           INTEGER CHECK (managed IN (0, 1)),
    partition_columns TEXT,
    definition        TEXT,
    -- The catalog and the search path that were current when the view was made.
    view_catalog      TEXT,
    view_search_path  TEXT,
    CHECK (
        (location IS NOT NULL AND managed IS NOT NULL AND partition_columns IS NOT NULL
            AND definition IS NULL AND view_catalog IS NULL AND view_search_path IS NULL)
        OR (location IS NULL AND managed IS NULL AND partition_columns IS NULL
            AND definition IS NOT NULL AND view_catalog IS NOT NULL AND view_search_path IS NOT NULL)
    )
) STRICT;

-- Files with an owner that removes them have exactly one.
CREATE UNIQUE INDEX managed_location ON relation (location) WHERE managed = 1;

-- Columns of tables (as of the newest version seen) and of views.
CREATE TABLE column_ (
    id       TEXT    NOT NULL PRIMARY KEY,
    relation TEXT    NOT NULL REFERENCES relation (id) ON DELETE CASCADE,
    -- The attribute number. Below zero only inside a transaction, while numbers or names trade places.
    number   INTEGER NOT NULL CHECK (number <> 0),
    name     TEXT    NOT NULL,
    -- Delta's notation.
    type     TEXT    NOT NULL,
    nullable INTEGER NOT NULL CHECK (nullable IN (0, 1)),
    -- The declared PostgreSQL type and its modifier, where the type alone does not say.
    pg_type  TEXT,
    typmod   INTEGER,
    -- All other metadata of the field: a JSON object of texts.
    metadata TEXT,
    comment  TEXT,
    UNIQUE (relation, number),
    UNIQUE (relation, name)
) STRICT;

-- One privilege on one securable for one principal.
CREATE TABLE grant_ (
    securable TEXT NOT NULL REFERENCES securable (id) ON DELETE CASCADE,
    principal TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    privilege TEXT NOT NULL,
    PRIMARY KEY (securable, principal, privilege)
) STRICT;

CREATE INDEX grant_principal ON grant_ (principal);

-- Files that no table owns: not yet (staged) or not any more (dropped).
CREATE TABLE loose_location (
    location TEXT    NOT NULL PRIMARY KEY,
    -- The table they were made for or belonged to; it need not exist.
    relation TEXT    NOT NULL,
    reason   TEXT    NOT NULL CHECK (reason IN ('staged', 'dropped')),
    since    INTEGER NOT NULL
) STRICT;

-- Where data may lie outside of the managed tables, and what it is reached with.

-- What an object store is opened with.
CREATE TABLE storage_credential (
    id         TEXT    NOT NULL PRIMARY KEY,
    oid        INTEGER NOT NULL UNIQUE CHECK (oid BETWEEN 1 AND 4294967295),
    name       TEXT    NOT NULL UNIQUE CHECK (name <> ''),
    owner      TEXT    NOT NULL REFERENCES principal (id),
    comment    TEXT,
    created_at INTEGER NOT NULL,
    provider   TEXT    NOT NULL CHECK (provider IN ('s3', 'azure', 'gcs')),
    -- The options that may be shown: a JSON object of texts.
    options    TEXT    NOT NULL,
    -- Those that may not: the same, sealed with the key of the server.
    sealed     BLOB
) STRICT;

CREATE INDEX storage_credential_owner ON storage_credential (owner);

-- A place, and the credential that reaches all that lies in it.
CREATE TABLE external_location (
    id         TEXT    NOT NULL PRIMARY KEY,
    oid        INTEGER NOT NULL UNIQUE CHECK (oid BETWEEN 1 AND 4294967295),
    name       TEXT    NOT NULL UNIQUE CHECK (name <> ''),
    owner      TEXT    NOT NULL REFERENCES principal (id),
    comment    TEXT,
    created_at INTEGER NOT NULL,
    url        TEXT    NOT NULL UNIQUE,
    -- Null on a file system.
    credential TEXT    REFERENCES storage_credential (id)
) STRICT;

CREATE INDEX external_location_owner ON external_location (owner);

-- One privilege on one of these for one principal. They are no rows of `securable`, whose kinds are closed.
CREATE TABLE storage_grant (
    securable TEXT NOT NULL,
    principal TEXT NOT NULL REFERENCES principal (id) ON DELETE CASCADE,
    privilege TEXT NOT NULL,
    PRIMARY KEY (securable, principal, privilege)
) STRICT;

CREATE INDEX storage_grant_principal ON storage_grant (principal);

-- Those to everybody.
CREATE TABLE public_storage_grant (
    securable TEXT NOT NULL,
    privilege TEXT NOT NULL,
    PRIMARY KEY (securable, privilege)
) STRICT;

-- Grants to everybody, who is no principal and so has no row there.
CREATE TABLE public_grant (
    securable TEXT NOT NULL REFERENCES securable (id) ON DELETE CASCADE,
    privilege TEXT NOT NULL,
    PRIMARY KEY (securable, privilege)
) STRICT;

-- Random bytes that the server has made for itself and must find again after a restart.
CREATE TABLE server_secret (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

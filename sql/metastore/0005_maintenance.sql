-- What the server has done to the files of tables by itself. The newest runs only: old ones are deleted.
CREATE TABLE maintenance_run (
    id            TEXT    NOT NULL PRIMARY KEY,
    -- The table and its name at the time; it need not exist any more.
    relation      TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    operation     TEXT    NOT NULL CHECK (operation IN ('optimize', 'vacuum', 'log cleanup')),
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    files_added   INTEGER NOT NULL,
    files_removed INTEGER NOT NULL,
    bytes_added   INTEGER NOT NULL,
    bytes_removed INTEGER NOT NULL,
    -- Null where it has succeeded.
    error         TEXT
) STRICT;

CREATE INDEX maintenance_run_started_at ON maintenance_run (started_at);

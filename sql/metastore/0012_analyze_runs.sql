-- Tables are analyzed in the background too. What may stand in a column cannot be changed in its place.
CREATE TABLE maintenance_run_with_analyze (
    id            TEXT    NOT NULL PRIMARY KEY,
    -- The table and its name at the time; it need not exist any more.
    relation      TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    operation     TEXT    NOT NULL CHECK (operation IN ('optimize', 'vacuum', 'log cleanup', 'analyze')),
    started_at    INTEGER NOT NULL,
    ended_at      INTEGER NOT NULL,
    files_added   INTEGER NOT NULL,
    files_removed INTEGER NOT NULL,
    bytes_added   INTEGER NOT NULL,
    bytes_removed INTEGER NOT NULL,
    -- Null where it has succeeded.
    error         TEXT
) STRICT;

INSERT INTO maintenance_run_with_analyze SELECT * FROM maintenance_run;
DROP TABLE maintenance_run;
ALTER TABLE maintenance_run_with_analyze RENAME TO maintenance_run;
CREATE INDEX maintenance_run_started_at ON maintenance_run (started_at);

-- What ANALYZE has found in a table, of the version that it has read.
CREATE TABLE table_statistics (
    relation    TEXT    NOT NULL PRIMARY KEY REFERENCES relation (id) ON DELETE CASCADE,
    version     INTEGER NOT NULL CHECK (version >= 0),
    analyzed_at INTEGER NOT NULL,
    -- Whether nobody has asked for it.
    automatic   INTEGER NOT NULL CHECK (automatic IN (0, 1)),
    rows        INTEGER NOT NULL CHECK (rows >= 0),
    bytes       INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;

-- Of each column; columns that are gone, or are new since, have none.
CREATE TABLE column_statistics (
    relation       TEXT    NOT NULL REFERENCES table_statistics (relation) ON DELETE CASCADE,
    column_id      TEXT    NOT NULL,
    null_fraction  REAL    NOT NULL CHECK (null_fraction BETWEEN 0 AND 1),
    average_bytes  INTEGER NOT NULL CHECK (average_bytes >= 0),
    -- How many different values there are; below zero, as a share of the rows. Zero is not known.
    distinct_count REAL    NOT NULL CHECK (distinct_count >= -1),
    -- The least and the greatest value as text.
    least          TEXT,
    greatest       TEXT,
    PRIMARY KEY (relation, column_id)
) STRICT;

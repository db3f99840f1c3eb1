-- The query of a materialized view. Its rows are those of a managed table, so it stands among the tables too, with a
-- location.
CREATE TABLE materialized_view (
    id          TEXT    NOT NULL PRIMARY KEY REFERENCES relation (id) ON DELETE CASCADE,
    definition  TEXT    NOT NULL,
    -- The catalog and the search path that were current when it was made.
    catalog     TEXT    NOT NULL,
    search_path TEXT    NOT NULL,
    -- Whether it holds the rows of its query, of some time: it can be read then.
    populated   INTEGER NOT NULL CHECK (populated IN (0, 1))
) STRICT;

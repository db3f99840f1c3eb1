-- pg_catalog.pg_cursors: https://www.postgresql.org/docs/16/view-pg-cursors.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS text) AS statement,
    CAST(NULL AS boolean) AS is_holdable,
    CAST(NULL AS boolean) AS is_binary,
    CAST(NULL AS boolean) AS is_scrollable,
    CAST(NULL AS timestamptz) AS creation_time
WHERE false

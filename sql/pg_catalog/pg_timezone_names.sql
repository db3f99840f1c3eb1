-- pg_catalog.pg_timezone_names: https://www.postgresql.org/docs/16/view-pg-timezone-names.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS text) AS abbrev,
    CAST(NULL AS interval) AS utc_offset,
    CAST(NULL AS boolean) AS is_dst
WHERE false

-- pg_catalog.pg_timezone_names: https://www.postgresql.org/docs/16/view-pg-timezone-names.html
-- The zones of the tz database.
SELECT
    z.name,
    z.abbrev,
    z.utc_offset,
    z.is_dst
FROM lakegate_catalog.time_zones AS z

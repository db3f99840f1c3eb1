-- pg_catalog.pg_available_extensions: https://www.postgresql.org/docs/16/view-pg-available-extensions.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS name,
    CAST(NULL AS text) AS default_version,
    CAST(NULL AS text) AS installed_version,
    CAST(NULL AS text) AS comment
WHERE false

-- pg_catalog.pg_ident_file_mappings: https://www.postgresql.org/docs/16/view-pg-ident-file-mappings.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS integer) AS map_number,
    CAST(NULL AS text) AS file_name,
    CAST(NULL AS integer) AS line_number,
    CAST(NULL AS text) AS map_name,
    CAST(NULL AS text) AS sys_name,
    CAST(NULL AS text) AS pg_username,
    CAST(NULL AS text) AS error
WHERE false

-- information_schema.check_constraints: https://www.postgresql.org/docs/16/infoschema-check-constraints.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS constraint_catalog,
    CAST(NULL AS name) AS constraint_schema,
    CAST(NULL AS name) AS constraint_name,
    CAST(NULL AS varchar) AS check_clause
WHERE false

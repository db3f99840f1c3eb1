-- information_schema.check_constraints: https://www.postgresql.org/docs/16/infoschema-check-constraints.html
-- The checks of tables.
SELECT
    CAST(current_database() AS name) AS constraint_catalog,
    c.nspname AS constraint_schema,
    c.conname AS constraint_name,
    CAST('(' || c.expression || ')' AS varchar) AS check_clause
FROM lakegate_catalog.constraints AS c
WHERE c.contype = 'c'

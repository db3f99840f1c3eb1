-- information_schema.check_constraint_routine_usage: https://www.postgresql.org/docs/16/infoschema-check-constraint-routine-usage.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS constraint_catalog,
    CAST(NULL AS name) AS constraint_schema,
    CAST(NULL AS name) AS constraint_name,
    CAST(NULL AS name) AS specific_catalog,
    CAST(NULL AS name) AS specific_schema,
    CAST(NULL AS name) AS specific_name
WHERE false

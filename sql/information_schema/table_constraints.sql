-- information_schema.table_constraints: https://www.postgresql.org/docs/16/infoschema-table-constraints.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS constraint_catalog,
    CAST(NULL AS name) AS constraint_schema,
    CAST(NULL AS name) AS constraint_name,
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS varchar) AS constraint_type,
    CAST(NULL AS varchar(3)) AS is_deferrable,
    CAST(NULL AS varchar(3)) AS initially_deferred,
    CAST(NULL AS varchar(3)) AS enforced,
    CAST(NULL AS varchar(3)) AS nulls_distinct
WHERE false

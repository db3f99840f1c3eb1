-- information_schema.tables: https://www.postgresql.org/docs/16/infoschema-tables.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS table_catalog,
    CAST(NULL AS name) AS table_schema,
    CAST(NULL AS name) AS table_name,
    CAST(NULL AS varchar) AS table_type,
    CAST(NULL AS name) AS self_referencing_column_name,
    CAST(NULL AS varchar) AS reference_generation,
    CAST(NULL AS name) AS user_defined_type_catalog,
    CAST(NULL AS name) AS user_defined_type_schema,
    CAST(NULL AS name) AS user_defined_type_name,
    CAST(NULL AS varchar(3)) AS is_insertable_into,
    CAST(NULL AS varchar(3)) AS is_typed,
    CAST(NULL AS varchar) AS commit_action
WHERE false

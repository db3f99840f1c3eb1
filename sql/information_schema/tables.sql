-- information_schema.tables: https://www.postgresql.org/docs/16/infoschema-tables.html
-- Tables and views.
SELECT
    CAST(current_database() AS name) AS table_catalog,
    c.nspname AS table_schema,
    c.relname AS table_name,
    CAST(
        CASE
            WHEN c.relnamespace = pg_my_temp_schema() THEN 'LOCAL TEMPORARY'
            WHEN c.relkind = 'v' THEN 'VIEW'
            ELSE 'BASE TABLE'
        END AS varchar
    ) AS table_type,
    CAST(NULL AS name) AS self_referencing_column_name,
    CAST(NULL AS varchar) AS reference_generation,
    CAST(NULL AS name) AS user_defined_type_catalog,
    CAST(NULL AS name) AS user_defined_type_schema,
    CAST(NULL AS name) AS user_defined_type_name,
    CAST(CASE WHEN c.relkind = 'r' AND NOT c.is_system THEN 'YES' ELSE 'NO' END AS varchar(3)) AS is_insertable_into,
    CAST('NO' AS varchar(3)) AS is_typed,
    CAST(NULL AS varchar) AS commit_action
FROM lakegate_catalog.classes AS c
WHERE c.relkind NOT IN ('i', 'm', 'S')

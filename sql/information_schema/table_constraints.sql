-- information_schema.table_constraints: https://www.postgresql.org/docs/16/infoschema-table-constraints.html
-- Checks, and keys, which inform only.
SELECT
    CAST(current_database() AS name) AS constraint_catalog,
    c.nspname AS constraint_schema,
    c.conname AS constraint_name,
    CAST(current_database() AS name) AS table_catalog,
    c.nspname AS table_schema,
    c.relname AS table_name,
    CAST(
        CASE c.contype WHEN 'c' THEN 'CHECK' WHEN 'f' THEN 'FOREIGN KEY' WHEN 'p' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END
        AS varchar
    ) AS constraint_type,
    CAST(CASE WHEN c.condeferrable THEN 'YES' ELSE 'NO' END AS varchar(3)) AS is_deferrable,
    CAST(CASE WHEN c.condeferred THEN 'YES' ELSE 'NO' END AS varchar(3)) AS initially_deferred,
    CAST(CASE c.contype WHEN 'c' THEN 'YES' ELSE 'NO' END AS varchar(3)) AS enforced,
    CAST(CASE c.contype WHEN 'u' THEN 'YES' END AS varchar(3)) AS nulls_distinct
FROM lakegate_catalog.constraints AS c

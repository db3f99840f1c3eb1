-- information_schema.constraint_column_usage: https://www.postgresql.org/docs/16/infoschema-constraint-column-usage.html
-- The columns of primary and unique keys, and those that foreign keys refer to.
SELECT
    CAST(current_database() AS name) AS table_catalog,
    CAST(CASE c.contype WHEN 'f' THEN c.confnspname ELSE c.nspname END AS name) AS table_schema,
    CAST(CASE c.contype WHEN 'f' THEN c.confrelname ELSE c.relname END AS name) AS table_name,
    CAST(CASE c.contype WHEN 'f' THEN c.confattname ELSE c.attname END AS name) AS column_name,
    CAST(current_database() AS name) AS constraint_catalog,
    c.nspname AS constraint_schema,
    c.conname AS constraint_name
FROM lakegate_catalog.constraint_columns AS c

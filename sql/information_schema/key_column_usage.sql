-- information_schema.key_column_usage: https://www.postgresql.org/docs/16/infoschema-key-column-usage.html
-- The columns of keys.
SELECT
    CAST(current_database() AS name) AS constraint_catalog,
    c.nspname AS constraint_schema,
    c.conname AS constraint_name,
    CAST(current_database() AS name) AS table_catalog,
    c.nspname AS table_schema,
    c.relname AS table_name,
    c.attname AS column_name,
    c.ordinal_position,
    c.position_in_unique_constraint
FROM lakegate_catalog.constraint_columns AS c

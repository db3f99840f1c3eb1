-- information_schema.referential_constraints: https://www.postgresql.org/docs/16/infoschema-referential-constraints.html
-- Foreign keys and the keys that they refer to.
SELECT
    CAST(current_database() AS name) AS constraint_catalog,
    c.nspname AS constraint_schema,
    c.conname AS constraint_name,
    CAST(current_database() AS name) AS unique_constraint_catalog,
    c.confnspname AS unique_constraint_schema,
    c.confname AS unique_constraint_name,
    CAST(c.match_option AS varchar) AS match_option,
    CAST(c.update_rule AS varchar) AS update_rule,
    CAST(c.delete_rule AS varchar) AS delete_rule
FROM lakegate_catalog.constraint_columns AS c
WHERE c.contype = 'f' AND c.ordinal_position = 1

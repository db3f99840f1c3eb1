-- information_schema.referential_constraints: https://www.postgresql.org/docs/16/infoschema-referential-constraints.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS constraint_catalog,
    CAST(NULL AS name) AS constraint_schema,
    CAST(NULL AS name) AS constraint_name,
    CAST(NULL AS name) AS unique_constraint_catalog,
    CAST(NULL AS name) AS unique_constraint_schema,
    CAST(NULL AS name) AS unique_constraint_name,
    CAST(NULL AS varchar) AS match_option,
    CAST(NULL AS varchar) AS update_rule,
    CAST(NULL AS varchar) AS delete_rule
WHERE false

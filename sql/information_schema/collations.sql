-- information_schema.collations: https://www.postgresql.org/docs/16/infoschema-collations.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS collation_catalog,
    CAST(NULL AS name) AS collation_schema,
    CAST(NULL AS name) AS collation_name,
    CAST(NULL AS varchar) AS pad_attribute
WHERE false

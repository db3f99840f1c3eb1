-- information_schema.sql_parts: https://www.postgresql.org/docs/16/infoschema-sql-parts.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS varchar) AS feature_id,
    CAST(NULL AS varchar) AS feature_name,
    CAST(NULL AS varchar(3)) AS is_supported,
    CAST(NULL AS varchar) AS is_verified_by,
    CAST(NULL AS varchar) AS comments
WHERE false

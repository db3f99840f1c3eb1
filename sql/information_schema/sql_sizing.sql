-- information_schema.sql_sizing: https://www.postgresql.org/docs/16/infoschema-sql-sizing.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS integer) AS sizing_id,
    CAST(NULL AS varchar) AS sizing_name,
    CAST(NULL AS integer) AS supported_value,
    CAST(NULL AS varchar) AS comments
WHERE false

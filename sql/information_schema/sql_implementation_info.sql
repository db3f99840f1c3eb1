-- information_schema.sql_implementation_info: https://www.postgresql.org/docs/16/infoschema-sql-implementation-info.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS varchar) AS implementation_info_id,
    CAST(NULL AS varchar) AS implementation_info_name,
    CAST(NULL AS integer) AS integer_value,
    CAST(NULL AS varchar) AS character_value,
    CAST(NULL AS varchar) AS comments
WHERE false

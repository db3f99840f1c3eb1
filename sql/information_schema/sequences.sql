-- information_schema.sequences: https://www.postgresql.org/docs/16/infoschema-sequences.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS sequence_catalog,
    CAST(NULL AS name) AS sequence_schema,
    CAST(NULL AS name) AS sequence_name,
    CAST(NULL AS varchar) AS data_type,
    CAST(NULL AS integer) AS numeric_precision,
    CAST(NULL AS integer) AS numeric_precision_radix,
    CAST(NULL AS integer) AS numeric_scale,
    CAST(NULL AS varchar) AS start_value,
    CAST(NULL AS varchar) AS minimum_value,
    CAST(NULL AS varchar) AS maximum_value,
    CAST(NULL AS varchar) AS increment,
    CAST(NULL AS varchar(3)) AS cycle_option
WHERE false

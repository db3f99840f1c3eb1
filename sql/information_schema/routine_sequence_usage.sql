-- information_schema.routine_sequence_usage: https://www.postgresql.org/docs/16/infoschema-routine-sequence-usage.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS specific_catalog,
    CAST(NULL AS name) AS specific_schema,
    CAST(NULL AS name) AS specific_name,
    CAST(NULL AS name) AS routine_catalog,
    CAST(NULL AS name) AS routine_schema,
    CAST(NULL AS name) AS routine_name,
    CAST(NULL AS name) AS sequence_catalog,
    CAST(NULL AS name) AS sequence_schema,
    CAST(NULL AS name) AS sequence_name
WHERE false

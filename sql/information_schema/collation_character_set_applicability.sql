-- information_schema.collation_character_set_applicability: https://www.postgresql.org/docs/16/infoschema-collation-character-set-applicability.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS collation_catalog,
    CAST(NULL AS name) AS collation_schema,
    CAST(NULL AS name) AS collation_name,
    CAST(NULL AS name) AS character_set_catalog,
    CAST(NULL AS name) AS character_set_schema,
    CAST(NULL AS name) AS character_set_name
WHERE false

-- information_schema.character_sets: https://www.postgresql.org/docs/16/infoschema-character-sets.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS character_set_catalog,
    CAST(NULL AS name) AS character_set_schema,
    CAST(NULL AS name) AS character_set_name,
    CAST(NULL AS name) AS character_repertoire,
    CAST(NULL AS name) AS form_of_use,
    CAST(NULL AS name) AS default_collate_catalog,
    CAST(NULL AS name) AS default_collate_schema,
    CAST(NULL AS name) AS default_collate_name
WHERE false

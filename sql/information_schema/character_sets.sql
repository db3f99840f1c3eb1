-- information_schema.character_sets: https://www.postgresql.org/docs/16/infoschema-character-sets.html
-- The one character set.
SELECT
    CAST(NULL AS name) AS character_set_catalog,
    CAST(NULL AS name) AS character_set_schema,
    CAST('UTF8' AS name) AS character_set_name,
    CAST('UCS' AS name) AS character_repertoire,
    CAST('UTF8' AS name) AS form_of_use,
    CAST(current_database() AS name) AS default_collate_catalog,
    CAST('pg_catalog' AS name) AS default_collate_schema,
    CAST('C' AS name) AS default_collate_name


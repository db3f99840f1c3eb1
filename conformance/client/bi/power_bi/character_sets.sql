select character_set_name from INFORMATION_SCHEMA.character_sets;
-- answer
-- UTF8

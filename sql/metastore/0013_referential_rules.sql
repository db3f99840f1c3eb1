-- What a foreign key says that becomes of its rows when those change that it refers to; nothing acts on it. No word
-- is NO ACTION and MATCH SIMPLE.
ALTER TABLE constraint_ ADD COLUMN on_update TEXT
    CHECK (on_update IN ('RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'));

ALTER TABLE constraint_ ADD COLUMN on_delete TEXT
    CHECK (on_delete IN ('RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT'));

ALTER TABLE constraint_ ADD COLUMN match_full INTEGER CHECK (match_full = 1);

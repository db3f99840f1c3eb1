ALTER TABLE shelves ADD COLUMN width double precision;

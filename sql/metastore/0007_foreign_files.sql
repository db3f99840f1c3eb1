-- The format of files that are no Delta table's, and the options with which they are read, as JSON. Null for Delta
-- tables and for views.
ALTER TABLE relation ADD COLUMN foreign_format TEXT CHECK (foreign_format IS NULL OR location IS NOT NULL);

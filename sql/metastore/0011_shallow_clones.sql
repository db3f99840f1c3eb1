-- The roots of other tables, URLs in a JSON array, that files of a shallow clone lie below. Null for tables whose files
-- are their own, and for views.
ALTER TABLE relation ADD COLUMN sources TEXT CHECK (sources IS NULL OR location IS NOT NULL);

-- pg_catalog.pg_sequence: https://www.postgresql.org/docs/16/catalog-pg-sequence.html
-- The sequences of identity columns; there are no others.
SELECT
    s.oid AS seqrelid,
    s.seqtypid,
    s.seqstart,
    s.seqincrement,
    s.seqmax,
    s.seqmin,
    CAST(1 AS bigint) AS seqcache,
    CAST(false AS boolean) AS seqcycle
FROM lakegate_catalog.sequences AS s

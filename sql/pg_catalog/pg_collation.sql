-- pg_catalog.pg_collation: https://www.postgresql.org/docs/16/catalog-pg-collation.html
-- Text is compared by bytes, in every collation.
SELECT
    CAST(v.oid AS oid) AS oid,
    CAST(v.collname AS name) AS collname,
    CAST(v.collnamespace AS oid) AS collnamespace,
    CAST(v.collowner AS oid) AS collowner,
    CAST(v.collprovider AS "char") AS collprovider,
    CAST(v.collisdeterministic AS boolean) AS collisdeterministic,
    CAST(v.collencoding AS integer) AS collencoding,
    CAST(v.collcollate AS text) AS collcollate,
    CAST(v.collctype AS text) AS collctype,
    CAST(NULL AS text) AS colliculocale,
    CAST(NULL AS text) AS collicurules,
    CAST(NULL AS text) AS collversion
FROM (
    VALUES
        (100, 'default', 11, 10, 'd', true, -1, NULL, NULL),
        (950, 'C', 11, 10, 'c', true, -1, 'C', 'C'),
        (951, 'POSIX', 11, 10, 'c', true, -1, 'POSIX', 'POSIX')
) AS v (oid, collname, collnamespace, collowner, collprovider, collisdeterministic, collencoding, collcollate, collctype)

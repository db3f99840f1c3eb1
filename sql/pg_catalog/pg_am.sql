-- pg_catalog.pg_am: https://www.postgresql.org/docs/16/catalog-pg-am.html
-- The access method that clients expect of a table.
SELECT
    CAST(v.oid AS oid) AS oid,
    CAST(v.amname AS name) AS amname,
    CAST(v.amhandler AS regproc) AS amhandler,
    CAST(v.amtype AS "char") AS amtype
FROM (
    VALUES
        (2, 'heap', 3, 't')
) AS v (oid, amname, amhandler, amtype)

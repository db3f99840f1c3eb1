-- pg_catalog.pg_ts_parser: https://www.postgresql.org/docs/16/catalog-pg-ts-parser.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS prsname,
    CAST(NULL AS oid) AS prsnamespace,
    CAST(NULL AS regproc) AS prsstart,
    CAST(NULL AS regproc) AS prstoken,
    CAST(NULL AS regproc) AS prsend,
    CAST(NULL AS regproc) AS prsheadline,
    CAST(NULL AS regproc) AS prslextype
WHERE false

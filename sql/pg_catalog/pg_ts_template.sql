-- pg_catalog.pg_ts_template: https://www.postgresql.org/docs/16/catalog-pg-ts-template.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS tmplname,
    CAST(NULL AS oid) AS tmplnamespace,
    CAST(NULL AS regproc) AS tmplinit,
    CAST(NULL AS regproc) AS tmpllexize
WHERE false

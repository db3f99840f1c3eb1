-- pg_catalog.pg_publication: https://www.postgresql.org/docs/16/catalog-pg-publication.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS pubname,
    CAST(NULL AS oid) AS pubowner,
    CAST(NULL AS boolean) AS puballtables,
    CAST(NULL AS boolean) AS pubinsert,
    CAST(NULL AS boolean) AS pubupdate,
    CAST(NULL AS boolean) AS pubdelete,
    CAST(NULL AS boolean) AS pubtruncate,
    CAST(NULL AS boolean) AS pubviaroot
WHERE false

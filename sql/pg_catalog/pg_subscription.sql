-- pg_catalog.pg_subscription: https://www.postgresql.org/docs/16/catalog-pg-subscription.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS subdbid,
    CAST(NULL AS pg_lsn) AS subskiplsn,
    CAST(NULL AS name) AS subname,
    CAST(NULL AS oid) AS subowner,
    CAST(NULL AS boolean) AS subenabled,
    CAST(NULL AS boolean) AS subbinary,
    CAST(NULL AS "char") AS substream,
    CAST(NULL AS "char") AS subtwophasestate,
    CAST(NULL AS boolean) AS subdisableonerr,
    CAST(NULL AS boolean) AS subpasswordrequired,
    CAST(NULL AS boolean) AS subrunasowner,
    CAST(NULL AS text) AS subconninfo,
    CAST(NULL AS name) AS subslotname,
    CAST(NULL AS text) AS subsynccommit,
    CAST(NULL AS text[]) AS subpublications,
    CAST(NULL AS text) AS suborigin
WHERE false

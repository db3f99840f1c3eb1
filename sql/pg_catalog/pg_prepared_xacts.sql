-- pg_catalog.pg_prepared_xacts: https://www.postgresql.org/docs/16/view-pg-prepared-xacts.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS xid) AS transaction,
    CAST(NULL AS text) AS gid,
    CAST(NULL AS timestamptz) AS prepared,
    CAST(NULL AS name) AS owner,
    CAST(NULL AS name) AS database
WHERE false

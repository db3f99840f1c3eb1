-- pg_catalog.pg_locks: https://www.postgresql.org/docs/16/view-pg-locks.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS locktype,
    CAST(NULL AS oid) AS database,
    CAST(NULL AS oid) AS relation,
    CAST(NULL AS integer) AS page,
    CAST(NULL AS smallint) AS tuple,
    CAST(NULL AS text) AS virtualxid,
    CAST(NULL AS xid) AS transactionid,
    CAST(NULL AS oid) AS classid,
    CAST(NULL AS oid) AS objid,
    CAST(NULL AS smallint) AS objsubid,
    CAST(NULL AS text) AS virtualtransaction,
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS text) AS mode,
    CAST(NULL AS boolean) AS granted,
    CAST(NULL AS boolean) AS fastpath,
    CAST(NULL AS timestamptz) AS waitstart
WHERE false

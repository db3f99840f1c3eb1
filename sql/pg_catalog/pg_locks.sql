-- pg_catalog.pg_locks: https://www.postgresql.org/docs/16/view-pg-locks.html
-- Advisory locks; nothing else is locked.
SELECT
    CAST('advisory' AS text) AS locktype,
    l.database,
    CAST(NULL AS oid) AS relation,
    CAST(NULL AS integer) AS page,
    CAST(NULL AS smallint) AS tuple,
    CAST(NULL AS text) AS virtualxid,
    CAST(NULL AS xid) AS transactionid,
    l.classid,
    l.objid,
    l.objsubid,
    CAST(NULL AS text) AS virtualtransaction,
    l.pid,
    l.mode,
    l.granted,
    CAST(false AS boolean) AS fastpath,
    l.waitstart
FROM lakegate_catalog.locks AS l

-- pg_catalog.pg_trigger: https://www.postgresql.org/docs/16/catalog-pg-trigger.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS tgrelid,
    CAST(NULL AS oid) AS tgparentid,
    CAST(NULL AS name) AS tgname,
    CAST(NULL AS oid) AS tgfoid,
    CAST(NULL AS smallint) AS tgtype,
    CAST(NULL AS "char") AS tgenabled,
    CAST(NULL AS boolean) AS tgisinternal,
    CAST(NULL AS oid) AS tgconstrrelid,
    CAST(NULL AS oid) AS tgconstrindid,
    CAST(NULL AS oid) AS tgconstraint,
    CAST(NULL AS boolean) AS tgdeferrable,
    CAST(NULL AS boolean) AS tginitdeferred,
    CAST(NULL AS smallint) AS tgnargs,
    CAST(NULL AS int2vector) AS tgattr,
    CAST(NULL AS bytea) AS tgargs,
    CAST(NULL AS pg_node_tree) AS tgqual,
    CAST(NULL AS name) AS tgoldtable,
    CAST(NULL AS name) AS tgnewtable
WHERE false

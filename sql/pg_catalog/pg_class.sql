-- pg_catalog.pg_class: https://www.postgresql.org/docs/16/catalog-pg-class.html
-- Tables, views, materialized views and indexes in the current catalog, and the system relations.
SELECT
    c.oid,
    c.relname,
    c.relnamespace,
    c.reltype,
    CAST(0 AS oid) AS reloftype,
    c.relowner,
    c.relam,
    CAST(0 AS oid) AS relfilenode,
    CAST(0 AS oid) AS reltablespace,
    c.relpages,
    c.reltuples,
    CAST(0 AS integer) AS relallvisible,
    CAST(0 AS oid) AS reltoastrelid,
    c.relhasindex,
    CAST(
        c.is_system AND c.relname IN (
            'pg_authid', 'pg_auth_members', 'pg_database', 'pg_db_role_setting', 'pg_parameter_acl',
            'pg_replication_origin', 'pg_shdepend', 'pg_shdescription', 'pg_shseclabel', 'pg_subscription', 'pg_tablespace')
        AS boolean
    ) AS relisshared,
    CAST(CASE WHEN c.relnamespace = pg_my_temp_schema() THEN 't' ELSE 'p' END AS "char") AS relpersistence,
    c.relkind,
    c.relnatts,
    c.relchecks,
    CAST(c.relkind IN ('v', 'm') AS boolean) AS relhasrules,
    c.relhastriggers,
    CAST(false AS boolean) AS relhassubclass,
    CAST(false AS boolean) AS relrowsecurity,
    CAST(false AS boolean) AS relforcerowsecurity,
    c.relispopulated,
    CAST(CASE WHEN c.relkind IN ('r', 'm') AND NOT c.is_system THEN 'd' ELSE 'n' END AS "char") AS relreplident,
    CAST(false AS boolean) AS relispartition,
    CAST(0 AS oid) AS relrewrite,
    CAST(0 AS xid) AS relfrozenxid,
    CAST(0 AS xid) AS relminmxid,
    c.relacl,
    CAST(NULL AS text[]) AS reloptions,
    CAST(NULL AS pg_node_tree) AS relpartbound
FROM lakegate_catalog.classes AS c

-- pg_catalog.pg_database: https://www.postgresql.org/docs/16/catalog-pg-database.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS datname,
    CAST(NULL AS oid) AS datdba,
    CAST(NULL AS integer) AS encoding,
    CAST(NULL AS "char") AS datlocprovider,
    CAST(NULL AS boolean) AS datistemplate,
    CAST(NULL AS boolean) AS datallowconn,
    CAST(NULL AS integer) AS datconnlimit,
    CAST(NULL AS xid) AS datfrozenxid,
    CAST(NULL AS xid) AS datminmxid,
    CAST(NULL AS oid) AS dattablespace,
    CAST(NULL AS text) AS datcollate,
    CAST(NULL AS text) AS datctype,
    CAST(NULL AS text) AS daticulocale,
    CAST(NULL AS text) AS daticurules,
    CAST(NULL AS text) AS datcollversion,
    CAST(NULL AS aclitem[]) AS datacl
WHERE false

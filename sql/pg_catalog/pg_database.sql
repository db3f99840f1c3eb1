-- pg_catalog.pg_database: https://www.postgresql.org/docs/16/catalog-pg-database.html
-- The catalogs; names of the current one only are visible in a session.
SELECT
    d.oid,
    d.datname,
    d.datdba,
    CAST(6 AS integer) AS encoding,
    CAST('c' AS "char") AS datlocprovider,
    CAST(false AS boolean) AS datistemplate,
    CAST(true AS boolean) AS datallowconn,
    CAST(-1 AS integer) AS datconnlimit,
    CAST(0 AS xid) AS datfrozenxid,
    CAST(0 AS xid) AS datminmxid,
    CAST(1663 AS oid) AS dattablespace,
    CAST('C' AS text) AS datcollate,
    CAST('C' AS text) AS datctype,
    CAST(NULL AS text) AS daticulocale,
    CAST(NULL AS text) AS daticurules,
    CAST(NULL AS text) AS datcollversion,
    d.datacl
FROM lakegate_catalog.databases AS d

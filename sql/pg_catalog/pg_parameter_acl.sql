-- pg_catalog.pg_parameter_acl: https://www.postgresql.org/docs/16/catalog-pg-parameter-acl.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS text) AS parname,
    CAST(NULL AS aclitem[]) AS paracl
WHERE false

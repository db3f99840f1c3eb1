-- pg_catalog.pg_default_acl: https://www.postgresql.org/docs/16/catalog-pg-default-acl.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS oid) AS defaclrole,
    CAST(NULL AS oid) AS defaclnamespace,
    CAST(NULL AS "char") AS defaclobjtype,
    CAST(NULL AS aclitem[]) AS defaclacl
WHERE false

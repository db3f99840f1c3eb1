-- pg_catalog.pg_tablespace: https://www.postgresql.org/docs/16/catalog-pg-tablespace.html
-- The tablespaces that every PostgreSQL has.
SELECT
    CAST(v.oid AS oid) AS oid,
    CAST(v.spcname AS name) AS spcname,
    CAST(v.spcowner AS oid) AS spcowner,
    CAST(NULL AS aclitem[]) AS spcacl,
    CAST(NULL AS text[]) AS spcoptions
FROM (
    VALUES
        (1663, 'pg_default', 10),
        (1664, 'pg_global', 10)
) AS v (oid, spcname, spcowner)

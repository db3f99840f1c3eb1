-- pg_catalog.pg_language: https://www.postgresql.org/docs/16/catalog-pg-language.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS lanname,
    CAST(NULL AS oid) AS lanowner,
    CAST(NULL AS boolean) AS lanispl,
    CAST(NULL AS boolean) AS lanpltrusted,
    CAST(NULL AS oid) AS lanplcallfoid,
    CAST(NULL AS oid) AS laninline,
    CAST(NULL AS oid) AS lanvalidator,
    CAST(NULL AS aclitem[]) AS lanacl
WHERE false

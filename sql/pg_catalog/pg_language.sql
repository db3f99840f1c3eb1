-- pg_catalog.pg_language: https://www.postgresql.org/docs/16/catalog-pg-language.html
-- The languages that functions are written in.
SELECT
    CAST(v.oid AS oid) AS oid,
    CAST(v.lanname AS name) AS lanname,
    CAST(v.lanowner AS oid) AS lanowner,
    CAST(v.lanispl AS boolean) AS lanispl,
    CAST(v.lanpltrusted AS boolean) AS lanpltrusted,
    CAST(v.lanplcallfoid AS oid) AS lanplcallfoid,
    CAST(v.laninline AS oid) AS laninline,
    CAST(v.lanvalidator AS oid) AS lanvalidator,
    CAST(NULL AS aclitem[]) AS lanacl
FROM (
    VALUES
        (12, 'internal', 10, false, false, 0, 0, 2246),
        (13, 'c', 10, false, false, 0, 0, 2247),
        (14, 'sql', 10, false, true, 0, 0, 2248)
) AS v (oid, lanname, lanowner, lanispl, lanpltrusted, lanplcallfoid, laninline, lanvalidator)

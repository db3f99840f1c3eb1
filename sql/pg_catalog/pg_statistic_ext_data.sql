-- pg_catalog.pg_statistic_ext_data: https://www.postgresql.org/docs/16/catalog-pg-statistic-ext-data.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS oid) AS stxoid,
    CAST(NULL AS boolean) AS stxdinherit,
    CAST(NULL AS pg_ndistinct) AS stxdndistinct,
    CAST(NULL AS pg_dependencies) AS stxddependencies,
    CAST(NULL AS pg_mcv_list) AS stxdmcv,
    CAST(NULL AS text) AS stxdexpr
WHERE false

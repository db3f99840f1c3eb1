-- pg_catalog.pg_ts_config_map: https://www.postgresql.org/docs/16/catalog-pg-ts-config-map.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS mapcfg,
    CAST(NULL AS integer) AS maptokentype,
    CAST(NULL AS integer) AS mapseqno,
    CAST(NULL AS oid) AS mapdict
WHERE false

-- pg_catalog.pg_stat_ssl: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS boolean) AS ssl,
    CAST(NULL AS text) AS version,
    CAST(NULL AS text) AS cipher,
    CAST(NULL AS integer) AS bits,
    CAST(NULL AS text) AS client_dn,
    CAST(NULL AS numeric) AS client_serial,
    CAST(NULL AS text) AS issuer_dn
WHERE false

-- pg_catalog.pg_stat_gssapi: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Always empty: nothing counts what it would show.
SELECT
    CAST(NULL AS integer) AS pid,
    CAST(NULL AS boolean) AS gss_authenticated,
    CAST(NULL AS text) AS principal,
    CAST(NULL AS boolean) AS encrypted,
    CAST(NULL AS boolean) AS credentials_delegated
WHERE false

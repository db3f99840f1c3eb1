-- pg_catalog.pg_stat_sys_tables: https://www.postgresql.org/docs/16/monitoring-stats.html
-- Tables, with what ANALYZE has found; nothing counts their changes and scans.
SELECT
    c.oid AS relid,
    c.nspname AS schemaname,
    c.relname,
    CAST(NULL AS bigint) AS seq_scan,
    CAST(NULL AS timestamptz) AS last_seq_scan,
    CAST(NULL AS bigint) AS seq_tup_read,
    CAST(NULL AS bigint) AS idx_scan,
    CAST(NULL AS timestamptz) AS last_idx_scan,
    CAST(NULL AS bigint) AS idx_tup_fetch,
    CAST(NULL AS bigint) AS n_tup_ins,
    CAST(NULL AS bigint) AS n_tup_upd,
    CAST(NULL AS bigint) AS n_tup_del,
    CAST(NULL AS bigint) AS n_tup_hot_upd,
    CAST(NULL AS bigint) AS n_tup_newpage_upd,
    CAST(CASE WHEN c.reltuples >= 0 THEN c.reltuples END AS bigint) AS n_live_tup,
    CAST(NULL AS bigint) AS n_dead_tup,
    CAST(NULL AS bigint) AS n_mod_since_analyze,
    CAST(NULL AS bigint) AS n_ins_since_vacuum,
    CAST(NULL AS timestamptz) AS last_vacuum,
    CAST(NULL AS timestamptz) AS last_autovacuum,
    CASE WHEN NOT c.is_automatic THEN c.analyzed_at END AS last_analyze,
    CASE WHEN c.is_automatic THEN c.analyzed_at END AS last_autoanalyze,
    CAST(NULL AS bigint) AS vacuum_count,
    CAST(NULL AS bigint) AS autovacuum_count,
    CAST(NULL AS bigint) AS analyze_count,
    CAST(NULL AS bigint) AS autoanalyze_count
FROM lakegate_catalog.classes AS c
WHERE c.relkind IN ('r', 'm') AND c.is_system

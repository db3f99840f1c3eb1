-- pg_catalog.pg_stats: https://www.postgresql.org/docs/16/view-pg-stats.html
-- What ANALYZE has found in columns. The bounds are the least and the greatest value.
SELECT
    s.schemaname,
    s.tablename,
    s.attname,
    CAST(false AS boolean) AS inherited,
    s.null_frac,
    s.avg_width,
    s.n_distinct,
    CAST(NULL AS anyarray) AS most_common_vals,
    CAST(NULL AS real[]) AS most_common_freqs,
    CAST(s.bounds AS anyarray) AS histogram_bounds,
    CAST(NULL AS real) AS correlation,
    CAST(NULL AS anyarray) AS most_common_elems,
    CAST(NULL AS real[]) AS most_common_elem_freqs,
    CAST(NULL AS real[]) AS elem_count_histogram
FROM lakegate_catalog.statistics AS s

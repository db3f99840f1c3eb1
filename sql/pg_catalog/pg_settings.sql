-- pg_catalog.pg_settings: https://www.postgresql.org/docs/16/view-pg-settings.html
-- The session's settings.
SELECT
    s.name,
    s.setting,
    s.unit,
    s.category,
    s.short_desc,
    s.extra_desc,
    s.context,
    s.vartype,
    s.source,
    s.min_val,
    s.max_val,
    s.enumvals,
    s.boot_val,
    CAST(s.boot_val AS text) AS reset_val,
    CAST(NULL AS text) AS sourcefile,
    CAST(NULL AS integer) AS sourceline,
    CAST(false AS boolean) AS pending_restart
FROM lakegate_catalog.settings AS s

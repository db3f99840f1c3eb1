-- pg_catalog.pg_settings: https://www.postgresql.org/docs/16/view-pg-settings.html
-- The session's settings.
SELECT
    s.name,
    s.setting,
    CAST(NULL AS text) AS unit,
    CAST('' AS text) AS category,
    s.short_desc,
    CAST(NULL AS text) AS extra_desc,
    CAST('user' AS text) AS context,
    s.vartype,
    s.source,
    CAST(NULL AS text) AS min_val,
    CAST(NULL AS text) AS max_val,
    CAST(NULL AS text[]) AS enumvals,
    s.boot_val,
    CAST(s.boot_val AS text) AS reset_val,
    CAST(NULL AS text) AS sourcefile,
    CAST(NULL AS integer) AS sourceline,
    CAST(false AS boolean) AS pending_restart
FROM lakegate_catalog.settings AS s

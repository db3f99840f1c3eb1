-- pg_catalog.pg_settings: https://www.postgresql.org/docs/16/view-pg-settings.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS text) AS setting,
    CAST(NULL AS text) AS unit,
    CAST(NULL AS text) AS category,
    CAST(NULL AS text) AS short_desc,
    CAST(NULL AS text) AS extra_desc,
    CAST(NULL AS text) AS context,
    CAST(NULL AS text) AS vartype,
    CAST(NULL AS text) AS source,
    CAST(NULL AS text) AS min_val,
    CAST(NULL AS text) AS max_val,
    CAST(NULL AS text[]) AS enumvals,
    CAST(NULL AS text) AS boot_val,
    CAST(NULL AS text) AS reset_val,
    CAST(NULL AS text) AS sourcefile,
    CAST(NULL AS integer) AS sourceline,
    CAST(NULL AS boolean) AS pending_restart
WHERE false

-- pg_catalog.pg_file_settings: https://www.postgresql.org/docs/16/view-pg-file-settings.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS sourcefile,
    CAST(NULL AS integer) AS sourceline,
    CAST(NULL AS integer) AS seqno,
    CAST(NULL AS text) AS name,
    CAST(NULL AS text) AS setting,
    CAST(NULL AS boolean) AS applied,
    CAST(NULL AS text) AS error
WHERE false

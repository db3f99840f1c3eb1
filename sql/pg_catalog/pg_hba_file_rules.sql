-- pg_catalog.pg_hba_file_rules: https://www.postgresql.org/docs/16/view-pg-hba-file-rules.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS integer) AS rule_number,
    CAST(NULL AS text) AS file_name,
    CAST(NULL AS integer) AS line_number,
    CAST(NULL AS text) AS type,
    CAST(NULL AS text[]) AS database,
    CAST(NULL AS text[]) AS user_name,
    CAST(NULL AS text) AS address,
    CAST(NULL AS text) AS netmask,
    CAST(NULL AS text) AS auth_method,
    CAST(NULL AS text[]) AS options,
    CAST(NULL AS text) AS error
WHERE false

-- pg_catalog.pg_prepared_statements: https://www.postgresql.org/docs/16/view-pg-prepared-statements.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS text) AS name,
    CAST(NULL AS text) AS statement,
    CAST(NULL AS timestamptz) AS prepare_time,
    CAST(NULL AS regtype[]) AS parameter_types,
    CAST(NULL AS regtype[]) AS result_types,
    CAST(NULL AS boolean) AS from_sql,
    CAST(NULL AS bigint) AS generic_plans,
    CAST(NULL AS bigint) AS custom_plans
WHERE false

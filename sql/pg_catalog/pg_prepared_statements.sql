-- pg_catalog.pg_prepared_statements: https://www.postgresql.org/docs/16/view-pg-prepared-statements.html
-- The prepared statements of the session that asks. None has a plan that is kept; plans made for one run are not counted.
SELECT
    p.name,
    p.statement,
    p.prepare_time,
    p.parameter_types,
    p.result_types,
    p.from_sql,
    CAST(0 AS bigint) AS generic_plans,
    CAST(0 AS bigint) AS custom_plans
FROM lakegate_catalog.prepared_statements AS p

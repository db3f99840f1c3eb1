-- pg_catalog.pg_event_trigger: https://www.postgresql.org/docs/16/catalog-pg-event-trigger.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS oid) AS oid,
    CAST(NULL AS name) AS evtname,
    CAST(NULL AS name) AS evtevent,
    CAST(NULL AS oid) AS evtowner,
    CAST(NULL AS oid) AS evtfoid,
    CAST(NULL AS "char") AS evtenabled,
    CAST(NULL AS text[]) AS evttags
WHERE false

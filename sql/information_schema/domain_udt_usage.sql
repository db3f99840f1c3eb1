-- information_schema.domain_udt_usage: https://www.postgresql.org/docs/16/infoschema-domain-udt-usage.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS udt_catalog,
    CAST(NULL AS name) AS udt_schema,
    CAST(NULL AS name) AS udt_name,
    CAST(NULL AS name) AS domain_catalog,
    CAST(NULL AS name) AS domain_schema,
    CAST(NULL AS name) AS domain_name
WHERE false

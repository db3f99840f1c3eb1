-- information_schema.domain_constraints: https://www.postgresql.org/docs/16/infoschema-domain-constraints.html
-- Always empty: a warehouse has no such objects.
SELECT
    CAST(NULL AS name) AS constraint_catalog,
    CAST(NULL AS name) AS constraint_schema,
    CAST(NULL AS name) AS constraint_name,
    CAST(NULL AS name) AS domain_catalog,
    CAST(NULL AS name) AS domain_schema,
    CAST(NULL AS name) AS domain_name,
    CAST(NULL AS varchar(3)) AS is_deferrable,
    CAST(NULL AS varchar(3)) AS initially_deferred
WHERE false

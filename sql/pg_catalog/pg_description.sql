-- pg_catalog.pg_description: https://www.postgresql.org/docs/16/catalog-pg-description.html
-- Comments on schemas, relations and columns.
SELECT
    d.objoid,
    d.classoid,
    d.objsubid,
    d.description
FROM lakegate_catalog.descriptions AS d
WHERE NOT d.is_shared

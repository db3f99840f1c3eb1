-- pg_catalog.pg_shdescription: https://www.postgresql.org/docs/16/catalog-pg-shdescription.html
-- Comments on catalogs.
SELECT
    d.objoid,
    d.classoid,
    d.description
FROM lakegate_catalog.descriptions AS d
WHERE d.is_shared

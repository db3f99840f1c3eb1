-- pg_catalog.pg_attrdef: https://www.postgresql.org/docs/16/catalog-pg-attrdef.html
-- Defaults and generation expressions of columns. OIDs are made of the table's and the column's number.
SELECT
    CAST(1073741824 + (a.attrelid * 64 + a.attnum) % 1073741824 AS oid) AS oid,
    a.attrelid AS adrelid,
    a.attnum AS adnum,
    CAST(a.expression AS pg_node_tree) AS adbin
FROM lakegate_catalog.column_expressions AS a

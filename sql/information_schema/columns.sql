-- information_schema.columns: https://www.postgresql.org/docs/16/infoschema-columns.html
-- The columns of tables and views, in their order: many clients forget to ask for it.
SELECT
    CAST(current_database() AS name) AS table_catalog,
    c.nspname AS table_schema,
    c.relname AS table_name,
    a.attname AS column_name,
    CAST(a.attnum AS integer) AS ordinal_position,
    CAST(CASE WHEN a.attgenerated = '' THEN a.expression END AS varchar) AS column_default,
    CAST(CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS varchar(3)) AS is_nullable,
    CAST(CASE WHEN t.typelem <> 0 AND t.typlen = -1 THEN 'ARRAY' ELSE t.sql_name END AS varchar) AS data_type,
    CAST(CASE WHEN a.atttypid IN (1042, 1043) AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS integer) AS character_maximum_length,
    CAST(
        CASE
            WHEN a.atttypid NOT IN (25, 1042, 1043) THEN NULL
            WHEN a.atttypmod > 4 THEN (a.atttypmod - 4) * 4
            ELSE 1073741824
        END
        AS integer
    ) AS character_octet_length,
    CAST(
        CASE a.atttypid
            WHEN 21 THEN 16 WHEN 23 THEN 32 WHEN 20 THEN 64 WHEN 700 THEN 24 WHEN 701 THEN 53
            WHEN 1700 THEN CASE WHEN a.atttypmod > 4 THEN (a.atttypmod - 4) / 65536 END
        END
        AS integer
    ) AS numeric_precision,
    CAST(
        CASE
            WHEN a.atttypid IN (20, 21, 23, 700, 701) THEN 2
            WHEN a.atttypid = 1700 THEN 10
        END
        AS integer
    ) AS numeric_precision_radix,
    CAST(
        CASE
            WHEN a.atttypid IN (20, 21, 23) THEN 0
            WHEN a.atttypid = 1700 AND a.atttypmod > 4 THEN (a.atttypmod - 4) % 2048
        END
        AS integer
    ) AS numeric_scale,
    CAST(
        CASE
            WHEN a.atttypid = 1082 THEN 0
            WHEN a.atttypid IN (1083, 1114, 1184, 1266) AND a.atttypmod >= 0 THEN a.atttypmod
            WHEN a.atttypid IN (1083, 1114, 1184, 1186, 1266) THEN 6
        END
        AS integer
    ) AS datetime_precision,
    CAST(NULL AS varchar) AS interval_type,
    CAST(NULL AS integer) AS interval_precision,
    CAST(NULL AS name) AS character_set_catalog,
    CAST(NULL AS name) AS character_set_schema,
    CAST(NULL AS name) AS character_set_name,
    CAST(NULL AS name) AS collation_catalog,
    CAST(NULL AS name) AS collation_schema,
    CAST(NULL AS name) AS collation_name,
    CAST(NULL AS name) AS domain_catalog,
    CAST(NULL AS name) AS domain_schema,
    CAST(NULL AS name) AS domain_name,
    CAST(current_database() AS name) AS udt_catalog,
    CAST('pg_catalog' AS name) AS udt_schema,
    t.typname AS udt_name,
    CAST(NULL AS name) AS scope_catalog,
    CAST(NULL AS name) AS scope_schema,
    CAST(NULL AS name) AS scope_name,
    CAST(NULL AS integer) AS maximum_cardinality,
    CAST(CAST(a.attnum AS text) AS name) AS dtd_identifier,
    CAST('NO' AS varchar(3)) AS is_self_referencing,
    CAST(CASE WHEN a.attidentity = '' THEN 'NO' ELSE 'YES' END AS varchar(3)) AS is_identity,
    CAST(CASE a.attidentity WHEN 'a' THEN 'ALWAYS' WHEN 'd' THEN 'BY DEFAULT' END AS varchar) AS identity_generation,
    CAST(a.identity_start AS varchar) AS identity_start,
    CAST(a.identity_increment AS varchar) AS identity_increment,
    CAST(a.identity_maximum AS varchar) AS identity_maximum,
    CAST(a.identity_minimum AS varchar) AS identity_minimum,
    CAST('NO' AS varchar(3)) AS identity_cycle,
    CAST(CASE WHEN a.attgenerated = '' THEN 'NEVER' ELSE 'ALWAYS' END AS varchar) AS is_generated,
    CAST(CASE WHEN a.attgenerated <> '' THEN a.expression END AS varchar) AS generation_expression,
    CAST(CASE WHEN c.relkind = 'r' AND NOT c.is_system THEN 'YES' ELSE 'NO' END AS varchar(3)) AS is_updatable
FROM lakegate_catalog.attributes AS a
JOIN lakegate_catalog.classes AS c ON c.oid = a.attrelid
JOIN lakegate_catalog.types AS t ON t.oid = a.atttypid
WHERE c.relkind NOT IN ('i', 'm', 'S')
ORDER BY a.attrelid, a.attnum

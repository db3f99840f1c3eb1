-- What relations.tsv, types.tsv and procedures.tsv are recorded from, for psql against a PostgreSQL:
--     psql -X -q -f sql/system/record.sql
-- Types and procedures are then cut down to those that Lakegate has.
\pset format unaligned
\pset tuples_only on
\pset fieldsep '\t'

\o relations.tsv
SELECT n.nspname, c.relname, c.oid, c.relkind, a.attname,
    coalesce(base.typname, t.typname), a.attnotnull,
    CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_type base ON base.oid = t.typbasetype
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v')
ORDER BY n.nspname, c.relname, a.attnum;

\o types.tsv
SELECT oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typelem, typarray,
    typinput::oid, typoutput::oid, typreceive::oid, typsend::oid, typmodin::oid, typmodout::oid,
    typalign, typstorage, typcollation, typsubscript::oid
FROM pg_type
WHERE typrelid = 0 AND typnamespace = 'pg_catalog'::regnamespace AND oid < 10000
ORDER BY oid;

\o procedures.tsv
SELECT oid, proname, prolang, procost, prorows, provariadic, prokind, proleakproof, proisstrict, proretset,
    provolatile, proparallel, pronargs, pronargdefaults, prorettype, proargtypes, prosrc
FROM pg_proc
WHERE pronamespace = 'pg_catalog'::regnamespace AND oid < 12000
ORDER BY oid;

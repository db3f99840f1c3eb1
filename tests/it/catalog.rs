//! `pg_catalog` and `information_schema` beside those of a real PostgreSQL: the same relations with the same
//! columns, and rows about the system itself that say what PostgreSQL's say. The differences that must be are in
//! `tests/catalog`, each with its reason; one that is gone fails, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::support::{Options, Postgres, RawClient, Server};

/// Two logged-in clients; `None` where PostgreSQL is not installed.
fn both() -> Option<(Server, RawClient, Postgres, RawClient)> {
    let postgres = Postgres::start()?;
    let server = Server::start(Options::default()).unwrap();
    let ours = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let theirs = RawClient::connect(&postgres.endpoint(), &[]).unwrap();
    Some((server, ours, postgres, theirs))
}

fn rows(client: &mut RawClient, sql: &str) -> Vec<Vec<Option<String>>> {
    client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).rows
}

/// The entries of a file of `tests/catalog`: the key before the first tab of every line.
fn expected(name: &str) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/catalog").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (key, reason) = line.split_once('\t').unwrap_or_else(|| panic!("{line}"));
            assert!(!reason.is_empty(), "{key} has no reason");
            (key.to_owned(), reason.to_owned())
        })
        .collect()
}

/// Fails where what differs is not what the file says.
fn assert_expected(differences: BTreeSet<String>, file: &str) {
    let expected: BTreeSet<String> = expected(file).into_keys().collect();
    let more: Vec<_> = differences.difference(&expected).cloned().collect();
    let gone: Vec<_> = expected.difference(&differences).cloned().collect();
    assert!(more.is_empty(), "differs from PostgreSQL:\n{}", more.join("\n"));
    assert!(gone.is_empty(), "no longer differs, but {file} says so:\n{}", gone.join("\n"));
}

/// Every column with its place, type, modifier and nullability, as pg_attribute says.
const COLUMNS: &str = "
    SELECT n.nspname, c.relname, a.attnum, a.attname,
        coalesce(base.typname, t.typname),
        CASE t.typtype WHEN 'd' THEN t.typtypmod ELSE a.atttypmod END,
        a.attnotnull
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type base ON base.oid = t.typbasetype
    WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v') AND a.attnum > 0
    ORDER BY 1, 2, 3";

#[test]
fn system_relations_have_the_columns_of_postgresql() {
    let Some((_server, mut ours, _postgres, mut theirs)) = both() else { return };
    let declared = |client: &mut RawClient| -> Vec<(String, String)> {
        let row = |row: Vec<Option<String>>| {
            let row: Vec<String> = row.into_iter().flatten().collect();
            let [schema, relation, _, column, rest @ ..] = row.as_slice() else {
                panic!("{row:?}")
            };
            (format!("{schema}.{relation}.{column}"), rest.join(" "))
        };
        rows(client, COLUMNS).into_iter().map(row).collect()
    };
    let (mine, real) = (declared(&mut ours), declared(&mut theirs));
    let order = |these: &[(String, String)], those: &[(String, String)]| {
        let those: BTreeSet<&String> = those.iter().map(|(name, _)| name).collect();
        let mut order = BTreeMap::<String, Vec<String>>::new();
        for (name, _) in these.iter().filter(|(name, _)| those.contains(name)) {
            let (relation, column) = name.rsplit_once('.').unwrap();
            order.entry(relation.to_owned()).or_default().push(column.to_owned());
        }
        order
    };
    let (my_order, real_order) = (order(&mine, &real), order(&real, &mine));
    let moved = my_order.keys().filter(|name| my_order.get(*name) != real_order.get(*name));
    let moved: BTreeSet<String> = moved.map(|name| format!("{name}: another order")).collect();
    let of = |columns: Vec<(String, String)>| columns.into_iter().collect::<BTreeMap<_, _>>();
    let (mine, real) = (of(mine), of(real));
    let names: BTreeSet<&String> = mine.keys().chain(real.keys()).collect();
    let show = |column: Option<&String>| column.map_or_else(|| "none".to_owned(), String::clone);
    let differing = names.into_iter().filter(|name| mine.get(*name) != real.get(*name));
    let differing = differing.map(|name| {
        format!("{name}: {} instead of {}", show(mine.get(name)), show(real.get(name)))
    });
    assert_expected(differing.chain(moved).collect(), "columns.tsv");
}

/// The rows that the scans of a relation have found, as EXPLAIN ANALYZE tells.
fn rows_found(client: &mut RawClient, relation: &str, sql: &str) -> Vec<String> {
    let plan = rows(client, &format!("EXPLAIN ANALYZE {sql}"));
    let lines = plan.into_iter().flatten().flatten();
    let scans = lines.filter(|line| line.contains(&format!("SystemScan: {relation}")));
    scans
        .filter_map(|line| {
            Some(line.split_once("output_rows=")?.1.split([',', ']']).next()?.to_owned())
        })
        .collect()
}

#[test]
fn what_is_asked_of_one_table_reads_nothing_of_others() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.simple_query("CREATE TABLE wanted (a int, b text); CREATE TABLE other (c int)").unwrap();
    client
        .simple_query("COMMENT ON COLUMN wanted.b IS 'the second'; COMMENT ON TABLE other IS 'x'")
        .unwrap();
    let sql = "SELECT description FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_description d ON d.objoid = a.attrelid AND d.objsubid = a.attnum
        WHERE c.relname = 'wanted' ORDER BY attnum";
    assert_eq!(rows_found(&mut client, "descriptions", sql), ["1"]);
    assert_eq!(rows(&mut client, sql), [[None], [Some("the second".to_owned())]]);
    for name in ["c.relname = 'wanted'", "c.relname ~ '^(wanted)$'", "c.oid = 'wanted'::regclass"] {
        for join in ["JOIN", "LEFT JOIN"] {
            let sql = format!(
                "SELECT attname FROM pg_class c {join} pg_attribute a ON a.attrelid = c.oid WHERE {name}"
            );
            assert_eq!(rows_found(&mut client, "attributes", &sql), ["2"], "{sql}");
            assert_eq!(rows(&mut client, &sql).len(), 2, "{sql}");
        }
    }
}

#[test]
fn what_a_client_is_told_of_a_system_relation_is_what_pg_attribute_says() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let mut declared = BTreeMap::<(String, String), Vec<(String, u32)>>::new();
    let sql = "
        SELECT n.nspname, c.relname, a.attname, a.atttypid
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE n.nspname IN ('pg_catalog', 'information_schema') ORDER BY c.oid, a.attnum";
    for row in rows(&mut client, sql) {
        let row: Vec<String> = row.into_iter().flatten().collect();
        let [schema, relation, column, type_oid] = row.as_slice() else { panic!("{row:?}") };
        let columns = declared.entry((schema.clone(), relation.clone())).or_default();
        columns.push((column.clone(), type_oid.parse().unwrap()));
    }
    assert!(declared.len() > 200, "{}", declared.len());
    for ((schema, relation), columns) in declared {
        let sql = format!("SELECT * FROM {schema}.{relation} LIMIT 0");
        let told = client.extended_query(&sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        assert_eq!(told.columns, columns, "{schema}.{relation}");
    }
}

/// The catalogs whose rows are PostgreSQL's own, by the first column, which is what each row is called.
const DECLARATIONS: &[(&str, &str)] = &[
    (
        "pg_type",
        "SELECT oid, typname, typnamespace, typlen, typbyval, typtype, typcategory, typispreferred, typisdefined,
            typdelim, typrelid, typelem, typarray, typinput::oid, typoutput::oid, typreceive::oid, typsend::oid,
            typmodin::oid, typmodout::oid, typanalyze::oid, typalign, typstorage, typnotnull, typbasetype,
            typtypmod, typndims, typcollation, typdefault
        FROM pg_catalog.pg_type WHERE oid < 10000",
    ),
    (
        "pg_proc",
        "SELECT oid, proname, pronamespace, prolang, procost, prorows, provariadic, prokind, prosecdef,
            proleakproof, proisstrict, proretset, provolatile, proparallel, pronargs, pronargdefaults, prorettype,
            proargtypes, proallargtypes, proargmodes, proargnames, pg_get_function_arguments(oid),
            pg_get_function_identity_arguments(oid), pg_get_function_result(oid), oid::regproc, oid::regprocedure
        FROM pg_catalog.pg_proc WHERE oid < 12000",
    ),
    (
        "pg_operator",
        "SELECT oid, oprname, oprnamespace, oprkind, oprcanmerge, oprcanhash, oprleft, oprright, oprresult,
            oprcode::oid, oprrest::oid, oprjoin::oid, oid::regoperator
        FROM pg_catalog.pg_operator WHERE oid < 10000",
    ),
    ("pg_cast", "SELECT oid, castsource, casttarget, castfunc, castcontext, castmethod FROM pg_catalog.pg_cast"),
    (
        "pg_aggregate",
        "SELECT aggfnoid::oid, aggkind, aggnumdirectargs, aggfinalextra, aggmfinalextra, aggfinalmodify,
            aggmfinalmodify, aggtranstype, aggtransspace, aggmtranstype, aggmtransspace, agginitval, aggminitval
        FROM pg_catalog.pg_aggregate",
    ),
    ("pg_am", "SELECT oid, amname, amhandler::oid, amtype FROM pg_catalog.pg_am"),
    (
        "pg_opclass",
        "SELECT oid, opcmethod, opcname, opcnamespace, opcfamily, opcintype, opcdefault, opckeytype
        FROM pg_catalog.pg_opclass",
    ),
    ("pg_opfamily", "SELECT oid, opfmethod, opfname, opfnamespace FROM pg_catalog.pg_opfamily"),
    (
        "pg_amop",
        "SELECT oid, amopfamily, amoplefttype, amoprighttype, amopstrategy, amoppurpose, amopopr, amopmethod,
            amopsortfamily
        FROM pg_catalog.pg_amop",
    ),
    (
        "pg_amproc",
        "SELECT oid, amprocfamily, amproclefttype, amprocrighttype, amprocnum, amproc::oid
        FROM pg_catalog.pg_amproc",
    ),
    (
        "pg_language",
        "SELECT oid, lanname, lanispl, lanpltrusted, lanplcallfoid, laninline, lanvalidator, lanacl
        FROM pg_catalog.pg_language",
    ),
    (
        "pg_collation",
        "SELECT oid, collname, collnamespace, collprovider, collisdeterministic, collencoding, collcollate,
            collctype, oid::regcollation
        FROM pg_catalog.pg_collation",
    ),
    (
        "pg_settings",
        "SELECT name, unit, category, extra_desc, context, vartype, min_val, max_val
        FROM pg_catalog.pg_settings",
    ),
    (
        "pg_description",
        "SELECT objoid || '/' || classoid || '/' || objsubid, replace(description, E'\\n', ' ')
        FROM pg_catalog.pg_description WHERE objoid < 16384",
    ),
    ("pg_namespace", "SELECT nspname, obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace"),
];

#[test]
fn rows_about_the_system_say_what_postgresql_says() {
    let Some((_server, mut ours, _postgres, mut theirs)) = both() else { return };
    let mut differing = BTreeSet::new();
    for (catalog, sql) in DECLARATIONS {
        let keyed = |client: &mut RawClient| -> BTreeMap<String, Vec<Option<String>>> {
            let rows = rows(client, sql).into_iter();
            rows.map(|row| (row[0].clone().unwrap_or_default(), row)).collect()
        };
        let (mine, real) = (keyed(&mut ours), keyed(&mut theirs));
        assert!(!mine.is_empty(), "{catalog} is empty");
        for (key, row) in mine.iter().filter(|(key, row)| real.get(*key) != Some(*row)) {
            println!("{catalog} {key}\n  {row:?}\n  {:?}", real.get(key));
            differing.insert(format!("{catalog} {key}"));
        }
    }
    assert_expected(differing, "rows.tsv");
}

//! The system relations as clients ask for them: the statements of psql, pgjdbc and others, over a snapshot
//! made by hand.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::MemorySchemaProvider;
use datafusion::common::TableReference;
use datafusion::datasource::ViewTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::{LogicalPlan, TableSource};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use sqlparser::ast;

use crate::base::datatype::{TYPE_METADATA, TYPMOD_METADATA, character_typmod, pg_type_of};
use crate::base::name::ObjectName;
use crate::base::{Error, Oid, PrincipalId, SecurableId};
use crate::catalog::principal::{Principal, PrincipalKind};
use crate::catalog::snapshot;
use crate::catalog::{
    Catalog, Column, Grant, Privilege, Relation, RelationKind, Schema, Snapshot, Table, View,
};
use crate::engine::facts::{FactValues, Facts, Setting};
use crate::engine::function;

use super::recorded::RELATIONS;
use super::{SystemCatalog, SystemRelation, ViewPlanner, source};

/// Who is in the metastore.
struct World {
    facts: snapshot::Facts,
    admin: PrincipalId,
    analyst: PrincipalId,
}

fn field(name: &str, data_type: DataType, nullable: bool) -> Field {
    Field::new(name, data_type, nullable)
}

fn column(number: i16, field: Field, comment: Option<&str>) -> Column {
    Column {
        id: SecurableId::generate(),
        number,
        field,
        comment: comment.map(str::to_owned),
        source: None,
    }
}

fn order_columns() -> Vec<Column> {
    let varchar = [
        (TYPE_METADATA.to_owned(), "varchar".to_owned()),
        (TYPMOD_METADATA.to_owned(), character_typmod(20).to_string()),
    ];
    let text = Field::new_list_field(DataType::Utf8, true);
    let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    vec![
        column(1, field("id", DataType::Int64, false), Some("the key")),
        column(2, field("name", DataType::Utf8, true).with_metadata(varchar.into()), None),
        column(3, field("amount", DataType::Decimal128(10, 2), true), None),
        column(5, field("at", zoned, true), None),
        column(6, field("tags", DataType::List(text.into()), true), None),
    ]
}

impl World {
    fn new() -> Self {
        let (admin, analyst) = (PrincipalId::generate(), PrincipalId::generate());
        let readers = PrincipalId::generate();
        let principal = |id, oid, name: &str, kind, admin, groups: &[PrincipalId]| Principal {
            id,
            oid: Oid(oid),
            name: name.to_owned(),
            kind,
            admin,
            verifier: None,
            member_of: groups.iter().copied().collect(),
        };
        let (user, group) = (PrincipalKind::User, PrincipalKind::Group);
        let mut world = World { facts: snapshot::Facts::default(), admin, analyst };
        world.facts.principals = vec![
            principal(admin, 16385, "admin", user, true, &[]),
            principal(analyst, 16386, "analyst", user, false, &[readers]),
            principal(readers, 16387, "Readers", group, false, &[]),
        ];
        let main = world.catalog("main", 16384);
        let other = world.catalog("other", 16390);
        let public = world.schema(main, "public", 2200);
        let hidden = world.schema(main, "hidden", 16391);
        world.schema(other, "elsewhere", 16392);
        let orders = world.table(public, "orders", 16400, order_columns());
        world.table(public, "Order Lines", 16401, order_columns());
        world.table(hidden, "secrets", 16402, order_columns());
        world.view(public, "recent", 16403);
        let grant = |securable, privilege| Grant { securable, principal: readers, privilege };
        world.facts.grants =
            vec![grant(main, Privilege::UseCatalog), grant(orders, Privilege::Select)];
        world
    }

    fn catalog(&mut self, name: &str, oid: u32) -> SecurableId {
        let id = SecurableId::generate();
        let comment = Some(format!("catalog {name}"));
        let (owner, name) = (self.admin, name.to_owned());
        self.facts.catalogs.push(Catalog {
            id,
            oid: Oid(oid),
            name,
            owner,
            comment,
            created_at: 0,
        });
        id
    }

    fn schema(&mut self, catalog: SecurableId, name: &str, oid: u32) -> SecurableId {
        let id = SecurableId::generate();
        let (owner, name) = (self.admin, name.to_owned());
        let schema =
            Schema { id, oid: Oid(oid), catalog, name, owner, comment: None, created_at: 0 };
        self.facts.schemas.push(schema);
        id
    }

    fn table(
        &mut self,
        schema: SecurableId,
        name: &str,
        oid: u32,
        columns: Vec<Column>,
    ) -> SecurableId {
        let table = Table {
            location: format!("file:///nowhere/{name}"),
            managed: true,
            partition_columns: Vec::new(),
            foreign: None,
            sources: Vec::new(),
        };
        self.relation(schema, name, oid, columns, RelationKind::Table(table))
    }

    fn view(&mut self, schema: SecurableId, name: &str, oid: u32) -> SecurableId {
        let view = View {
            definition: "SELECT id FROM orders".to_owned(),
            catalog: "main".to_owned(),
            search_path: vec!["public".to_owned()],
        };
        let columns = vec![column(1, field("id", DataType::Int64, true), None)];
        self.relation(schema, name, oid, columns, RelationKind::View(view))
    }

    fn relation(
        &mut self,
        schema: SecurableId,
        name: &str,
        oid: u32,
        columns: Vec<Column>,
        kind: RelationKind,
    ) -> SecurableId {
        let id = SecurableId::generate();
        self.facts.relations.push(Relation {
            id,
            oid: Oid(oid),
            schema,
            name: name.to_owned(),
            owner: self.admin,
            comment: Some(format!("about {name}")),
            columns: columns.into(),
            constraints: Arc::default(),
            indexes: Arc::default(),
            kind,
            created_at: 0,
        });
        id
    }

    fn facts_of(self, user: &str) -> Facts {
        let principal = if user == "admin" { self.admin } else { self.analyst };
        let setting = |name: &str, value: &str| {
            let setting = Setting {
                name: name.to_owned(),
                value: value.to_owned(),
                default: value.to_owned(),
                ..Setting::default()
            };
            (name.to_lowercase().into(), Arc::new(setting))
        };
        Facts::new(FactValues {
            snapshot: Arc::new(Snapshot::new(self.facts)),
            principal: Some(principal),
            session_user: user.to_owned(),
            current_user: user.to_owned(),
            catalog: "main".to_owned(),
            search_path: vec!["public".to_owned()],
            settings: Arc::new(
                [setting("TimeZone", "Europe/Berlin"), setting("max_index_keys", "32")].into(),
            ),
            backend_pid: 4711,
            // 2024-06-30 22:30:00.654321 UTC, the next day in Berlin.
            transaction_timestamp: 1_719_786_600_654_321,
            statement_timestamp: 1_719_786_600_654_321,
            ..FactValues::default()
        })
    }
}

struct TestPlanner<'a>(&'a SessionContext);

impl ViewPlanner for TestPlanner<'_> {
    fn plan_view(
        &self,
        query: ast::Query,
        _: &HashMap<ObjectName, Arc<dyn TableSource>>,
    ) -> Result<LogicalPlan, Error> {
        let statement = Statement::Statement(Box::new(ast::Statement::Query(Box::new(query))));
        let state = self.0.state();
        let plan = futures::executor::block_on(state.statement_to_plan(statement));
        plan.map_err(|error| Error::internal(error.to_string()))
    }
}

fn context_of(facts: Facts) -> SessionContext {
    let config = SessionConfig::new()
        .with_default_catalog_and_schema("main", "pg_catalog")
        .with_information_schema(false)
        .with_target_partitions(1)
        .with_option_extension(facts);
    let mut state = SessionStateBuilder::new_with_default_features()
        .with_config(config)
        .with_analyzer_rules(crate::engine::rule::analyzer_rules())
        .with_type_planner(function::type_planner().unwrap())
        .build();
    function::register(&mut state).unwrap();
    let context = SessionContext::new_with_state(state);
    let catalog = context.catalog("main").unwrap();
    for schema in ["information_schema", super::NATIVE_SCHEMA] {
        catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new())).unwrap();
    }
    for (schema, name, relation) in SystemCatalog::all() {
        if let SystemRelation::Native(provider) = relation {
            context.register_table(TableReference::partial(schema, name), provider).unwrap();
        }
    }
    context
}

/// Runs statements as one user.
struct Client(SessionContext);

impl Client {
    fn of(user: &str) -> Self {
        Client(context_of(World::new().facts_of(user)))
    }

    fn use_view(&self, schema: &str, name: &str) {
        let reference = TableReference::partial(schema, name);
        if self.0.table_exist(reference.clone()).unwrap() {
            return;
        }
        let planned = source(schema, name, &TestPlanner(&self.0)).unwrap().unwrap();
        let plan = planned.get_logical_plan().unwrap().into_owned();
        let view = ViewTable::new(plan, None);
        self.0.register_table(reference, Arc::new(view)).unwrap();
    }

    /// The rows as text, NULL as `-`, one line each.
    fn rows(&self, sql: &str) -> Vec<String> {
        self.try_rows(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
    }

    fn try_rows(&self, sql: &str) -> datafusion::common::Result<Vec<String>> {
        // What the parser's room does to every statement.
        let sql = sql
            .replace("OPERATOR(pg_catalog.~)", "~")
            .replace("operator(pg_catalog.=)", "=")
            .replace("COLLATE pg_catalog.default", "")
            .replace("pg_catalog.", "");
        let state = self.0.state();
        let statement = state.sql_to_statement(&sql, &datafusion::config::Dialect::PostgreSQL)?;
        for name in state.resolve_table_references(&statement)? {
            let schema = name.schema().unwrap_or("pg_catalog");
            if super::exists(schema, name.table()) {
                self.use_view(schema, name.table());
            }
        }
        futures::executor::block_on(async {
            let plan = state.statement_to_plan(statement).await?;
            let shown = function::object_identifiers_as_text(&plan, |_| true)?;
            let plan = shown.unwrap_or(plan);
            let batches = self.0.execute_logical_plan(plan).await?.collect().await?;
            let mut lines = Vec::new();
            let options = FormatOptions::new().with_null("-");
            for batch in batches {
                let columns: Vec<_> = batch
                    .columns()
                    .iter()
                    .map(|column| ArrayFormatter::try_new(column, &options))
                    .collect::<Result<_, _>>()?;
                for row in 0..batch.num_rows() {
                    let cells: Vec<_> =
                        columns.iter().map(|column| column.value(row).to_string()).collect();
                    lines.push(cells.join("|"));
                }
            }
            Ok(lines)
        })
    }

    /// The first cell of the first row.
    fn value(&self, expression: &str) -> String {
        self.rows(&format!("SELECT {expression}")).remove(0)
    }
}

#[test]
fn every_view_has_postgresqls_columns() {
    let client = Client::of("admin");
    let mut wrong = Vec::new();
    for recorded in RELATIONS.iter() {
        client.use_view(recorded.schema, recorded.name);
        let provider = futures::executor::block_on(
            client.0.table_provider(TableReference::partial(recorded.schema, recorded.name)),
        );
        let schema = provider.unwrap().schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let recorded_names: Vec<&str> = recorded.columns.iter().map(|c| c.name).collect();
        assert_eq!(names, recorded_names, "{}", recorded.name);
        for (field, column) in schema.fields().iter().zip(&recorded.columns) {
            let (pg_type, _) = pg_type_of(field).unwrap();
            if pg_type != column.pg_type {
                wrong.push(format!("{}.{}: {}", recorded.name, column.name, pg_type.name()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_view_can_be_read() {
    let client = Client::of("admin");
    for recorded in RELATIONS.iter() {
        client.rows(&format!("SELECT * FROM {}.{}", recorded.schema, recorded.name));
    }
}

#[test]
fn a_session_knows_itself() {
    let client = Client::of("analyst");
    for (expression, value) in [
        ("current_database()", "main"),
        ("current_user", "analyst"),
        ("session_user", "analyst"),
        ("current_schema()", "public"),
        ("current_schemas(true)", "[pg_catalog, public]"),
        ("pg_backend_pid()", "4711"),
        ("current_setting('timezone')", "Europe/Berlin"),
        ("current_setting('no.such', true)", "-"),
        ("now()", "2024-06-30T22:30:00.654321Z"),
        ("current_date", "2024-07-01"),
        ("localtimestamp(1)", "2024-07-01T00:30:00.700"),
        ("pg_is_in_recovery()", "false"),
        ("quote_ident('Order')", "\"Order\""),
        ("quote_nullable(NULL)", "NULL"),
        ("format_type(1700, 655366)", "numeric(10,2)"),
        ("format_type(23, NULL)", "integer"),
        ("pg_typeof(1::smallint)", "smallint"),
    ] {
        assert_eq!(client.value(expression), value, "{expression}");
    }
    assert!(client.value("version()").starts_with("PostgreSQL 16.6 (Lakegate "));
    assert!(client.try_rows("SELECT current_setting('no.such')").is_err());
    assert!(client.try_rows("SELECT txid_current()").is_err());
}

#[test]
fn object_identifiers_are_names_outside_and_numbers_inside() {
    let client = Client::of("admin");
    for (expression, value) in [
        ("'orders'::regclass::oid", "16400"),
        ("'orders'::regclass", "orders"),
        ("'hidden.secrets'::regclass", "hidden.secrets"),
        ("16401::regclass", "\"Order Lines\""),
        ("'\"Order Lines\"'::regclass::oid", "16401"),
        ("'16400'::regclass::text", "orders"),
        ("99999::regclass", "99999"),
        ("0::regclass", "-"),
        ("'pg_class'::regclass::oid", "1259"),
        ("'array_in'::regproc::oid", "750"),
        ("'public'::regnamespace::oid", "2200"),
        ("'admin'::regrole::oid", "16385"),
        ("'character varying(3)'::regtype::oid", "1043"),
        ("23::regtype", "integer"),
        ("1007::regtype::text", "integer[]"),
        ("to_regclass('nothing')", "-"),
        ("to_regtype('int')", "integer"),
        ("16400::regclass = 'orders'", "true"),
        ("16400::regclass IN ('recent', 'orders')", "true"),
    ] {
        assert_eq!(client.value(expression), value, "{expression}");
    }
    let error = client.try_rows("SELECT 'nothing'::regclass").unwrap_err().to_string();
    assert!(error.contains("relation \"nothing\" does not exist"), "{error}");
}

#[test]
fn rows_are_those_that_the_user_may_know() {
    let admin = Client::of("admin");
    let analyst = Client::of("analyst");
    let relations = "SELECT relname FROM pg_class WHERE oid >= 16384 ORDER BY oid";
    assert_eq!(admin.rows(relations), ["orders", "Order Lines", "secrets", "recent"]);
    // The catalog's USE tells of nothing in it; the other catalog is not there at all.
    assert_eq!(analyst.rows(relations), ["orders"]);
    assert_eq!(analyst.rows("SELECT datname FROM pg_database"), ["main"]);
    assert_eq!(admin.rows("SELECT datname FROM pg_database"), ["main", "other"]);
    assert!(!admin.rows("SELECT nspname FROM pg_namespace").contains(&"elsewhere".to_owned()));
    for (expression, value) in [
        ("has_table_privilege('orders', 'SELECT')", "true"),
        ("has_table_privilege('orders', 'INSERT')", "false"),
        ("has_table_privilege('admin', 'orders', 'SELECT, DELETE')", "true"),
        ("to_regclass('hidden.secrets')", "-"),
        ("has_table_privilege('pg_class', 'select')", "true"),
        ("has_schema_privilege('public', 'USAGE')", "false"),
        ("has_database_privilege('main', 'CONNECT')", "true"),
        ("pg_has_role('Readers', 'MEMBER')", "true"),
        ("pg_has_role('admin', 'USAGE')", "false"),
    ] {
        assert_eq!(analyst.value(expression), value, "{expression}");
    }
    assert_eq!(
        analyst.rows("SELECT relacl FROM pg_class WHERE relname = 'orders'"),
        ["[admin=rawdD/admin, Readers=r/admin]"]
    );
    assert_eq!(
        analyst.rows(
            "SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants"
        ),
        ["Readers|orders|SELECT"]
    );
}

#[test]
fn columns_are_described() {
    let client = Client::of("admin");
    assert_eq!(
        client.rows(
            "SELECT attnum, attname, format_type(atttypid, atttypmod), attnotnull, \
             col_description(attrelid, attnum) \
             FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 ORDER BY attnum"
        ),
        [
            "1|id|bigint|true|the key",
            "2|name|character varying(20)|false|-",
            "3|amount|numeric(10,2)|false|-",
            "5|at|timestamp with time zone|false|-",
            "6|tags|text[]|false|-",
        ]
    );
    assert_eq!(
        client.rows(
            "SELECT column_name, data_type, udt_name, character_maximum_length, numeric_precision, \
             numeric_scale, datetime_precision FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = 'orders' ORDER BY ordinal_position"
        ),
        [
            "id|bigint|int8|-|64|0|-",
            "name|character varying|varchar|20|-|-|-",
            "amount|numeric|numeric|-|10|2|-",
            "at|timestamp with time zone|timestamptz|-|-|-|6",
            "tags|ARRAY|_text|-|-|-|-",
        ]
    );
    assert_eq!(client.value("pg_get_viewdef('recent'::regclass, true)"), "SELECT id FROM orders;");
    assert_eq!(client.value("obj_description(16400, 'pg_class')"), "about orders");
    assert_eq!(client.value("obj_description(16400, 'pg_type')"), "-");
}

#[test]
fn psql_describes_a_table() {
    let client = Client::of("admin");
    assert_eq!(
        client.rows(
            "SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relname OPERATOR(pg_catalog.~) '^(orders)$' COLLATE pg_catalog.default \
             AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 2, 3"
        ),
        ["16400|public|orders"]
    );
    assert_eq!(
        client.rows(
            "SELECT c.relchecks, c.relkind, c.relhasindex, c.relhasrules, c.relhastriggers, \
             c.relrowsecurity, c.relforcerowsecurity, false AS relhasoids, c.relispartition, '', \
             c.reltablespace, CASE WHEN c.reloftype = 0 THEN '' ELSE \
             c.reloftype::pg_catalog.regtype::pg_catalog.text END, c.relpersistence, \
             c.relreplident, am.amname FROM pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_class tc ON (c.reltoastrelid = tc.oid) \
             LEFT JOIN pg_catalog.pg_am am ON (c.relam = am.oid) WHERE c.oid = '16400'"
        ),
        ["0|r|false|false|false|false|false|false|false||0||p|d|heap"]
    );
    assert_eq!(
        client.rows(
            "SELECT n.nspname as \"Schema\", c.relname as \"Name\", CASE c.relkind WHEN 'r' THEN \
             'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' END as \"Type\", \
             pg_catalog.pg_get_userbyid(c.relowner) as \"Owner\" FROM pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam \
             WHERE c.relkind IN ('r','p','v','m','S','f','') AND n.nspname <> 'pg_catalog' \
             AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema' \
             AND pg_catalog.pg_table_is_visible(c.oid) ORDER BY 1,2"
        ),
        ["public|Order Lines|table|admin", "public|orders|table|admin", "public|recent|view|admin"]
    );
}

#[test]
fn pgjdbc_lists_tables_and_columns() {
    let client = Client::of("admin");
    assert_eq!(
        client.rows(
            "SELECT current_database() AS TABLE_CAT, n.nspname AS TABLE_SCHEM, c.relname AS \
             TABLE_NAME, CASE n.nspname ~ '^pg_' OR n.nspname = 'information_schema' WHEN true THEN \
             'SYSTEM' WHEN false THEN CASE c.relkind WHEN 'r' THEN 'TABLE' WHEN 'v' THEN 'VIEW' \
             ELSE NULL END ELSE NULL END AS TABLE_TYPE, d.description AS REMARKS \
             FROM pg_catalog.pg_namespace n, pg_catalog.pg_class c \
             LEFT JOIN pg_catalog.pg_description d ON (c.oid = d.objoid AND d.objsubid = 0 \
             AND d.classoid = 'pg_class'::regclass) \
             WHERE c.relnamespace = n.oid AND n.nspname LIKE 'public' ORDER BY TABLE_NAME"
        ),
        [
            "main|public|Order Lines|TABLE|about Order Lines",
            "main|public|orders|TABLE|about orders",
            "main|public|recent|VIEW|about recent",
        ]
    );
    assert_eq!(
        client.rows(
            "SELECT * FROM (SELECT current_database() AS current_database, n.nspname, c.relname, \
             a.attname, a.atttypid, a.attnotnull OR (t.typtype = 'd' AND t.typnotnull) AS \
             attnotnull, a.atttypmod, a.attlen, t.typtypmod, row_number() OVER (PARTITION BY \
             a.attrelid ORDER BY a.attnum) AS attnum, nullif(a.attidentity, '') as attidentity, \
             nullif(a.attgenerated, '') as attgenerated, pg_catalog.pg_get_expr(def.adbin, \
             def.adrelid) AS adsrc, dsc.description, t.typbasetype, t.typtype \
             FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON (c.relnamespace = n.oid) \
             JOIN pg_catalog.pg_attribute a ON (a.attrelid = c.oid) \
             JOIN pg_catalog.pg_type t ON (a.atttypid = t.oid) \
             LEFT JOIN pg_catalog.pg_attrdef def ON (a.attrelid = def.adrelid AND a.attnum = \
             def.adnum) LEFT JOIN pg_catalog.pg_description dsc ON (c.oid = dsc.objoid AND a.attnum \
             = dsc.objsubid) LEFT JOIN pg_catalog.pg_class dc ON (dc.oid = dsc.classoid AND \
             dc.relname = 'pg_class') LEFT JOIN pg_catalog.pg_namespace dn ON (dc.relnamespace = \
             dn.oid AND dn.nspname = 'pg_catalog') WHERE c.relkind in ('r','p','v','f','m') and \
             a.attnum > 0 AND NOT a.attisdropped AND n.nspname LIKE 'public' AND c.relname LIKE \
             'recent') c WHERE true ORDER BY nspname, c.relname, attnum"
        ),
        ["main|public|recent|id|20|false|-1|8|-1|1|-|-|-|-|0|b"]
    );
}

#[test]
fn drivers_find_their_types() {
    let client = Client::of("analyst");
    assert_eq!(
        client.rows(
            "SELECT typname, typinput = 'pg_catalog.array_in'::regproc AS is_array, typtype, \
             typreceive::text FROM pg_type WHERE oid IN (20, 1016) ORDER BY oid"
        ),
        ["int8|false|b|int8recv", "_int8|true|b|array_recv"]
    );
    assert_eq!(
        client.rows(
            "SELECT p.proname FROM pg_type t JOIN pg_proc p ON p.oid = t.typreceive \
             WHERE t.typname = 'timestamptz'"
        ),
        ["timestamptz_recv"]
    );
    assert_eq!(
        client.rows(
            "SELECT t.typlen FROM pg_catalog.pg_type t, pg_catalog.pg_namespace n WHERE \
             t.typnamespace = n.oid AND t.typname = 'name' AND n.nspname = 'pg_catalog'"
        ),
        ["64"]
    );
}

#[test]
fn one_tables_rows_are_looked_up() {
    let client = Client::of("admin");
    client.use_view("pg_catalog", "pg_attribute");
    let lines = client.rows("EXPLAIN SELECT attname FROM pg_attribute WHERE attrelid = '16400'");
    let plan = lines.join("\n");
    assert!(plan.contains("SystemScan: attributes, by attrelid"), "{plan}");
    let lines = client.rows("EXPLAIN SELECT oid FROM pg_class WHERE relname IN ('a', 'orders')");
    assert!(lines.join("\n").contains("SystemScan: classes, by relname"));
}

#[test]
fn psql_describes_columns_with_scalar_subqueries() {
    let client = Client::of("admin");
    assert_eq!(
        client.rows(
            "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), (SELECT \
             pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d WHERE \
             d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull, (SELECT \
             c.collname FROM pg_catalog.pg_collation c, pg_catalog.pg_type t WHERE c.oid = \
             a.attcollation AND t.oid = a.atttypid AND a.attcollation <> t.typcollation) AS \
             attcollation, a.attidentity, a.attgenerated FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = '16400' AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
        ),
        [
            "id|bigint|-|true|-||",
            "name|character varying(20)|-|false|-||",
            "amount|numeric(10,2)|-|false|-||",
            "at|timestamp with time zone|-|false|-||",
            "tags|text[]|-|false|-||",
        ]
    );
}

#[test]
fn scalar_subqueries_give_one_row_or_fail() {
    let client = Client::of("admin");
    assert_eq!(
        client.rows(
            "SELECT c.relname, (SELECT n.nspname FROM pg_namespace n WHERE n.oid = c.relnamespace) \
             FROM pg_class c WHERE c.oid IN (16400, 16402) AND (SELECT a.attname FROM pg_attribute a \
             WHERE a.attrelid = c.oid AND a.attnum = c.relnatts - 2) = 'amount' ORDER BY 1"
        ),
        ["orders|public", "secrets|hidden"]
    );
    let error = client
        .try_rows(
            "SELECT (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid) FROM pg_class c \
             WHERE c.oid = 16400",
        )
        .unwrap_err();
    assert!(error.to_string().contains("more than one row returned by a subquery"), "{error}");
}

#[test]
fn sqlalchemy_reflects() {
    let client = Client::of("admin");
    assert_eq!(
        client.rows(
            "SELECT pg_catalog.pg_class.relname FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace \
             ON pg_catalog.pg_namespace.oid = pg_catalog.pg_class.relnamespace WHERE \
             pg_catalog.pg_class.relkind = ANY (ARRAY['r', 'p', 'f', 'v', 'm']) AND \
             pg_catalog.pg_table_is_visible(pg_catalog.pg_class.oid) AND \
             pg_catalog.pg_namespace.nspname != 'pg_catalog' ORDER BY 1"
        ),
        ["Order Lines", "orders", "recent"]
    );
    assert_eq!(
        client.rows(
            "SELECT c.relname, d.description FROM pg_class c LEFT JOIN pg_description d ON \
             d.objoid = c.oid AND d.objsubid = 0 AND d.classoid = CAST('pg_catalog.pg_class' AS \
             REGCLASS) WHERE c.relname IN ('orders')"
        ),
        ["orders|about orders"]
    );
}

#[test]
fn casts_keep_their_types_through_aggregates() {
    let client = Client::of("admin");
    assert_eq!(
        client.rows(
            "SELECT t, count(*) FROM (SELECT relkind::text AS t, oid::bigint AS o FROM pg_class \
             WHERE oid >= 16384) AS x GROUP BY t ORDER BY t"
        ),
        ["r|3", "v|1"]
    );
}

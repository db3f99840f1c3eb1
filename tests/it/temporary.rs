//! Temporary tables of several sessions, at the end of theirs and after crashes: nobody else sees them, and their files
//! go.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::support::{Client, Options, RawClient, Server};

/// Why, and since when, locations belong to no table.
fn loose_locations(data: &Path) -> Vec<(String, i64)> {
    let url = format!("sqlite://{}?mode=ro", data.join("metastore.db").display());
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let mut metastore = SqliteConnection::connect(&url).await.unwrap();
        let rows = sqlx::query_as("SELECT reason, since FROM loose_location ORDER BY location");
        rows.fetch_all(&mut metastore).await.unwrap()
    })
}

fn tables(data: &Path) -> usize {
    std::fs::read_dir(data.join("tables")).map_or(0, Iterator::count)
}

/// Every question that could tell of a table or column named `secret`.
const QUESTIONS: [&str; 8] = [
    "select count(*) from pg_class where relname = 'secret'",
    "select count(*) from pg_attribute where attname = 'secret'",
    "select count(*) from pg_type where typname = 'secret'",
    "select count(*) from pg_namespace where nspname like 'pg\\_temp%'",
    "select count(*) from information_schema.tables where table_name = 'secret'",
    "select count(*) from information_schema.columns where column_name = 'secret'",
    "select count(*) from information_schema.schemata where schema_name like 'pg\\_temp%'",
    "select count(*) from information_schema.views where table_name = 'secret_view'",
];

#[test]
fn nobody_else_sees_a_temporary_table() {
    let server = Server::start(Options::default()).unwrap();
    let (mut owner, mut other) = (Client::of(&server), Client::of(&server));
    owner.run("create temp table secret (secret int)");
    owner.run("insert into secret values (1)");
    owner.run("create temp view secret_view as select secret from secret");
    let schema = owner
        .value("select relnamespace::regnamespace::text from pg_class where relname = 'secret'");
    for question in QUESTIONS {
        assert_ne!(owner.value(question), "0", "{question}");
        assert_eq!(other.value(question), "0", "{question}");
    }
    for name in ["secret", "pg_temp.secret", &format!("{schema}.secret")] {
        assert_eq!(other.sqlstate(&format!("select * from {name}")), "42P01", "{name}");
        assert_eq!(other.sqlstate(&format!("drop table {name}")), "42P01", "{name}");
    }
    assert_eq!(other.value("select to_regclass('secret') is null"), "t");
    // The same name is another table there.
    other.run("create temp table secret as select 2 as secret");
    assert_eq!(other.value("select secret from secret"), "2");
    assert_eq!(owner.value("select secret from secret_view"), "1");
    // What stays does not read what goes.
    assert_eq!(owner.sqlstate("create view public.stays as select * from secret"), "42P16");
    owner.run("create table t as select 5 as a");
    owner.run("create view over_t as select a from t");
    other.run("create temp table t as select 6 as a");
    assert_eq!(other.value("select a from over_t"), "5");
}

#[test]
fn a_user_needs_nothing_but_the_catalog() {
    let server = Server::start(Options::default()).unwrap();
    let mut admin = Client::of(&server);
    admin.run("create user guest password 'guest'");
    admin.run("grant use catalog on catalog main to guest");
    let endpoint = server.endpoint().with_user("guest", "guest");
    let mut guest = Client(RawClient::connect(&endpoint, &[]).unwrap());
    assert_eq!(guest.value("select has_database_privilege('main', 'TEMP')"), "t");
    guest.run("create temp table own (a int)");
    guest.run("insert into own values (1), (2)");
    guest.run("update own set a = a + 1");
    assert_eq!(guest.value("select sum(a) from own"), "5");
    assert_eq!(admin.sqlstate("select * from own"), "42P01");
    // What its owner may not read stays unread.
    admin.run("create table public.closed as select 1 as a");
    assert_eq!(guest.sqlstate("create temp table copy as select * from public.closed"), "42P01");
    assert_eq!(guest.sqlstate("create temp view copy as select * from public.closed"), "42P01");
}

#[test]
fn their_files_go_with_the_session() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = Client::of(&server);
    client.run("create temp table a as select 1 as a");
    client.run("begin");
    client.run("create temp table b as select 1 as a");
    client.run("rollback");
    client.run("create temp table c as select 1 as a");
    client.run("drop table c");
    let data = server.data();
    // The rows of `a` are in use; the others wait for whoever may still read them.
    let reasons = loose_locations(&data);
    assert_eq!(reasons.iter().filter(|(reason, _)| reason == "staged").count(), 1, "{reasons:?}");
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    drop(client);
    let began = Instant::now();
    while !loose_locations(&data).iter().any(|(_, since)| *since == 0) {
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", loose_locations(&data));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(loose_locations(&data).iter().all(|(reason, _)| reason == "dropped"));
}

#[test]
fn a_crash_leaves_nothing_of_them() {
    let mut server = Server::start(Options::default()).unwrap();
    let data = server.data();
    let mut client = Client::of(&server);
    client.run("create table lasting (a int)");
    client.run("create temp table a as select 1 as a");
    client.run("begin");
    client.run("create temp table b as select 2 as a");
    client.run("insert into lasting select a from b");
    client.run("commit");
    client.run("begin");
    client.run("create temp table c as select 3 as a");
    client.run("insert into lasting select a from c");
    assert_eq!(tables(&data), 4);
    server.kill();
    let server = server.restart().unwrap();
    let mut client = Client::of(&server);
    assert_eq!(client.value("select string_agg(a::text, ',') from lasting"), "2");
    for name in ["a", "b", "c"] {
        assert_eq!(client.sqlstate(&format!("select * from {name}")), "42P01");
    }
    assert_eq!(tables(&data), 1);
    assert_eq!(loose_locations(&data), []);
    assert_eq!(server.panics(), Vec::<String>::new());
}

/// dbt's way: a temporary table is made and changes a lasting one, in one transaction.
#[test]
fn a_transaction_over_temporary_and_lasting_tables_holds_wholly() {
    let server = Server::start(Options::default()).unwrap();
    let (mut a, mut b) = (Client::of(&server), Client::of(&server));
    a.run("create table target as select 1 as id, 'old' as what");
    for (ending, left) in [("rollback", "old"), ("commit", "new")] {
        a.run("begin");
        a.run("create temporary table \"target__dbt_tmp\" as (select 1 as id, 'new' as what)");
        a.run("delete from target using target__dbt_tmp t where t.id = target.id");
        a.run("insert into target (id, what) (select id, what from target__dbt_tmp)");
        assert_eq!(b.value("select what from target"), "old");
        a.run(ending);
        assert_eq!(b.value("select what from target"), left);
    }
    assert_eq!(a.value("select what from target__dbt_tmp"), "new");

    // A conflict of the lasting table takes the temporary one along.
    a.run("begin");
    a.run("create temp table lost as select 1 as id");
    a.run("update target set what = 'mine' where id = 1");
    b.run("update target set what = 'theirs' where id = 1");
    assert_eq!(a.sqlstate("commit"), "40001");
    assert_eq!(a.sqlstate("select * from lost"), "42P01");
    assert_eq!(a.value("select count(*) from target__dbt_tmp"), "1");
}

#[test]
fn a_session_has_no_more_of_them_than_it_may() {
    let options = Options::default().with(&[("limits.temporary_objects_max", "2")]);
    let server = Server::start(options).unwrap();
    let mut client = Client::of(&server);
    client.run("create temp table a (a int)");
    client.run("create temp view b as select a from a");
    assert_eq!(client.sqlstate("create temp table c (a int)"), "54000");
    client.run("drop view b");
    client.run("create temp table c (a int)");
    client.run("discard temp");
    client.run("create temp table d (a int)");
}

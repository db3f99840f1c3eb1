//! Transactions of several clients at once, and those that a crash has cut off.

use std::path::Path;

use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnection;

use crate::support::{Client, Options, Server, message};

struct Lake {
    server: Server,
}

impl Lake {
    fn start() -> Self {
        Lake { server: Server::start(Options::default()).unwrap() }
    }

    fn client(&self) -> Client {
        Client::of(&self.server)
    }
}

#[test]
fn a_transaction_reads_one_state_and_finds_conflicts() {
    let lake = Lake::start();
    let (mut a, mut b) = (lake.client(), lake.client());
    a.run("create table t (id int, n int)");
    a.run("create table other (id int)");
    a.run("insert into t values (1, 1), (2, 2)");

    // Nobody sees what is not committed; what is read stays as it was.
    a.run("begin");
    a.run("insert into t values (3, 3)");
    assert_eq!(b.value("select count(*) from t"), "2");
    b.run("insert into t values (4, 4)");
    assert_eq!(a.value("select count(*) from t"), "3");
    // Rows that both only add go together.
    a.run("commit");
    assert_eq!(b.value("select count(*) from t"), "4");

    // Two that change the same rows do not.
    a.run("begin");
    a.run("update t set n = n + 1 where id = 1");
    b.run("update t set n = n + 10 where id = 1");
    assert_eq!(a.sqlstate("commit"), "40001");
    assert_eq!(a.value("select n from t where id = 1"), "11");

    // A change of rows does not pass a change of columns.
    a.run("begin");
    a.run("insert into t values (5, 5)");
    b.run("alter table t add column extra int");
    assert_eq!(a.sqlstate("commit"), "40001");
    assert_eq!(a.value("select count(*) from t"), "4");

    // What was only read matters to serializable transactions alone.
    for (level, outcome) in [("repeatable read", None), ("serializable", Some("40001"))] {
        a.run(&format!("begin isolation level {level}"));
        a.value("select count(*) from t");
        a.run("insert into other values (1)");
        b.run("update t set n = 0 where id = 2");
        match outcome {
            None => a.run("commit"),
            Some(sqlstate) => assert_eq!(a.sqlstate("commit"), sqlstate),
        }
    }
    assert_eq!(a.value("select count(*) from other"), "1");

    // Rows that are locked are counted on at every level: whoever changed the table meanwhile has come first.
    a.run("begin");
    a.value("select n from t where id = 2 for update");
    a.run("insert into other values (3)");
    b.run("update t set n = 7 where id = 2");
    assert_eq!(a.sqlstate("commit"), "40001");
    a.run("begin");
    assert_eq!(a.value("select n from (select n from t where id = 2) x for share"), "7");
    a.run("update t set n = n + 1 where id = 2");
    a.run("commit");
    assert_eq!(b.value("select n from t where id = 2"), "8");
    // A savepoint takes back what has been locked after it.
    a.run("begin");
    a.run("savepoint s");
    a.value("select n from t where id = 2 for update");
    a.run("rollback to s");
    a.run("insert into other values (4)");
    b.run("update t set n = 9 where id = 2");
    a.run("commit");
    a.run("delete from other where id > 2");

    // A name that is taken meanwhile.
    a.run("begin");
    a.run("create table taken (a int)");
    a.run("insert into other values (2)");
    b.run("create table taken (b int)");
    assert_eq!(a.sqlstate("commit"), "42P07");
    assert_eq!(a.value("select count(*) from other"), "1");
    assert_eq!(a.value("select count(b) from taken"), "0");
}

#[test]
fn what_a_transaction_reads_follows_from_its_level() {
    let lake = Lake::start();
    let (mut a, mut b) = (lake.client(), lake.client());
    a.run("create table t (id int)");
    a.run("create table u (id int)");
    let both = "select (select count(*) from t) || ' ' || (select count(*) from u)";
    for (level, then) in [("read committed", "1 1"), ("repeatable read", "0 0")] {
        a.run(&format!("begin isolation level {level}"));
        assert_eq!(a.value("select count(*) from t"), "0");
        b.run("insert into u values (1)");
        b.run("insert into t values (1)");
        // The other table, too, is as it was when the first one was read.
        assert_eq!(a.value(both), then, "{level}");
        a.run("commit");
        assert_eq!(a.value(both), "1 1");
        b.run("truncate t");
        b.run("truncate u");
    }
    // What the transaction has changed stays on what it was made from.
    a.run("begin");
    a.run("insert into t values (2)");
    b.run("insert into t values (3)");
    assert_eq!(a.value("select count(*) from t"), "1");
    a.run("commit");
    assert_eq!(a.value("select count(*) from t"), "2");
}

#[test]
fn a_client_that_leaves_takes_its_changes_along() {
    let lake = Lake::start();
    let mut a = lake.client();
    a.run("create table t (id int)");
    a.run("begin");
    a.run("insert into t values (1)");
    drop(a);
    assert_eq!(lake.client().value("select count(*) from t"), "0");
}

#[test]
fn what_is_sent_before_one_sync_is_one_transaction() {
    let lake = Lake::start();
    let mut a = lake.client();
    a.run("create table t (id int)");
    let text = |text: &str| [text.as_bytes(), b"\0"].concat();
    let pipeline = |statements: &[&str]| {
        let mut bytes = Vec::new();
        for sql in statements {
            bytes.extend(message(b'P', &[&text("")[..], &text(sql), &[0, 0]].concat()));
            bytes.extend(message(b'B', &[0, 0, 0, 0, 0, 0, 0, 0]));
            bytes.extend(message(b'E', &[0, 0, 0, 0, 0]));
        }
        bytes.extend(message(b'S', &[]));
        bytes
    };
    let mut send = |statements: &[&str]| {
        a.0.send(&pipeline(statements)).unwrap();
        let mut kinds = String::new();
        while !kinds.ends_with('Z') {
            kinds.push(char::from(a.0.receive().unwrap().kind));
        }
        kinds
    };
    let failed = send(&["insert into t values (1)", "insert into t values (2)", "select 1/0"]);
    assert!(failed.contains('E'), "{failed}");
    assert_eq!(lake.client().value("select count(*) from t"), "0");
    send(&["insert into t values (1)", "insert into t values (2)", "insert into t values (3)"]);
    assert_eq!(lake.client().value("select count(*) from t"), "3");
    // One commit for the three.
    assert_eq!(lake.client().0.simple_query("describe history t").unwrap().rows.len(), 2);
}

/// The ids of the commits in the logs of all managed tables whose log has a commit of that version.
fn commit_ids(data: &Path, version: u64) -> Vec<(String, String)> {
    let mut ids = Vec::new();
    for table in std::fs::read_dir(data.join("tables")).unwrap() {
        let table = table.unwrap().path();
        let commit = table.join(format!("_delta_log/{version:020}.json"));
        let Ok(commit) = std::fs::read_to_string(commit) else { continue };
        let info: serde_json::Value = serde_json::from_str(commit.lines().next().unwrap()).unwrap();
        let id = info["commitInfo"]["txnId"].as_str().unwrap().to_owned();
        ids.push((format!("file://{}/", table.display()), id));
    }
    ids
}

/// A crash after the tables' logs are written and before the metastore says that it holds.
#[test]
fn a_commit_that_a_crash_has_cut_off_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut server =
        Server::start(Options { data: Some(data.clone()), ..Options::default() }).unwrap();
    let mut a = Client::of(&server);
    a.run("create table s (id int)");
    a.run("create table t (id int)");
    a.run("insert into s values (1)");
    a.run("insert into t values (1)");
    a.run("begin");
    a.run("delete from s");
    a.run("insert into t values (2)");
    a.run("commit");
    assert_eq!(
        a.value("select (select count(*) from s) || ' ' || (select count(*) from t)"),
        "0 2"
    );
    server.kill();
    let commits = commit_ids(&data, 2);
    assert_eq!(commits.len(), 2);
    assert_eq!(commits[0].1, commits[1].1, "one id for both");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite://{}", data.join("metastore.db").display());
        let mut metastore = SqliteConnection::connect(&url).await.unwrap();
        for (location, id) in &commits {
            sqlx::query("INSERT INTO open_commit (id, location, base) VALUES ($1, $2, 1)")
                .bind(id)
                .bind(location)
                .execute(&mut metastore)
                .await
                .unwrap();
        }
    });
    let server = server.restart().unwrap();
    let mut a = Client::of(&server);
    assert_eq!(
        a.value("select (select count(*) from s) || ' ' || (select count(*) from t)"),
        "1 1"
    );
    a.run("insert into t values (3)");
    assert_eq!(a.value("select count(*) from t"), "2");
}

//! Tables in every kind of store: made, changed, read back, shared with other writers.

use super::servers::{Kind, ObjectStore, python};
use super::{connect, fail, lakegate_on, rows, run};

/// The whole life of a table.
fn a_table_lives_in(store: &ObjectStore) {
    let (server, mut client) = lakegate_on(store, "life");
    let url = store.url("life/a table");
    run(
        &mut client,
        &format!(
            "CREATE TABLE t (id bigint NOT NULL, name text, day date) PARTITIONED BY (day) \
             LOCATION '{url}'"
        ),
    );
    run(
        &mut client,
        "INSERT INTO t SELECT i, 'name ' || i, date '2026-01-01' + (i % 3)::int \
         FROM generate_series(1, 1000) AS g(i)",
    );
    run(&mut client, "UPDATE t SET name = 'changed' WHERE id <= 10");
    run(&mut client, "DELETE FROM t WHERE id > 900");
    run(
        &mut client,
        "MERGE INTO t USING (VALUES (1, 'merged'), (5000, 'new')) AS s(id, name) ON t.id = s.id \
         WHEN MATCHED THEN UPDATE SET name = s.name \
         WHEN NOT MATCHED THEN INSERT (id, name) VALUES (s.id, s.name)",
    );
    let summary = "SELECT count(*), sum(id), count(DISTINCT name), count(day) FROM t";
    let expected = [format!("901|{}|{}|900", 900 * 901 / 2 + 5000, 890 + 1 + 1 + 1)];
    assert_eq!(rows(&mut client, summary), expected);
    assert_eq!(rows(&mut client, "SELECT name FROM t WHERE id = 1"), ["merged"]);
    let before = "SELECT count(*) FROM t VERSION AS OF 1";
    assert_eq!(rows(&mut client, before), ["1000"]);
    let history = rows(&mut client, "DESCRIBE HISTORY t");
    assert_eq!(history.len(), 5, "{history:?}");

    // After a restart the credential opens again, and everything is there.
    let server = server.restart().unwrap();
    let mut client = connect(&server.endpoint());
    assert_eq!(rows(&mut client, summary), expected);
    // Past the tenth commit the log has a checkpoint, which is read from the store too.
    for id in 6000..6012 {
        run(&mut client, &format!("INSERT INTO t VALUES ({id}, 'many', NULL)"));
    }
    let server = server.restart().unwrap();
    let mut client = connect(&server.endpoint());
    assert_eq!(rows(&mut client, "SELECT count(*) FROM t"), ["913"]);
}

#[test]
fn a_table_lives_in_seaweedfs() {
    a_table_lives_in(&ObjectStore::start(Kind::SeaweedFs));
}

#[test]
fn a_table_lives_in_moto() {
    a_table_lives_in(&ObjectStore::start(Kind::Moto));
}

#[test]
fn a_table_lives_in_azurite() {
    a_table_lives_in(&ObjectStore::start(Kind::Azurite));
}

/// Two servers of ours write one table at the same time: every commit that was acknowledged is there once.
fn no_commit_is_lost_in(store: &ObjectStore) {
    const ROWS_EACH: usize = 12;
    let (_first, mut client) = lakegate_on(store, "shared");
    let (_second, mut other) = lakegate_on(store, "shared");
    let url = store.url("shared/t");
    run(&mut client, &format!("CREATE TABLE t (id bigint, name text) LOCATION '{url}'"));
    run(&mut other, &format!("CREATE TABLE t USING DELTA LOCATION '{url}'"));
    let write = |client: &mut crate::support::RawClient, offset: usize| {
        for id in offset..offset + ROWS_EACH {
            run(client, &format!("INSERT INTO t VALUES ({id}, 'one')"));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| write(&mut client, 0));
        scope.spawn(|| write(&mut other, 1000));
    });
    let all = "SELECT count(*), count(DISTINCT id) FROM t";
    let expected = [format!("{0}|{0}", 2 * ROWS_EACH)];
    assert_eq!(rows(&mut client, all), expected);
    // Changes that meet each other are tried again or refused with 40001, and never half done.
    let raise = |client: &mut crate::support::RawClient| {
        let mut done = 0;
        for _ in 0..4 {
            match client.simple_query("UPDATE t SET id = id + 10000") {
                Ok(_) => done += 1,
                Err(error) => assert_eq!(error.sqlstate, "40001", "{error}"),
            }
        }
        done
    };
    let done: i64 = std::thread::scope(|scope| {
        let (one, two) = (scope.spawn(|| raise(&mut client)), scope.spawn(|| raise(&mut other)));
        one.join().unwrap() + two.join().unwrap()
    });
    let base: i64 = (0..12).sum::<i64>() + (1000..1012).sum::<i64>();
    let sum = [(base + 24 * 10_000 * done).to_string()];
    assert_eq!(rows(&mut client, "SELECT sum(id) FROM t"), sum);
    assert_eq!(rows(&mut other, "SELECT sum(id) FROM t"), sum);
}

#[test]
fn no_commit_is_lost_in_seaweedfs() {
    no_commit_is_lost_in(&ObjectStore::start(Kind::SeaweedFs));
}

#[test]
fn no_commit_is_lost_in_azurite() {
    no_commit_is_lost_in(&ObjectStore::start(Kind::Azurite));
}

/// delta-rs and Lakegate see each other's commits.
#[test]
fn other_engines_read_and_write_the_same_table() {
    let store = ObjectStore::start(Kind::SeaweedFs);
    let (_server, mut client) = lakegate_on(&store, "both");
    let url = store.url("both/t");
    run(&mut client, &format!("CREATE TABLE t (id bigint, name text) LOCATION '{url}'"));
    run(&mut client, "INSERT INTO t VALUES (1, 'ours')");
    let (endpoint, (key, secret)) = (store.endpoint(), store.keys());
    let other = |what: &str, ids: &[&str]| {
        let arguments = [&[what, &url, &endpoint, key, secret], ids].concat();
        python("other_engine.py", &arguments).unwrap_or_else(|error| panic!("{error}"))
    };
    assert_eq!(other("rows", &[]).trim(), "1");
    other("append", &["2", "3"]);
    assert_eq!(rows(&mut client, "SELECT id FROM t ORDER BY id"), ["1", "2", "3"]);
    run(&mut client, "DELETE FROM t WHERE id = 2");
    assert_eq!(other("rows", &[]).split_whitespace().collect::<Vec<_>>(), ["1", "3"]);
}

/// The negative control: where two writers could both win, nobody writes.
#[test]
fn a_store_without_conditional_put_is_not_written_to() {
    let store = ObjectStore::start(Kind::S3rver);
    let (_server, mut client) = lakegate_on(&store, "p");
    let url = store.url("p/t");
    let create = format!("CREATE TABLE t (id bigint) LOCATION '{url}'");
    let refused = fail(&mut client, &create);
    assert_eq!(refused.sqlstate, "0A000", "{refused}");
    assert!(refused.message.contains("conditional put"), "{refused}");
    assert!(rows(&mut client, "SHOW TABLES").is_empty());

    // What others wrote there can be read.
    let (endpoint, (key, secret)) = (store.endpoint(), store.keys());
    let arguments = ["append", &url, &endpoint, key, secret, "1", "2"];
    python("other_engine.py", &arguments).unwrap_or_else(|error| panic!("{error}"));
    run(&mut client, &format!("CREATE TABLE t USING DELTA LOCATION '{url}'"));
    assert_eq!(rows(&mut client, "SELECT count(*) FROM t"), ["2"]);
    for change in ["INSERT INTO t VALUES (3, 'x')", "DELETE FROM t WHERE id = 1"] {
        assert_eq!(fail(&mut client, change).sqlstate, "0A000", "{change}");
    }
    assert_eq!(rows(&mut client, "SELECT count(*) FROM t"), ["2"]);
}

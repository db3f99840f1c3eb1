//! Stores that fail: each failure has its SQLSTATE, tells no secret and no path, and leaves tables whole.

use std::time::{Duration, Instant};

use super::servers::{Answering, BUCKET, Kind, ObjectStore};
use super::{connect, fail, impatient, lakegate_on, rows, rows_soon, run};
use crate::support::{RawClient, Server, SqlError};

const SECRET: &str = "do-not-tell-anybody";

/// What a user is told who makes a table at a place of this credential.
fn told(client: &mut RawClient, options: &str, bucket: &str) -> SqlError {
    run(client, "DROP EXTERNAL LOCATION IF EXISTS l");
    run(client, "DROP STORAGE CREDENTIAL IF EXISTS c");
    run(client, &format!("CREATE STORAGE CREDENTIAL c WITH ({options})"));
    let location = format!("CREATE EXTERNAL LOCATION l URL 's3://{bucket}/hidden'");
    run(client, &format!("{location} WITH (STORAGE CREDENTIAL c)"));
    let create = format!("CREATE TABLE t (id bigint) LOCATION 's3://{bucket}/hidden/t'");
    let error = fail(client, &create);
    for secret in [SECRET, "hidden", bucket] {
        assert!(!error.message.contains(secret), "{error}");
    }
    error
}

fn s3(endpoint: &str, key: &str, secret: &str) -> String {
    format!(
        "TYPE 's3', ACCESS_KEY_ID '{key}', SECRET_ACCESS_KEY '{secret}', ENDPOINT '{endpoint}', \
         ALLOW_HTTP true"
    )
}

#[test]
fn each_failure_has_its_sqlstate_and_tells_no_secret() {
    let store = ObjectStore::start(Kind::SeaweedFs);
    let server = Server::start(impatient()).unwrap();
    let mut client = connect(&server.endpoint());
    let endpoint = store.endpoint();
    let (key, secret) = store.keys();
    let error = |code: u16, body: &'static str| Answering::start(Some((code, body))).endpoint();
    let said = |code| format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code></Error>").leak();
    let expired = error(400, said("ExpiredToken"));
    let slow_down = error(503, said("SlowDown"));
    let broken = error(500, said("InternalError"));
    let silent = Answering::start(None).endpoint();
    let plain = Answering::start(Some((200, ""))).endpoint().replace("http:", "https:");
    // Port 9 discards, where anybody listens at all.
    let nobody = "http://127.0.0.1:9".to_owned();
    let cases = [
        ("wrong secret", s3(&endpoint, key, SECRET), BUCKET, "28000"),
        ("unknown key", s3(&endpoint, "nobody", SECRET), BUCKET, "28000"),
        ("no bucket", s3(&endpoint, key, secret), "no-such-bucket", "HV00Q"),
        ("read only", s3(&endpoint, "reader", "only looking"), BUCKET, "42501"),
        ("expired", s3(&expired, key, SECRET), BUCKET, "28000"),
        ("overloaded", s3(&slow_down, key, SECRET), BUCKET, "53000"),
        ("broken", s3(&broken, key, SECRET), BUCKET, "58030"),
        ("silent", s3(&silent, key, SECRET), BUCKET, "HV00N"),
        ("no TLS", s3(&plain, key, SECRET), BUCKET, "58000"),
        ("unreachable", s3(&nobody, key, SECRET), BUCKET, "HV00N"),
    ];
    for (name, options, bucket, sqlstate) in cases {
        let error = told(&mut client, &options, bucket);
        assert_eq!(error.sqlstate, sqlstate, "{name}: {error}");
    }
    assert!(rows(&mut client, "SHOW TABLES").is_empty());
    assert!(!server.log().contains(SECRET), "the log tells a secret");
}

/// A key that the store does not take any more is changed while everything runs.
#[test]
fn a_new_key_is_used_from_the_next_request_on() {
    let store = ObjectStore::start(Kind::SeaweedFs);
    let (_server, mut client) = lakegate_on(&store, "keys");
    let url = store.url("keys/t");
    run(&mut client, &format!("CREATE TABLE t (id bigint) LOCATION '{url}'"));
    run(&mut client, "INSERT INTO t VALUES (1)");
    run(&mut client, &format!("ALTER STORAGE CREDENTIAL keys SET (SECRET_ACCESS_KEY '{SECRET}')"));
    let refused = fail(&mut client, "INSERT INTO t VALUES (2)");
    assert!(["28000", "42501"].contains(&refused.sqlstate.as_str()), "{refused}");
    let (_, secret) = store.keys();
    run(&mut client, &format!("ALTER STORAGE CREDENTIAL keys SET (SECRET_ACCESS_KEY '{secret}')"));
    run(&mut client, "INSERT INTO t VALUES (3)");
    assert_eq!(rows(&mut client, "SELECT id FROM t ORDER BY id"), ["1", "3"]);
}

/// The store goes away in the middle of a change: it fails soon, and the table is as it was.
#[test]
fn a_store_that_dies_during_a_write_leaves_the_table_whole() {
    let mut store = ObjectStore::start(Kind::SeaweedFs);
    let (_server, mut client) = lakegate_on(&store, "dying");
    let url = store.url("dying/t");
    run(&mut client, &format!("CREATE TABLE t (id bigint, name text) LOCATION '{url}'"));
    run(&mut client, "INSERT INTO t VALUES (1, 'before')");
    let insert = "INSERT INTO t SELECT i, md5(i::text) || md5((i * 7)::text) \
                  FROM generate_series(1, 3000000) AS g(i)";
    let began = Instant::now();
    let outcome = std::thread::scope(|scope| {
        let writing = scope.spawn(|| client.simple_query(insert).map(|result| result.tag));
        std::thread::sleep(Duration::from_millis(1500));
        store.kill();
        writing.join().unwrap()
    });
    let error = outcome.expect_err("the store was gone");
    // 40003 when it went while the commit was on its way.
    assert!(["HV00N", "58030", "40003"].contains(&error.sqlstate.as_str()), "{error}");
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
    assert_eq!(fail(&mut client, "SELECT count(*) FROM t").sqlstate, "HV00N");

    store.start_again();
    let counted = rows_soon(&mut client, "SELECT count(*) FROM t");
    assert!(
        counted == ["1"] || (error.sqlstate == "40003" && counted == ["3000001"]),
        "{counted:?}"
    );
    run(&mut client, "INSERT INTO t VALUES (2, 'after')");
    assert_eq!(rows(&mut client, "SELECT name FROM t WHERE id = 2 AND name = 'after'"), ["after"]);
}

/// The store goes away between the rows of a scan.
#[test]
fn a_store_that_dies_during_a_scan_ends_it_with_an_error() {
    let mut store = ObjectStore::start(Kind::SeaweedFs);
    let (server, mut client) = lakegate_on(&store, "scan");
    let url = store.url("scan/t");
    run(&mut client, &format!("CREATE TABLE t (id bigint, name text) LOCATION '{url}'"));
    for part in 0..4 {
        run(
            &mut client,
            &format!(
                "INSERT INTO t SELECT i, md5((i * 31 + {part})::text) \
                 FROM generate_series(1, 20000) AS g(i)"
            ),
        );
    }
    let mut reader = connect(&server.endpoint());
    let query =
        "SELECT a.id, a.name, b.name FROM t a JOIN t b ON a.id = b.id ORDER BY a.name, b.name";
    let outcome = std::thread::scope(|scope| {
        let reading = scope.spawn(|| reader.simple_query(query).map(|result| result.rows.len()));
        std::thread::sleep(Duration::from_millis(100));
        store.kill();
        reading.join().unwrap()
    });
    // A scan that was quick enough has all its rows; one that was not says why.
    match outcome {
        Ok(count) => assert_eq!(count, 16 * 20_000),
        Err(error) => assert_eq!(error.sqlstate, "HV00N", "{error}"),
    }
    store.start_again();
    assert_eq!(rows_soon(&mut client, "SELECT count(*) FROM t"), ["80000"]);
}

/// The process that writes is killed: what was not acknowledged is there wholly or not at all.
#[test]
fn a_killed_writer_leaves_the_table_whole() {
    let store = ObjectStore::start(Kind::Moto);
    let (mut server, mut client) = lakegate_on(&store, "killed");
    let url = store.url("killed/t");
    run(&mut client, &format!("CREATE TABLE t (id bigint, name text) LOCATION '{url}'"));
    run(&mut client, "INSERT INTO t VALUES (0, 'before')");
    let insert = "INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 2000000) AS g(i)";
    std::thread::scope(|scope| {
        scope.spawn(|| client.simple_query(insert).map(|result| result.tag));
        std::thread::sleep(Duration::from_millis(1500));
        server.kill();
    });
    let server = server.restart().unwrap();
    let mut client = connect(&server.endpoint());
    let counted = rows(&mut client, "SELECT count(*) FROM t");
    assert!(counted == ["1"] || counted == ["2000001"], "{counted:?}");
    run(&mut client, "INSERT INTO t VALUES (-1, 'after')");
    assert_eq!(rows(&mut client, "SELECT count(*) FROM t WHERE id = -1"), ["1"]);
}

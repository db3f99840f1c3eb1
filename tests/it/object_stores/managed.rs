//! Managed tables in an object store: `--data s3://…`.

use std::path::Path;

use super::servers::{Kind, ObjectStore};
use super::{connect, patient, rows, run};
use crate::support::{Options, Server};

/// A server with its managed tables in the store; what stays local is in `local`.
fn server_on(store: &ObjectStore, local: &Path) -> Server {
    let (key, secret) = store.keys();
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut options = Options { data: Some(store.url("managed").into()), ..patient() };
    options.arguments = vec!["--local".to_owned(), local.display().to_string()];
    options.environment.extend([
        set("AWS_ACCESS_KEY_ID", key),
        set("AWS_SECRET_ACCESS_KEY", secret),
        set("AWS_REGION", "us-east-1"),
        set("AWS_ENDPOINT_URL", &store.endpoint()),
        set("AWS_ALLOW_HTTP", "true"),
    ]);
    Server::start(options).unwrap()
}

#[test]
fn managed_tables_live_in_s3_and_the_metastore_does_not() {
    let store = ObjectStore::start(Kind::SeaweedFs);
    let local = tempfile::tempdir().unwrap();
    let server = server_on(&store, local.path());
    let mut client = connect(&server.endpoint());
    run(&mut client, "CREATE TABLE t (id bigint, name text)");
    run(&mut client, "INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 100) AS g(i)");
    run(&mut client, "CREATE TABLE u AS SELECT id FROM t WHERE id <= 50");
    run(&mut client, "CREATE OR REPLACE TABLE u AS SELECT id FROM t WHERE id <= 10");
    run(&mut client, "UPDATE t SET name = NULL WHERE id = 1");
    let count = "SELECT count(*), count(name) FROM t";
    assert_eq!(rows(&mut client, count), ["100|99"]);
    assert!(local.path().join("metastore.db").exists());
    assert!(!local.path().join("tables").exists());

    let server = server.restart().unwrap();
    let mut client = connect(&server.endpoint());
    assert_eq!(rows(&mut client, count), ["100|99"]);
    assert_eq!(rows(&mut client, "SELECT count(*) FROM u"), ["10"]);
    let location = rows(&mut client, "DESCRIBE DETAIL t").join("");
    assert!(location.contains(&store.url("managed/tables/")), "{location}");
    run(&mut client, "DROP TABLE u");

    // Nobody comes to managed tables through an external location.
    run(&mut client, "CREATE STORAGE CREDENTIAL c WITH (TYPE 's3')");
    let around = format!(
        "CREATE EXTERNAL LOCATION l URL '{}' WITH (STORAGE CREDENTIAL c)",
        store.url("managed")
    );
    assert_eq!(client.simple_query(&around).unwrap_err().sqlstate, "42P17");
}

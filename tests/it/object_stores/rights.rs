//! Who may see and use storage credentials and external locations, and what nobody sees: secrets.

use std::os::unix::fs::MetadataExt;

use super::servers::{Kind, ObjectStore};
use super::{connect, fail, lakegate_on, rows, run};
use crate::support::{Options, Server};

const SECRET: &str = "do-not-tell-anybody";

#[test]
fn secrets_are_sealed_and_never_shown() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = connect(&server.endpoint());
    run(
        &mut client,
        &format!(
            "CREATE STORAGE CREDENTIAL c WITH (TYPE 's3', ACCESS_KEY_ID 'shown', \
             SECRET_ACCESS_KEY '{SECRET}', REGION 'eu-west-1') COMMENT 'a comment'"
        ),
    );
    let mut all = rows(&mut client, "DESCRIBE STORAGE CREDENTIAL c");
    assert!(all.contains(&"access_key_id|shown".to_owned()), "{all:?}");
    assert!(all.contains(&"Comment|a comment".to_owned()), "{all:?}");
    all.extend(rows(&mut client, "SHOW STORAGE CREDENTIALS"));
    all.extend(rows(&mut client, "SHOW GRANTS ON STORAGE CREDENTIAL c"));
    all.extend(rows(&mut connect(&server.endpoint()), "SELECT query FROM pg_stat_activity"));
    assert!(!all.iter().any(|row| row.contains(SECRET)), "{all:?}");

    // A value in the wrong place is a secret still.
    let wrong = format!("ALTER STORAGE CREDENTIAL c SET (SECRET_KEY '{SECRET}')");
    let refused = fail(&mut client, &wrong);
    assert_eq!(refused.sqlstate, "22023", "{refused}");
    assert!(!refused.message.contains(SECRET), "{refused}");

    for file in std::fs::read_dir(server.data()).unwrap().flatten() {
        let Ok(bytes) = std::fs::read(file.path()) else { continue };
        let found = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!found, "{:?} holds a secret", file.path());
    }
    let key = server.data().join("secrets.key");
    assert_eq!(key.metadata().unwrap().mode() & 0o777, 0o600);
    assert!(!server.log().contains(SECRET));

    // Without the key nothing starts, rather than with secrets that cannot be opened.
    let data = server.data();
    std::fs::rename(&key, data.join("elsewhere")).unwrap();
    let refused = server.restart().err().expect("a start without the key");
    assert!(refused.contains("key file"), "{refused}");
}

#[test]
fn tables_are_made_where_a_grant_allows_it() {
    let store = ObjectStore::start(Kind::Moto);
    let (server, mut admin) = lakegate_on(&store, "granted");
    for sql in [
        "CREATE USER ada PASSWORD 'a long password'",
        "GRANT USE CATALOG ON CATALOG main TO ada",
        "GRANT USE SCHEMA, CREATE TABLE ON SCHEMA public TO ada",
    ] {
        run(&mut admin, sql);
    }
    let mut ada = connect(&server.endpoint().with_user("ada", "a long password"));
    let create = |name: &str, path: &str| {
        format!("CREATE TABLE {name} (id bigint) LOCATION '{}'", store.url(path))
    };

    // Covered or not: to who has no grant, both look alike.
    let covered = fail(&mut ada, &create("t", "granted/t"));
    let uncovered = fail(&mut ada, &create("t", "elsewhere/t"));
    assert_eq!((&*covered.sqlstate, &*uncovered.sqlstate), ("42501", "42501"));
    assert_eq!(covered.message, uncovered.message);
    assert_eq!(fail(&mut ada, "DESCRIBE EXTERNAL LOCATION place").sqlstate, "42704");
    assert_eq!(fail(&mut ada, "DROP STORAGE CREDENTIAL keys").sqlstate, "42704");
    assert!(rows(&mut ada, "SHOW EXTERNAL LOCATIONS").is_empty());
    let local = fail(&mut ada, "CREATE TABLE t (id bigint) LOCATION 'file:///tmp/t'");
    assert_eq!(local.sqlstate, "42501");
    let credential = "CREATE STORAGE CREDENTIAL mine WITH (TYPE 's3')";
    assert_eq!(fail(&mut ada, credential).sqlstate, "42501");

    run(&mut admin, "GRANT CREATE EXTERNAL TABLE, READ FILES ON EXTERNAL LOCATION place TO ada");
    run(&mut ada, &create("t", "granted/t"));
    run(&mut ada, "INSERT INTO t VALUES (1)");
    assert_eq!(rows(&mut ada, "SELECT id FROM t"), ["1"]);
    assert_eq!(rows(&mut ada, "SHOW EXTERNAL LOCATIONS").len(), 1);
    let grants = rows(&mut admin, "SHOW GRANTS ON EXTERNAL LOCATION place");
    assert_eq!(grants.len(), 2, "{grants:?}");
    assert!(grants.iter().any(|row| row == "ada|READ FILES|EXTERNAL LOCATION|place"), "{grants:?}");

    // Nobody comes to a table by making another of its files.
    for path in ["granted/t", "granted/t/inside"] {
        assert_eq!(fail(&mut ada, &create("again", path)).sqlstate, "42P16", "{path}");
    }

    // The admin, too, needs an external location in an object store.
    let nowhere = fail(&mut admin, &create("u", "elsewhere/t"));
    assert_eq!(nowhere.sqlstate, "55000", "{nowhere}");

    // What is in use stays; grants outlive a restart and go with the location.
    assert_eq!(fail(&mut admin, "DROP STORAGE CREDENTIAL keys").sqlstate, "2BP01");
    assert_eq!(fail(&mut admin, "DROP EXTERNAL LOCATION place").sqlstate, "2BP01");
    let server = server.restart().unwrap();
    let mut ada = connect(&server.endpoint().with_user("ada", "a long password"));
    let mut admin = connect(&server.endpoint());
    run(&mut ada, "INSERT INTO t VALUES (2)");
    run(&mut admin, "REVOKE CREATE EXTERNAL TABLE ON EXTERNAL LOCATION place FROM ada");
    assert_eq!(fail(&mut ada, &create("u", "granted/u")).sqlstate, "42501");
    run(&mut admin, "DROP EXTERNAL LOCATION place FORCE");
    assert_eq!(fail(&mut ada, "SELECT * FROM t").sqlstate, "55000");
    run(&mut admin, "DROP STORAGE CREDENTIAL keys");
}

#[test]
fn places_do_not_overlap() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = connect(&server.endpoint());
    run(&mut client, "CREATE STORAGE CREDENTIAL c WITH (TYPE 's3')");
    let create = |name: &str, url: &str| {
        format!("CREATE EXTERNAL LOCATION {name} URL '{url}' WITH (STORAGE CREDENTIAL c)")
    };
    run(&mut client, &create("a", "s3://bucket/a"));
    run(&mut client, &create("ab", "s3://bucket/ab"));
    for url in ["s3://bucket", "s3://bucket/a", "s3://bucket/a/b"] {
        assert_eq!(fail(&mut client, &create("x", url)).sqlstate, "42P17", "{url}");
    }
    assert_eq!(fail(&mut client, &create("a", "s3://other")).sqlstate, "42710");
    assert_eq!(fail(&mut client, &create("x", "gs://bucket")).sqlstate, "22023");
    let managed = format!("CREATE EXTERNAL LOCATION x URL '{}'", server.data().display());
    assert_eq!(fail(&mut client, &managed).sqlstate, "42P17");
    let without = "CREATE EXTERNAL LOCATION x URL 's3://third'";
    assert_eq!(fail(&mut client, without).sqlstate, "42P17");
    run(&mut client, "ALTER EXTERNAL LOCATION ab SET URL 's3://bucket/c'");
    run(&mut client, "ALTER EXTERNAL LOCATION ab RENAME TO c");
    run(&mut client, "COMMENT ON EXTERNAL LOCATION c IS 'third'");
    let shown = rows(&mut client, "SHOW EXTERNAL LOCATIONS");
    assert_eq!(shown, ["a|s3://bucket/a/|", "c|s3://bucket/c/|third"]);
    let server = server.restart().unwrap();
    let mut client = connect(&server.endpoint());
    assert_eq!(rows(&mut client, "SHOW EXTERNAL LOCATIONS LIKE 'c'"), ["c|s3://bucket/c/|third"]);
    run(&mut client, "DROP EXTERNAL LOCATION IF EXISTS nobody");
    run(&mut client, "ALTER STORAGE CREDENTIAL c RENAME TO d");
    assert_eq!(rows(&mut client, "SHOW STORAGE CREDENTIALS"), ["d|"]);
}

/// The contract of external tables on file systems, for an admin, needs no external location.
#[test]
fn file_locations_work_as_before_and_can_be_granted() {
    let server = Server::start(Options::default()).unwrap();
    let mut admin = connect(&server.endpoint());
    let folder = tempfile::tempdir().unwrap();
    let url = |path: &str| format!("file://{}/{path}", folder.path().display());
    run(&mut admin, &format!("CREATE TABLE t (id bigint) LOCATION '{}'", url("t")));
    run(&mut admin, "INSERT INTO t VALUES (1)");
    run(&mut admin, "DROP TABLE t");
    run(&mut admin, &format!("CREATE TABLE t USING DELTA LOCATION '{}'", url("t")));
    assert_eq!(rows(&mut admin, "SELECT id FROM t"), ["1"]);
    for sql in [
        "CREATE USER ada PASSWORD 'a long password'".to_owned(),
        "GRANT USE CATALOG ON CATALOG main TO ada".to_owned(),
        "GRANT USE SCHEMA, CREATE TABLE ON SCHEMA public TO ada".to_owned(),
        format!("CREATE EXTERNAL LOCATION disk URL '{}'", url("granted")),
        "GRANT CREATE EXTERNAL TABLE ON EXTERNAL LOCATION disk TO ada".to_owned(),
    ] {
        run(&mut admin, &sql);
    }
    let mut ada = connect(&server.endpoint().with_user("ada", "a long password"));
    run(&mut ada, &format!("CREATE TABLE u (id bigint) LOCATION '{}'", url("granted/u")));
    let outside = format!("CREATE TABLE v (id bigint) LOCATION '{}'", url("v"));
    assert_eq!(fail(&mut ada, &outside).sqlstate, "42501");
}

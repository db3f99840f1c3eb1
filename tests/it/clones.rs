//! Shallow clones: what they read of their sources, and that nobody takes those files away.

use std::path::Path;
use std::process::Command;

use crate::readers::python;
use crate::support::{Client, Options, Server};

/// The table's rows in one line.
fn sum(client: &mut Client, table: &str) -> String {
    client.value(&format!(
        "SELECT count(*) || ' ' || coalesce(sum(id), 0) || ' ' || count(DISTINCT p) FROM {table}"
    ))
}

fn start() -> (Server, Client) {
    let server = Server::start(Options::default()).unwrap();
    let client = Client::of(&server);
    (server, client)
}

/// A managed table of several files, with deletion vectors in a file and names that need escapes.
fn source(client: &mut Client) {
    client.run("CREATE TABLE s (id bigint, v text, p text) PARTITIONED BY (p)");
    client.run(
        "INSERT INTO s SELECT g, 'v' || g, CASE g % 2 WHEN 0 THEN 'a b' ELSE '50%:x' END \
         FROM generate_series(1, 20000) g",
    );
    client.run("DELETE FROM s WHERE id % 3 = 0 AND id < 9000");
}

#[test]
fn a_clone_is_a_table_of_its_own() {
    let (server, mut client) = start();
    source(&mut client);
    let before = sum(&mut client, "s");
    client.run("CREATE TABLE c SHALLOW CLONE s");
    assert_eq!(sum(&mut client, "c"), before);
    let version = "SELECT count(*) FROM c WHERE p = 'a b' AND id = 20";
    assert_eq!(client.value(version), "1");

    // Every kind of change of the clone, and the source stays as it is.
    client.run("UPDATE c SET v = 'changed' WHERE id BETWEEN 10000 AND 10010");
    client.run("DELETE FROM c WHERE id > 19000");
    client.run(
        "MERGE INTO c USING (VALUES (1, 'merged'), (-1, 'new')) s(id, v) ON c.id = s.id \
         WHEN MATCHED THEN UPDATE SET v = s.v WHEN NOT MATCHED THEN INSERT (id, v, p) VALUES (s.id, s.v, 'n')",
    );
    client.run("INSERT INTO c VALUES (-2, 'x', 'n')");
    let changed = sum(&mut client, "c");
    client.run("OPTIMIZE c");
    client.run("REORG TABLE c APPLY (PURGE)");
    client.run("SET lakegate.vacuum_retention_check = off");
    client.run("VACUUM c RETAIN 0 HOURS");
    assert_eq!(sum(&mut client, "c"), changed);
    assert_eq!(sum(&mut client, "s"), before);
    client.run("TRUNCATE c");
    client.run("VACUUM c RETAIN 0 HOURS");
    client.run("RESTORE TABLE c TO VERSION AS OF 0");
    assert_eq!(sum(&mut client, "c"), before);
    let server = server.restart().unwrap();
    let mut client = Client::of(&server);
    assert_eq!(sum(&mut client, "c"), before);
    client.run("DROP TABLE c");
    assert_eq!(sum(&mut client, "s"), before);
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

#[test]
fn a_source_keeps_what_its_clones_read() {
    let (server, mut client) = start();
    source(&mut client);
    client.run("SET lakegate.vacuum_retention_check = off");
    client.run("CREATE TABLE old SHALLOW CLONE s VERSION AS OF 1");
    client.run("CREATE TABLE c SHALLOW CLONE s");
    client.run("CREATE TABLE cc SHALLOW CLONE c");
    client.run("DELETE FROM cc WHERE id < 100");
    client.run("CREATE TABLE ccc SHALLOW CLONE cc");
    let tables = ["old", "c", "cc", "ccc"];
    let before = tables.map(|table| sum(&mut client, table));
    assert_eq!(before[0], "20000 200010000 2");
    // Nothing of what they read is in the sources any more.
    client.run("INSERT OVERWRITE s SELECT 1, 'one', 'p'");
    client.run("INSERT OVERWRITE cc SELECT 2, 'two', 'p'");
    for table in ["s", "c", "cc"] {
        client.run(&format!("VACUUM {table} RETAIN 0 HOURS"));
    }
    let after = tables.map(|table| sum(&mut client, table));
    assert_eq!((&after[0], &after[1], &after[3]), (&before[0], &before[1], &before[3]));
    assert_eq!(after[2], "1 2 1");
    // Nor do the files go with the table.
    for sql in ["DROP TABLE s", "DROP TABLE s CASCADE", "DROP TABLE cc"] {
        assert_eq!(client.sqlstate(sql), "2BP01", "{sql}");
    }
    assert_eq!(client.sqlstate("CREATE OR REPLACE TABLE s SHALLOW CLONE old"), "2BP01");
    assert_eq!(client.sqlstate("BEGIN; DROP TABLE s; COMMIT"), "2BP01");
    client.run("ROLLBACK");
    // Once nobody reads them, they go.
    client.run("DROP TABLE old");
    client.run("DROP TABLE ccc, cc, c");
    assert_eq!(client.value("SELECT count(*) FROM s"), "1");
    client.run("DROP TABLE s");
    client.run("CREATE SCHEMA x");
    client.run("CREATE TABLE x.s AS SELECT 1 AS id");
    client.run("CREATE TABLE x.c SHALLOW CLONE x.s");
    client.run("DROP SCHEMA x CASCADE");
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

#[test]
fn a_clone_that_is_not_made_takes_nothing_with_it() {
    let (server, mut client) = start();
    source(&mut client);
    let before = sum(&mut client, "s");
    client.run("BEGIN; CREATE TABLE c SHALLOW CLONE s; DELETE FROM c WHERE p = 'a b'; ROLLBACK");
    assert_eq!(sum(&mut client, "s"), before);
    client.run(
        "BEGIN; CREATE TABLE c SHALLOW CLONE s; DELETE FROM c WHERE p = 'a b'; \
         UPDATE c SET v = 'x'; DELETE FROM c WHERE id < 30; INSERT INTO c VALUES (1, 'y', 'z'); COMMIT",
    );
    assert_eq!(sum(&mut client, "s"), before);
    assert_eq!(client.value("SELECT count(*) FROM c WHERE id < 30"), "1");
    // In the place of another managed table, and of another clone.
    client.run("CREATE TABLE t AS SELECT 1 AS other");
    client.run("CREATE OR REPLACE TABLE t SHALLOW CLONE s");
    assert_eq!(sum(&mut client, "t"), before);
    client.run("CREATE OR REPLACE TABLE t SHALLOW CLONE c");
    assert_eq!(client.value("SELECT count(*) FROM t WHERE id < 30"), "1");
    client.run("CREATE OR REPLACE TABLE t AS SELECT 5 AS id, 'p' AS p");
    assert_eq!(sum(&mut client, "t"), "1 5 1");
    // What nobody would keep the files for.
    let refused = [
        "CREATE TEMP TABLE tt SHALLOW CLONE s",
        "CREATE TABLE elsewhere SHALLOW CLONE s LOCATION 's3://bucket/elsewhere'",
    ];
    for sql in refused {
        assert_eq!(client.sqlstate(sql), "0A000", "{sql}");
    }
    client.run("CREATE TEMP TABLE temporary AS SELECT 1 AS id");
    assert_eq!(client.sqlstate("CREATE TABLE tc SHALLOW CLONE temporary"), "0A000");
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

/// A log may name files elsewhere only where a SHALLOW CLONE has said so.
#[test]
fn only_clones_read_files_elsewhere() {
    let (server, mut client) = start();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    client.run(&format!("CREATE TABLE s (id bigint, p text) LOCATION '{}'", place("s")));
    client.run("INSERT INTO s VALUES (1, 'a'), (2, 'b')");
    client.run(&format!("CREATE TABLE c SHALLOW CLONE s LOCATION '{}'", place("c")));
    assert_eq!(sum(&mut client, "c"), "2 3 2");
    assert_eq!(client.sqlstate("CREATE OR REPLACE TABLE c SHALLOW CLONE s"), "0A000");
    // The same log in another place, and the same place without the clone's name.
    copy(&folder.path().join("c"), &folder.path().join("copied"));
    let sql = format!("CREATE TABLE copied LOCATION '{}'", place("copied"));
    assert_eq!(client.sqlstate(&sql), "0A000");
    client.run("DROP TABLE c");
    let sql = format!("CREATE TABLE c LOCATION '{}'", place("c"));
    assert_eq!(client.sqlstate(&sql), "0A000");
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to),
            false => drop(std::fs::copy(entry.path(), to).unwrap()),
        }
    }
}

/// What other readers make of the log of a clone: absolute paths of data files and of deletion vectors.
#[test]
fn clones_are_read_by_others() {
    let (server, mut client) = start();
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).display().to_string();
    client.run(&format!(
        "CREATE TABLE s (id bigint, v text) LOCATION '{}' \
         TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
        place("s")
    ));
    client.run("INSERT INTO s SELECT g, 'v' || g FROM generate_series(1, 20000) g");
    client.run("DELETE FROM s WHERE id % 3 = 0 AND id < 9000");
    client.run(&format!("CREATE TABLE c SHALLOW CLONE s LOCATION '{}'", place("c")));
    // DuckDB takes an absolute path for one below the table.
    let elsewhere = || {
        let script = "import sys, deltalake\n\
                      table = deltalake.DeltaTable(sys.argv[1])\n\
                      rows = deltalake.QueryBuilder().register('t', table)\n\
                      rows = rows.execute('select count(*), sum(id) from t').read_all()\n\
                      print('|'.join(str(column.to_pylist()[0]) for column in rows.columns))";
        let clone = folder.path().join("c");
        let read = Command::new(python()).args(["-c", script]).arg(&clone).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        String::from_utf8_lossy(&read.stdout).trim().to_owned()
    };
    let own = "SELECT count(*) || '|' || sum(id) FROM c";
    assert_eq!(elsewhere(), client.value(own));
    client.run("DELETE FROM c WHERE id > 15000");
    client.run("INSERT INTO c VALUES (-1, 'new')");
    assert_eq!(elsewhere(), client.value(own));
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

//! Files that others have written: who may read them, and that each is loaded once, whoever loads at the same
//! time and whatever is killed.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::readers::{python, read};
use crate::support::{Options, RawClient, Server};

fn rows(client: &mut RawClient, sql: &str) -> Vec<String> {
    let rows = client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).rows;
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "null".to_owned());
    rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn only_who_may_read_files_reads_them() {
    let server = Server::start(Options::default()).unwrap();
    let mut admin = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (open, closed) = (folder.path().join("open"), folder.path().join("closed"));
    for place in [&open, &closed] {
        std::fs::create_dir(place).unwrap();
        write(place, "a.csv", "id,name\n1,one\n2,two\n");
    }
    let (open, closed) = (open.display(), closed.display());
    let run = |client: &mut RawClient, sql: &str| {
        client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    };
    run(&mut admin, "CREATE USER ann PASSWORD 'ann'");
    run(&mut admin, "GRANT USE CATALOG ON CATALOG main TO ann");
    run(&mut admin, "GRANT USE SCHEMA, CREATE ON SCHEMA main.public TO ann");
    run(&mut admin, &format!("CREATE EXTERNAL LOCATION open URL '{open}'"));
    let mut ann = RawClient::connect(&server.endpoint().with_user("ann", "ann"), &[]).unwrap();
    let read = |place: &dyn std::fmt::Display| {
        format!("SELECT count(*) FROM read_files('{place}', format => 'csv', header => true)")
    };
    let denied = |client: &mut RawClient, sql: &str| {
        let error = client.simple_query(sql).expect_err(sql);
        assert_eq!(error.sqlstate, "42501", "{sql}: {error}");
        error.to_string()
    };
    // Whether a place has an external location is not told.
    assert_eq!(denied(&mut ann, &read(&open)), denied(&mut ann, &read(&closed)));
    run(&mut admin, "GRANT READ FILES ON EXTERNAL LOCATION open TO ann");
    assert_eq!(rows(&mut ann, &read(&open)), ["2"]);
    denied(&mut ann, &read(&closed));
    denied(&mut ann, &read(&folder.path().display()));
    let around = format!("{open}/../closed");
    assert!(ann.simple_query(&read(&around)).is_err());
    // Managed tables are nobody's to read by path, and neither are other tables in the location.
    run(&mut admin, "CREATE TABLE secret AS SELECT 1 AS x");
    let managed = server.data().join("tables");
    assert!(admin.simple_query(&read(&managed.display())).is_err());
    run(
        &mut ann,
        &format!(
            "CREATE VIEW seen AS SELECT id FROM read_files('{open}', format => 'csv', header => true)"
        ),
    );
    run(
        &mut admin,
        &format!(
            "CREATE TABLE files (id int, name text) USING csv OPTIONS (header = true) LOCATION '{open}'"
        ),
    );
    denied(&mut ann, &read(&open));
    denied(&mut ann, &format!("COPY INTO secret FROM '{open}' FILEFORMAT = CSV"));
    denied(&mut ann, &format!("CREATE TABLE mine USING csv LOCATION '{closed}'"));
    denied(&mut ann, "SELECT * FROM files");
    run(&mut admin, "GRANT SELECT ON TABLE files TO ann");
    assert_eq!(rows(&mut ann, "SELECT name FROM files ORDER BY id"), ["one", "two"]);
    // A view reads with its owner's rights, whatever its reader may.
    run(&mut admin, "DROP TABLE files");
    run(&mut ann, "GRANT SELECT ON VIEW seen TO PUBLIC");
    run(&mut admin, "REVOKE READ FILES ON EXTERNAL LOCATION open FROM ann");
    assert!(admin.simple_query("SELECT * FROM seen").is_err());
}

/// Files `0.csv` to `n-1.csv`, each with `rows` rows whose numbers no other has.
fn numbered(folder: &Path, files: usize, rows: usize) {
    for file in 0..files {
        let lines = (0..rows).map(|row| format!("{},f{file}\n", file * rows + row));
        write(folder, &format!("{file}.csv"), &lines.collect::<String>());
    }
}

#[test]
fn files_are_loaded_once_by_many_at_a_time() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    numbered(folder.path(), 20, 50);
    client.simple_query("CREATE TABLE t (n int, f text)").unwrap();
    let copy = format!("COPY INTO t FROM '{}' FILEFORMAT = CSV", folder.path().display());
    let loaders: Vec<_> = (0..4)
        .map(|worker| {
            let (endpoint, copy) = (server.endpoint(), copy.clone());
            std::thread::spawn(move || {
                let mut client = RawClient::connect(&endpoint, &[]).unwrap();
                let mut loaded = 0_u64;
                for round in 0..3 {
                    let in_block = (worker + round) % 2 == 0;
                    if in_block {
                        client.simple_query("BEGIN").unwrap();
                    }
                    let done = client.simple_query(&copy);
                    let count = |cell: Option<String>| cell.unwrap().parse::<u64>().unwrap();
                    let rows = done.map(|done| count(done.rows[0][0].clone()));
                    let ended =
                        if in_block { client.simple_query("COMMIT").map(drop) } else { Ok(()) };
                    match (rows, ended) {
                        (Ok(rows), Ok(())) => loaded += rows,
                        // Somebody else was first.
                        (Err(error), _) | (_, Err(error)) => assert_eq!(error.sqlstate, "40001"),
                    }
                }
                loaded
            })
        })
        .collect();
    let loaded: u64 = loaders.into_iter().map(|loader| loader.join().unwrap()).sum();
    assert_eq!(loaded, 1000);
    let counts = "SELECT count(*), count(DISTINCT n), count(DISTINCT f) FROM t";
    assert_eq!(rows(&mut client, counts), ["1000|1000|20"]);
    // A new server knows what was loaded, and so do checkpoints and restored versions.
    let server = server.restart().unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    numbered(folder.path(), 21, 50);
    assert_eq!(rows(&mut client, &copy), ["50|50|0"]);
    for _ in 0..12 {
        client.simple_query("INSERT INTO t VALUES (-1, 'x')").unwrap();
    }
    client.simple_query("OPTIMIZE t").unwrap();
    assert_eq!(rows(&mut client, &copy), ["0|0|0"]);
}

#[test]
fn a_load_that_is_killed_is_done_once_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    numbered(folder.path(), 40, 200);
    let mut server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.simple_query("CREATE TABLE t (n int, f text)").unwrap();
    let copy = format!("COPY INTO t FROM '{}' FILEFORMAT = CSV", folder.path().display());
    for attempt in 0..4_u64 {
        let (endpoint, copy) = (server.endpoint(), copy.clone());
        let loader = std::thread::spawn(move || {
            let client = RawClient::connect(&endpoint, &[]);
            client.is_ok_and(|mut client| client.simple_query(&copy).is_ok())
        });
        std::thread::sleep(Duration::from_millis(40 + 60 * attempt));
        server.kill();
        let _ = loader.join();
        server = server.restart().unwrap();
    }
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.simple_query(&copy).unwrap();
    assert_eq!(rows(&mut client, "SELECT count(*), count(DISTINCT n) FROM t"), ["8000|8000"]);
}

#[test]
fn files_of_other_engines_are_read_and_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let script = format!(
        "import duckdb
duckdb.sql(\"\"\"copy (select i as id, 'n' || i as name, (i / 3)::decimal(38, 10) as d, i::utinyint as u,
    [i, i + 1] as l, {{'a': i, 'b': 'x'}} as s, timestamp '2024-01-01 00:00:00.123456' + interval (i) hour as at,
    i % 2 as p from range(10) t(i)) to '{place}/pq' (format parquet, partition_by (p))\"\"\")
duckdb.sql(\"copy (select 10 as id, 'last' as name, 1.5 as extra) to '{place}/more.parquet'\")
duckdb.sql(\"copy (select i as id, 'a' || chr(34) || 'b' as q from range(3) t(i)) to '{place}/c.csv' (header)\")
duckdb.sql(\"copy (select i as id, [i] as l, null as n from range(3) t(i)) to '{place}/j.json'\")
"
    );
    let written = Command::new(python()).arg("-c").arg(script).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let read = format!("read_files('{place}/pq', format => 'parquet')");
    assert_eq!(
        rows(
            &mut client,
            &format!(
                "SELECT id, name, d, u, l, (s).a, at, p, _rescued_data FROM {read} WHERE p = 1 ORDER BY id LIMIT 1"
            )
        ),
        ["1|n1|0.3333333333|1|{1,2}|1|2024-01-01 01:00:00.123456|1|null"]
    );
    assert_eq!(
        rows(
            &mut client,
            &format!(
                "SELECT id, q FROM read_files('{place}/c.csv', header => true) ORDER BY id LIMIT 1"
            )
        ),
        ["0|a\"b"]
    );
    assert_eq!(
        rows(
            &mut client,
            &format!("SELECT id, l, n FROM read_files('{place}/j.json') ORDER BY id DESC LIMIT 1")
        ),
        ["2|{2}|null"]
    );
    client.simple_query("CREATE TABLE t (id bigint, name text, d numeric(38, 10))").unwrap();
    let some =
        format!("COPY INTO t FROM (SELECT id, name, d FROM '{place}/pq') FILEFORMAT = PARQUET");
    assert_eq!(rows(&mut client, &some), ["10|10|0"]);
    let more = format!(
        "COPY INTO t FROM '{place}/more.parquet' FILEFORMAT = PARQUET COPY_OPTIONS ('mergeSchema' = 'true')"
    );
    assert_eq!(rows(&mut client, &more), ["1|1|0"]);
    assert_eq!(
        rows(&mut client, "SELECT * FROM t WHERE id >= 9 ORDER BY id"),
        ["9|n9|3.0000000000|null", "10|last|null|1.5"]
    );
    // One that is broken is refused, or passed over and counted; it is loaded once it is whole.
    write(folder.path(), "broken.parquet", "PAR1 nothing");
    let broken = format!("COPY INTO t FROM '{place}/broken.parquet' FILEFORMAT = PARQUET");
    assert!(client.simple_query(&broken).is_err());
    let passed = format!(
        "COPY INTO t FROM (SELECT id FROM '{place}') FILEFORMAT = PARQUET FILES = ('more.parquet', 'broken.parquet') FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true', 'schema' = 'id bigint')"
    );
    assert_eq!(rows(&mut client, &passed), ["0|0|1"]);
    std::fs::copy(folder.path().join("more.parquet"), folder.path().join("broken.parquet"))
        .unwrap();
    assert_eq!(rows(&mut client, &passed), ["1|1|0"]);
}

#[test]
fn files_become_a_delta_table_where_they_lie() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    let copy = |name: &str, rows: &str| {
        format!(
            "duckdb.sql(\"copy (select * from ({rows})) to '{place}/{name}' (format parquet, partition_by (p))\")\n"
        )
    };
    let rows_of = "select i as id, 'n' || i as name, date '2024-01-01' + i::int as day, 'p ' || (i % 2) as p from range(10) t(i)";
    let script = [
        "import duckdb\n".to_owned(),
        copy("a", rows_of),
        copy("b", rows_of),
        copy("c", "select 1::utinyint as u, 1 as v, 1 as p"),
    ];
    let written = Command::new(python()).arg("-c").arg(script.concat()).output().unwrap();
    assert!(written.status.success(), "{}", String::from_utf8_lossy(&written.stderr));
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client
        .simple_query(&format!("CONVERT TO DELTA parquet.`{place}/a` PARTITIONED BY (p text)"))
        .unwrap();
    client.simple_query(&format!("CREATE TABLE a LOCATION '{place}/a'")).unwrap();
    client.simple_query(&format!("CREATE TABLE b USING parquet LOCATION '{place}/b'")).unwrap();
    assert!(client.simple_query("DELETE FROM b").is_err());
    client.simple_query("CONVERT TO DELTA b NO STATISTICS").unwrap();
    let query = "select count(*), sum(id), min(name), max(day), count(distinct p) from t";
    for table in ["a", "b"] {
        client.simple_query(&format!("DELETE FROM {table} WHERE id = 3")).unwrap();
        client.simple_query(&format!("INSERT INTO {table} (id, p) VALUES (100, 'p 0')")).unwrap();
        let expected = rows(&mut client, &query.replace("from t", &format!("from {table}")));
        assert_eq!(expected, ["10|142|n0|2024-01-10|2"]);
        assert_eq!(read(&folder.path().join(table), query), expected);
        let found = format!("SELECT id FROM {table} WHERE p = 'p 1' AND id > 6 ORDER BY id");
        assert_eq!(rows(&mut client, &found), ["7", "9"]);
    }
    // A log is there already; types that Delta has not.
    assert!(client.simple_query(&format!("CONVERT TO DELTA parquet.`{place}/a`")).is_err());
    assert!(client.simple_query(&format!("CONVERT TO DELTA parquet.`{place}/c`")).is_err());
    assert!(!folder.path().join("c/_delta_log").exists());
}

#[test]
fn a_copy_shows_how_far_it_is() {
    use std::io::Write;
    use std::process::Stdio;
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    client.simple_query("CREATE TABLE t (n int, f text)").unwrap();
    let progress = "SELECT datname, relid::regclass::text, command, type, bytes_processed > 0, tuples_excluded FROM pg_stat_progress_copy";
    assert!(rows(&mut client, progress).is_empty());
    let address = server.address();
    let psql = Command::new("psql")
        .args(["-h", "127.0.0.1", "-p", &address.port().to_string(), "-U", "admin", "main"])
        .args(["-c", "COPY t FROM STDIN"])
        .env("PGPASSWORD", server.endpoint().password.unwrap())
        .stdin(Stdio::piped())
        .spawn();
    let Ok(mut psql) = psql else { return };
    let mut input = psql.stdin.take().unwrap();
    let lines: String = (0..100_000).map(|n| format!("{n}\tabcdefghij\n")).collect();
    input.write_all(lines.as_bytes()).unwrap();
    input.flush().unwrap();
    let end = std::time::Instant::now() + Duration::from_secs(60);
    let mut seen = Vec::new();
    while std::time::Instant::now() < end && seen != ["main|t|COPY FROM|PIPE|t|0"] {
        std::thread::sleep(Duration::from_millis(50));
        seen = rows(&mut client, progress);
    }
    assert_eq!(seen, ["main|t|COPY FROM|PIPE|t|0"]);
    drop(input);
    assert!(psql.wait().unwrap().success());
    assert!(rows(&mut client, progress).is_empty());
    assert_eq!(rows(&mut client, "SELECT count(*) FROM t"), ["100000"]);
}

/// The condition of a COPY sees the values that come, with the functions and settings of the session.
#[test]
fn a_copy_takes_the_rows_that_its_condition_admits() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    rows(&mut client, "CREATE TABLE t (id int, at timestamptz, name text DEFAULT 'nobody')");
    rows(&mut client, "SET timezone = 'Europe/Berlin'");
    let input = b"1\t2024-06-01 00:30\n2\t2024-05-31 23:30\n\\N\t2024-06-02 00:00\n4\t\\N\n";
    let copy = "COPY t (id, at) FROM STDIN WHERE date_trunc('month', at) = '2024-06-01' AND id > 0";
    client.copy_in(copy, input).unwrap();
    let shown = rows(&mut client, "SELECT id, at, name FROM t");
    assert_eq!(shown, ["1|2024-06-01 00:30:00+02|nobody"]);
    for (condition, expected) in [
        ("name = 'nobody'", "0A000"),
        ("missing = 1", "42703"),
        ("id", "42804"),
        ("id IN (SELECT 1)", "0A000"),
        ("count(*) > 1", "42803"),
        ("1 / (id - 1) > 0", "22012"),
    ] {
        let copy = format!("COPY t (id, at) FROM STDIN WHERE {condition}");
        let outcome = client.copy_in(&copy, input).map_err(|error| error.sqlstate);
        assert_eq!(outcome, Err(expected.to_owned()), "{condition}");
    }
    assert_eq!(rows(&mut client, "SELECT count(*) FROM t"), ["1"]);
}

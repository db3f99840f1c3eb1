//! Tables whose columns, files and versions have changed, as another engine reads them, and what the server
//! does to files by itself.

use std::time::{Duration, Instant};

use crate::object_stores::servers::python;
use crate::support::{Options, RawClient, Server, message};

struct Client(RawClient);

impl Client {
    fn of(server: &Server) -> Self {
        Client(RawClient::connect(&server.endpoint(), &[]).unwrap())
    }

    fn rows(&mut self, sql: &str) -> Vec<String> {
        let rows = self.0.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}")).rows;
        let text = |row: Vec<Option<String>>| {
            row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>().join("|")
        };
        rows.into_iter().map(text).collect()
    }

    /// What delta-rs reads of a table.
    fn elsewhere(&mut self, table: &str, sql: &str) -> Vec<String> {
        let detail = self.rows(&format!("DESCRIBE DETAIL {table}")).remove(0);
        let url = detail.split('|').find(|part| part.starts_with("file://")).unwrap();
        let path = url.strip_prefix("file://").unwrap();
        let read = python("query.py", &[path, sql]).unwrap();
        read.lines().map(str::to_owned).collect()
    }
}

#[test]
fn another_engine_reads_what_has_changed() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = Client::of(&server);
    client.rows("CREATE TABLE t (id bigint, name text, note text)");
    for id in 1..=4 {
        client.rows(&format!("INSERT INTO t VALUES ({id}, 'n{id}', 'x')"));
    }
    client
        .rows("ALTER TABLE t RENAME COLUMN name TO title, DROP COLUMN note, ADD COLUMN extra int");
    client.rows("INSERT INTO t (id, title, extra) VALUES (5, 'n5', 7)");
    client.rows("ALTER TABLE t CLUSTER BY (id, title)");
    client.rows("DELETE FROM t WHERE id = 2");
    let all = "SELECT id, title, extra FROM t ORDER BY id";
    let expected = ["1|n1|None", "3|n3|None", "4|n4|None", "5|n5|7"];
    assert_eq!(client.elsewhere("t", all), expected);
    client.rows("OPTIMIZE t");
    assert_eq!(client.elsewhere("t", all), expected);
    client.rows("REORG TABLE t APPLY (PURGE)");
    client.rows("CREATE TABLE copy CLONE t");
    assert_eq!(client.elsewhere("copy", all), expected);
    client.rows("DELETE FROM t");
    assert_eq!(client.elsewhere("t", all), Vec::<String>::new());
    let history = client.rows("DESCRIBE HISTORY t");
    let before: u64 = history[1].split('|').next().unwrap().parse().unwrap();
    client.rows(&format!("RESTORE TABLE t TO VERSION AS OF {before}"));
    assert_eq!(client.elsewhere("t", all), expected);
    client.rows("VACUUM t");
    assert_eq!(client.elsewhere("t", all), expected);
}

#[test]
fn small_files_are_written_together_while_nobody_asks() {
    let options = Options::default()
        .with(&[("maintenance.interval", "1s"), ("maintenance.small_files_min", "5")]);
    let server = Server::start(options).unwrap();
    let mut client = Client::of(&server);
    client.rows("CREATE TABLE t (id int)");
    client.rows(
        "CREATE TABLE kept (id int) TBLPROPERTIES ('delta.autoOptimize.autoCompact' = 'false')",
    );
    for id in 0..6 {
        client.rows(&format!("INSERT INTO t VALUES ({id})"));
        client.rows(&format!("INSERT INTO kept VALUES ({id})"));
    }
    let runs = "SELECT table_name, files_removed, files_added, error IS NULL \
                FROM system.storage.maintenance WHERE operation = 'optimize'";
    let end = Instant::now() + Duration::from_secs(60);
    while client.rows(runs).is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    let removed = client.rows("SELECT sum(files_removed) - sum(files_added) FROM system.storage.maintenance WHERE operation = 'optimize' AND table_name = 'main.public.t'");
    // All six, or five of them before the sixth came.
    assert!(["4", "5"].contains(&removed[0].as_str()), "{:?}", client.rows(runs));
    assert_eq!(client.rows("SELECT count(*), sum(id) FROM t"), ["6|15"]);
    assert_eq!(client.rows("SELECT count(*) FROM kept"), ["6"]);
    let history = client.rows("DESCRIBE HISTORY t LIMIT 1").remove(0);
    assert!(history.contains("lakegate maintenance"), "{history}");
    let kept = client.rows("DESCRIBE HISTORY kept");
    assert!(kept.iter().all(|commit| !commit.contains("OPTIMIZE")), "{kept:?}");
    // It is there after a restart.
    let server = server.restart().unwrap();
    let mut client = Client::of(&server);
    let end = Instant::now() + Duration::from_secs(20);
    while client.rows(runs).is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(!client.rows(runs).is_empty());
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

#[test]
fn tables_are_analyzed_while_nobody_asks() {
    let server = Server::start(Options::default().with(&[("maintenance.interval", "1s")])).unwrap();
    let mut client = Client::of(&server);
    client.rows("CREATE TABLE t AS SELECT g AS id, g % 7 AS few FROM generate_series(1, 1000) g");
    let found = "SELECT c.reltuples, s.last_autoanalyze IS NOT NULL, s.last_analyze IS NULL \
                 FROM pg_class c JOIN pg_stat_user_tables s ON s.relid = c.oid WHERE c.relname = 't'";
    let end = Instant::now() + Duration::from_secs(60);
    while client.rows(found) != ["1000|t|t"] && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(client.rows(found), ["1000|t|t"]);
    let columns = "SELECT attname, n_distinct FROM pg_stats WHERE tablename = 't' ORDER BY 1";
    let before = client.rows(columns);
    assert_eq!(before[0], "few|7");
    // Whoever has changed all rows of many sees the new ones.
    client.rows("DELETE FROM t WHERE id > 100");
    let end = Instant::now() + Duration::from_secs(60);
    while client.rows(found) != ["100|t|t"] && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(client.rows(found), ["100|t|t"]);
    let runs = "SELECT count(*) > 1, max(files_added), count(error) FROM system.storage.maintenance \
                WHERE operation = 'analyze' AND table_name = 'main.public.t'";
    assert_eq!(client.rows(runs), ["t|0|0"]);
    let server = server.restart().unwrap();
    let mut client = Client::of(&server);
    assert_eq!(client.rows(found), ["100|t|t"]);
    assert_eq!(client.rows(columns)[0], "few|7");
    assert_eq!(client.rows(runs), ["t|0|0"]);
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

#[test]
fn all_tables_are_analyzed_that_one_may_analyze() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = Client::of(&server);
    for sql in [
        "CREATE USER ann PASSWORD 'ann'",
        "GRANT USE CATALOG ON CATALOG main TO ann",
        "GRANT USE SCHEMA ON SCHEMA public TO ann",
        "CREATE TABLE own AS SELECT 1 AS id",
        "CREATE TABLE known AS SELECT 1 AS id",
        "CREATE TABLE unknown AS SELECT 1 AS id",
        "GRANT SELECT, MODIFY ON TABLE own TO ann",
        "GRANT SELECT ON TABLE known TO ann",
    ] {
        client.rows(sql);
    }
    let found = "SELECT relname, reltuples FROM pg_class WHERE relname IN ('own', 'known', 'unknown') \
                 ORDER BY 1";
    let mut ann = RawClient::connect(&server.endpoint().with_user("ann", "ann"), &[]).unwrap();
    let warnings = |client: &mut RawClient| {
        client.send(&message(b'Q', b"ANALYZE\0")).unwrap();
        let mut told = Vec::new();
        loop {
            let answer = client.receive().unwrap();
            match answer.kind {
                b'Z' => return told,
                b'N' => {
                    let fields = answer.error_fields().into_iter();
                    told.extend(fields.filter(|(field, _)| b"VCM".contains(field)).map(|(_, t)| t));
                }
                kind => assert_ne!(kind, b'E', "{:?}", answer.error_fields()),
            }
        }
    };
    let told = warnings(&mut ann);
    let skipped = ["known", "unknown"].map(|table| {
        let skipped = format!("permission denied to analyze \"{table}\", skipping it");
        ["WARNING".to_owned(), "01000".to_owned(), skipped]
    });
    assert_eq!(told, skipped.concat());
    assert_eq!(client.rows(found), ["known|-1", "own|1", "unknown|-1"]);
    assert_eq!(warnings(&mut client.0), Vec::<String>::new());
    assert_eq!(client.rows(found), ["known|1", "own|1", "unknown|1"]);
    assert!(server.panics().is_empty(), "{:?}", server.panics());
}

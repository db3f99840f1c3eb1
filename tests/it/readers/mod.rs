//! What delta-rs and DuckDB read of the tables that Lakegate has changed. Both are installed from PyPI when a
//! test first needs them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::support::{Options, RawClient, Server};

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/readers")
}

/// A Python with the readers, beside the build.
pub fn python() -> &'static Path {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let build = Path::new(env!("CARGO_BIN_EXE_lakegate")).parent().unwrap();
        let folder = build.parent().unwrap().join("delta-readers");
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status().unwrap();
        assert!(made.success(), "the readers need python3-venv");
        let installed = Command::new(folder.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(here().join("requirements.txt"))
            .output()
            .unwrap();
        let words = String::from_utf8_lossy(&installed.stderr);
        assert!(installed.status.success(), "the readers could not be installed:\n{words}");
        folder.join("bin/python")
    })
}

/// The rows of a query over the table `t`, which both readers must agree on.
pub fn read(table: &Path, query: &str) -> Vec<String> {
    let read = Command::new(python()).arg(here().join("read.py")).arg(table).arg(query).output();
    let read = read.unwrap();
    assert!(read.status.success(), "{query}:\n{}", String::from_utf8_lossy(&read.stderr));
    let text = String::from_utf8(read.stdout).unwrap();
    let (delta_rs, duckdb) = text.split_once("\n\n").unwrap();
    assert_eq!(delta_rs.trim_end(), duckdb.trim_end(), "{query}");
    duckdb.lines().map(str::to_owned).collect()
}

/// The rows of a query of ours, as [`read`] gives them.
fn ours(client: &mut RawClient, query: &str) -> Vec<String> {
    let rows = client.simple_query(query).unwrap_or_else(|error| panic!("{error}\n{query}")).rows;
    let text = |cell: &Option<String>| cell.clone().unwrap_or_else(|| "null".to_owned());
    rows.iter().map(|row| row.iter().map(text).collect::<Vec<_>>().join("|")).collect()
}

const QUERY: &str = "select count(*), sum(id), min(id), max(id), count(distinct v) from t";

/// Tables with one set of properties are changed in every way, and read by others after each.
fn changed_tables_are_read(properties: &str, marks: bool) {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t");
    let mut run = |sql: &str| {
        client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
        let expected = ours(&mut client, QUERY);
        assert_eq!(read(&table, QUERY), expected, "{sql}");
    };
    let columns = "(id bigint, v text, p int) PARTITIONED BY (p)";
    let location = table.display();
    run(&format!("CREATE TABLE t {columns} LOCATION '{location}' TBLPROPERTIES ({properties})"));
    run("INSERT INTO t SELECT g, 'v' || g, g % 2 FROM generate_series(1, 4000) g");
    run("DELETE FROM t WHERE id IN (1, 2, 77)");
    run("DELETE FROM t WHERE id % 7 = 0");
    run("UPDATE t SET v = 'changed', id = -id WHERE id BETWEEN 100 AND 150");
    run(
        "MERGE INTO t USING (SELECT 200 + g AS k FROM generate_series(1, 5000) g WHERE g % 9 = 0) s \
         ON t.id = s.k WHEN MATCHED AND s.k % 2 = 0 THEN DELETE \
         WHEN MATCHED THEN UPDATE SET v = 'merged' \
         WHEN NOT MATCHED THEN INSERT (id, v, p) VALUES (s.k, 'new', 1)",
    );
    run("BEGIN; DELETE FROM t WHERE id = 3; DELETE FROM t WHERE id < 0; COMMIT");
    run("WITH gone AS (DELETE FROM t WHERE id BETWEEN 3100 AND 3110 RETURNING id, p) \
         INSERT INTO t SELECT id + 10000, 'moved', p FROM gone");
    run("DELETE FROM t WHERE p = 1 AND id < 3000");
    let has_vectors = std::fs::read_dir(&table)
        .unwrap()
        .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("deletion_vector_"));
    assert_eq!(has_vectors, marks);
}

#[test]
fn tables_with_deletion_vectors_are_read_by_others() {
    changed_tables_are_read("'delta.enableDeletionVectors' = 'true'", true);
}

#[test]
fn tables_that_map_columns_are_read_by_others() {
    let mapped = "'delta.columnMapping.mode' = 'name', 'delta.enableDeletionVectors' = 'true'";
    changed_tables_are_read(mapped, true);
}

#[test]
fn plain_tables_are_read_by_others() {
    changed_tables_are_read("'delta.checkpointInterval' = '3'", false);
}

/// Others see what carries the types that Delta has not, and what they can say in SQL about it.
#[test]
fn times_and_intervals_are_read_by_others() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t");
    let mut run =
        |sql: &str| client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).rows;
    run(&format!(
        "CREATE TABLE t (id int, t time, i interval, u uuid) LOCATION '{}'",
        table.display()
    ));
    run("INSERT INTO t VALUES (1, '08:00', '1 year 2 mons -3 days 04:05:06.7', \
         '00000000-0000-0000-0000-000000000001'), (2, '23:59:59.999999', '1 day', null), \
         (3, null, null, null)");
    run("UPDATE t SET t = t + interval '1 second' WHERE t < '09:00'");
    let expected = [
        "1|28801000000|P1Y2M-3DT4H5M6.7S|00000000-0000-0000-0000-000000000001",
        "2|86399999999|P1D|null",
        "3|null|null|null",
    ];
    assert_eq!(read(&table, "select id, t, i, u from t order by id"), expected);
    assert_eq!(read(&table, "select id from t where t > 30000000000"), ["2"]);
}

/// The change data of a table that transactions have changed several times is what delta-rs reads too.
#[test]
fn net_changes_are_read_by_others() {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("t");
    let mut run =
        |sql: &str| client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}")).rows;
    run(&format!(
        "CREATE TABLE t (id int, v text) LOCATION '{}' TBLPROPERTIES \
         ('delta.enableChangeDataFeed' = 'true', 'delta.enableDeletionVectors' = 'true')",
        table.display()
    ));
    run("INSERT INTO t SELECT g, 'v' || g % 3 FROM generate_series(1, 10) g");
    run("BEGIN; INSERT INTO t VALUES (11, 'new'), (12, 'new'), (12, 'new'); \
         UPDATE t SET v = 'changed' WHERE id IN (1, 11); DELETE FROM t WHERE id = 2; \
         UPDATE t SET v = 'again' WHERE id = 1; INSERT INTO t VALUES (2, 'v2'); \
         DELETE FROM t WHERE id = 3; COMMIT");
    run(
        "WITH x AS (DELETE FROM t WHERE id = 4 RETURNING *) INSERT INTO t SELECT id, 'back' FROM x",
    );
    let sql = "select _commit_version, _change_type, id, v from table_changes('t', 2) \
               order by 1, 2, 3, 4";
    let rows = run(sql);
    let ours: Vec<String> = rows
        .iter()
        .map(|row| {
            row.iter().map(|cell| cell.clone().unwrap_or_default()).collect::<Vec<_>>().join("|")
        })
        .collect();
    let expected = [
        "2|delete|1|v1",
        "2|delete|3|v0",
        "2|insert|1|again",
        "2|insert|11|changed",
        "2|insert|12|new",
        "2|insert|12|new",
        "3|delete|4|v1",
        "3|insert|4|back",
    ];
    assert_eq!(ours, expected);
    let script = "import sys, deltalake, pyarrow\n\
                  rows = deltalake.DeltaTable(sys.argv[1]).load_cdf(2).read_all()\n\
                  names = ('_commit_version', '_change_type', 'id', 'v')\n\
                  rows = pyarrow.table(rows).to_pylist()\n\
                  lines = sorted('|'.join(str(r[n]) for n in names) for r in rows)\n\
                  print('\\n'.join(lines))";
    let read = Command::new(python()).args(["-c", script]).arg(&table).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let mut expected: Vec<&str> = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(String::from_utf8_lossy(&read.stdout).lines().collect::<Vec<_>>(), expected);
}

/// Tables whose columns have grown with the rows of INSERT and MERGE, nested ones among them.
fn evolved_tables_are_read(properties: &str) {
    let server = Server::start(Options::default()).unwrap();
    let mut client = RawClient::connect(&server.endpoint(), &[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (table, files) = (folder.path().join("t"), folder.path().join("files"));
    std::fs::create_dir(&files).unwrap();
    let lines =
        "{\"id\": 5, \"who\": {\"age\": 7, \"name\": \"eve\", \"home\": {\"city\": \"oslo\"}}}\n";
    std::fs::write(files.join("people.json"), lines).unwrap();
    let mut run =
        |sql: &str| client.simple_query(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    run(&format!(
        "CREATE TABLE t (id int, v text, who struct<name text>) LOCATION '{}' \
         TBLPROPERTIES ({properties})",
        table.display()
    ));
    run("INSERT INTO t (id, v) VALUES (1, 'a'), (2, 'b')");
    run("INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT 3 AS id, 2.5::numeric(8,2) AS price");
    run("MERGE WITH SCHEMA EVOLUTION INTO t USING (VALUES (1, 'A', true), (4, 'D', false)) \
         s(id, v, sold) ON t.id = s.id WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *");
    run(&format!(
        "INSERT WITH SCHEMA EVOLUTION INTO t BY NAME SELECT id::int AS id, who FROM \
         read_files('{}', format => 'json', schemaHints => \
         'who struct<age int, name text, home struct<city text>>')",
        files.display()
    ));
    // One version each, with the columns and the rows.
    let versions = std::fs::read_dir(table.join("_delta_log")).unwrap();
    let is_commit = |name: &str| name.ends_with(".json");
    let names = versions.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    assert_eq!(names.filter(|name| is_commit(name)).count(), 5);
    let query = "select id, v, price, cast(sold as int) from t order by id";
    assert_eq!(read(&table, query), ours(&mut client, query));
    let read = read(
        &table,
        "select id, who['name'], who['age'], who['home']['city'] from t where id in (1, 5) order by id",
    );
    assert_eq!(read, ["1|null|null|null", "5|eve|7|oslo"]);
    let query =
        "select id, (who).name, (who).age, ((who).home).city from t where id in (1, 5) order by id";
    assert_eq!(ours(&mut client, query), read);
}

#[test]
fn tables_with_new_columns_are_read_by_others() {
    evolved_tables_are_read("'delta.checkpointInterval' = '3'");
}

#[test]
fn tables_with_new_mapped_columns_are_read_by_others() {
    evolved_tables_are_read("'delta.columnMapping.mode' = 'name'");
}

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

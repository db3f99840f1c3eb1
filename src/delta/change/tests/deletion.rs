//! Rows that deletion vectors take away: what is written for them, and what becomes of them when several
//! changes meet.

use super::*;
use serde_json::Value;
use uuid::Uuid;

/// A table with deletion vectors and four files of 1,000 rows each: `a` from 0 on, and a text.
async fn marked() -> Fixture {
    let fixture = Fixture::new();
    let properties = pairs(&[("delta.enableDeletionVectors", "true")]);
    let columns = [("a", DataType::Int64), ("b", DataType::Utf8)];
    let table = NewTable { properties, ..new_table(&columns) };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    for first in [0, 1000, 2000, 3000] {
        let last = first + 999;
        let rows = format!(
            "select value as a, repeat(md5(cast(value as text)), 4) as b \
             from generate_series({first}, {last})"
        );
        fixture.insert(&rows).await.unwrap();
    }
    fixture
}

/// The files below the table, with their sizes.
fn files(fixture: &Fixture) -> Vec<(String, u64)> {
    fn walk(folder: &Path, found: &mut Vec<(String, u64)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                walk(&entry.path(), found);
            } else {
                let name = entry.path().to_str().unwrap().to_owned();
                found.push((name, entry.metadata().unwrap().len()));
            }
        }
    }
    let mut found = Vec::new();
    walk(&fixture.location.url().to_file_path().unwrap(), &mut found);
    found.sort();
    found
}

fn bytes(files: &[(String, u64)]) -> u64 {
    files.iter().map(|(_, bytes)| bytes).sum()
}

/// The actions of a commit.
pub(super) async fn actions(fixture: &Fixture, version: u64) -> Vec<Value> {
    let folder = fixture.location.url().to_file_path().unwrap();
    let commit = folder.join(format!("_delta_log/{version:020}.json"));
    let lines = std::fs::read_to_string(commit).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const COUNT: &str = "select count(*), sum(a) from t";

#[tokio::test]
async fn few_deleted_rows_write_few_bytes() {
    let fixture = marked().await;
    let before = files(&fixture);
    assert_eq!(fixture.delete("a % 1000 = 7").await.unwrap().deleted, 4);
    let after = files(&fixture);
    let written = bytes(&after) - bytes(&before);
    assert!(written * 20 < bytes(&before), "{written} of {}", bytes(&before));
    assert_eq!(fixture.query(COUNT).await, ["3996|7991972"]);
    let actions = actions(&fixture, 5).await;
    let adds: Vec<&Value> = actions.iter().filter_map(|action| action.get("add")).collect();
    let removes: Vec<&Value> = actions.iter().filter_map(|action| action.get("remove")).collect();
    assert_eq!((adds.len(), removes.len()), (4, 4));
    for (add, remove) in adds.iter().zip(removes) {
        assert_eq!(add["path"], remove["path"]);
        assert_eq!(add["deletionVector"]["cardinality"], 1);
        let statistics: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&statistics["numRecords"], &statistics["tightBounds"]),
            (&1000.into(), &false.into())
        );
        assert!(statistics["minValues"]["a"].is_i64(), "{statistics}");
    }
}

#[tokio::test]
async fn deleted_rows_add_up_until_the_rest_is_written_again() {
    let fixture = marked().await;
    let id = |fixture: &Fixture| {
        files(fixture).iter().filter(|(name, _)| name.ends_with(".bin")).count()
    };
    fixture.delete("a < 300").await.unwrap();
    assert_eq!(id(&fixture), 1, "300 rows are more than the log takes");
    fixture.delete("a < 310 and a % 2 = 0").await.unwrap();
    assert_eq!(fixture.query("select count(*), min(a) from t where a < 1000").await, ["695|301"]);
    let index = fixture.tables.open(&fixture.location).await.unwrap();
    let vectors = &index.files().deletion_vectors;
    assert_eq!(vectors.values().map(|vector| vector.cardinality()).collect::<Vec<_>>(), [305]);
    // More than half of the file is gone, and the rest has a file of its own.
    fixture.delete("a < 600").await.unwrap();
    let version = fixture.tables.open(&fixture.location).await.unwrap();
    assert!(version.files().deletion_vectors.is_empty());
    assert_eq!(version.row_count(), Some(3400));
    fixture.delete("a >= 3000").await.unwrap();
    assert_eq!(fixture.tables.open(&fixture.location).await.unwrap().files().len(), 3);
    assert_eq!(fixture.query("select count(*), min(a), max(a) from t").await, ["2400|600|2999"]);
    // The log read anew says the same.
    let again = Fixture::at(&fixture.location.url().to_file_path().unwrap());
    assert_eq!(again.query("select count(*), min(a), max(a) from t").await, ["2400|600|2999"]);
}

/// The log alone tells which rows are meant where a predicate is about partitions.
#[tokio::test]
async fn whole_partitions_are_deleted_unread() {
    let fixture = Fixture::new();
    let columns = [("a", DataType::Int64), ("p", DataType::Int32)];
    let table = NewTable { partition_columns: vec![text("p")], ..new_table(&columns) };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    let rows = "select value as a, cast(value % 3 as int) as p from generate_series(1, 30)";
    fixture.insert(rows).await.unwrap();
    for (file, _) in files(&fixture) {
        if file.contains("p=1") {
            std::fs::write(file, "no Parquet").unwrap();
        }
    }
    assert_eq!(fixture.delete("p = 1 or p is null").await.unwrap().deleted, 10);
    assert_eq!(fixture.query("select count(*), sum(a) from t").await, ["20|320"]);
    assert_eq!(fixture.update("p < 1", &[("a", "0")]).await.unwrap().updated, 10);
    assert_eq!(fixture.query("select count(*), sum(a) from t").await, ["20|155"]);
}

#[tokio::test]
async fn updated_rows_move_to_a_new_file() {
    let fixture = marked().await;
    let before = files(&fixture);
    let changed = fixture.update("a % 500 = 1", &[("b", "'new'"), ("a", "-a")]).await.unwrap();
    assert_eq!(changed.updated, 8);
    assert!((bytes(&files(&fixture)) - bytes(&before)) * 10 < bytes(&before));
    assert_eq!(fixture.query("select count(*), count(distinct a) from t").await, ["4000|4000"]);
    let moved = fixture.query("select a from t where b = 'new' order by a desc limit 2").await;
    assert_eq!(moved, ["-1", "-501"]);
    assert_eq!(fixture.tables.open(&fixture.location).await.unwrap().files().len(), 5);
}

#[tokio::test]
async fn a_transaction_marks_a_file_once() {
    let table = marked().await;
    let before = files(&table);
    let own = table.transaction().await;
    own.delete("a < 300").await.unwrap();
    own.delete("a >= 300 and a < 400").await.unwrap();
    own.update("a = 400", &[("b", "'x'")]).await.unwrap();
    assert_eq!(own.query("select count(*), min(a) from t").await, ["3600|400"]);
    assert_eq!(table.query("select count(*) from t").await, ["4000"]);
    let net = NetChange::of(own.tables.staged().unwrap()).await.unwrap().remove(0);
    assert_eq!(net.discarded.len(), 2, "two files of deletion vectors: {:?}", net.discarded);
    let id = Uuid::new_v4();
    let version = commit_net(&table.tables, &net, Isolation::Snapshot, id).await.unwrap();
    discard_staged(&table.tables, &table.location, &net.discarded).await;
    assert_eq!(table.query("select count(*), min(a) from t").await, ["3600|400"]);
    assert_eq!(actions(&table, version).await.len(), 4, "commit info, remove, two adds");
    undo(&table.tables, &table.location, Some(4), id, false).await.unwrap();
    assert_eq!(table.query(COUNT).await, ["4000|7998000"]);
    // What a transaction leaves behind is none of the files that were there.
    let own = table.transaction().await;
    own.delete("a < 300").await.unwrap();
    let net = NetChange::of(own.tables.staged().unwrap()).await.unwrap().remove(0);
    discard_staged(&table.tables, &table.location, &net.written()).await;
    let left = files(&table);
    assert!(before.iter().all(|file| left.contains(file)));
    assert_eq!(table.query(COUNT).await, ["4000|7998000"]);
}

#[tokio::test]
async fn transactions_that_mark_one_file_conflict() {
    let table = marked().await;
    let own = table.transaction().await;
    own.delete("a = 1").await.unwrap();
    table.delete("a = 2").await.unwrap();
    let net = NetChange::of(own.tables.staged().unwrap()).await.unwrap().remove(0);
    let refused = commit_net(&table.tables, &net, Isolation::Snapshot, Uuid::new_v4()).await;
    assert_eq!(refused.unwrap_err().sqlstate().to_string(), "40001");
    assert_eq!(table.query("select min(a), count(*) from t where a < 5").await, ["0|4"]);
}

/// Two endpoints know nothing of each other's leases, and only the log decides who was first.
#[tokio::test(flavor = "multi_thread")]
async fn endpoints_that_mark_one_file_lose_no_row() {
    let table = marked().await;
    let folder = table.location.url().to_file_path().unwrap();
    let delete_from = |first: i64| {
        let folder = folder.clone();
        async move {
            let endpoint = Fixture::at(&folder);
            for a in first..first + 6 {
                let condition = format!("a = {a} or a = {}", a + 1000);
                // Who was never the first of the three asks again, as a client would.
                let changed = loop {
                    match endpoint.delete(&condition).await {
                        Err(error) if error.sqlstate() == "40001" => {}
                        outcome => break outcome.unwrap(),
                    }
                };
                assert_eq!(changed.deleted, 2);
            }
        }
    };
    tokio::join!(delete_from(0), delete_from(100), delete_from(200));
    assert_eq!(table.query("select count(*) from t where a < 2000").await, ["1964"]);
    assert_eq!(
        table
            .query(
                "select count(*) from t where a % 1000 % 100 < 6 and a < 1300 and a % 1000 < 300"
            )
            .await,
        ["0"]
    );
}

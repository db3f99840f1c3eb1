//! What tables with features of writers ask of commits: times, identities of rows, numbers, defaults.

use super::deletion::actions;
use super::*;
use serde_json::{Value, json};
use uuid::Uuid;

async fn table(properties: &[(&str, &str)]) -> Fixture {
    let fixture = Fixture::new();
    let columns = [("a", DataType::Int64)];
    let table = NewTable { properties: pairs(properties), ..new_table(&columns) };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    fixture
}

/// Adds a line to the table's first commit, and takes another protocol.
fn rewrite_first_commit(fixture: &Fixture, protocol: &Value, more: Option<&Value>) {
    let folder = fixture.location.url().to_file_path().unwrap();
    let path = folder.join("_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| match line.contains("\"protocol\"") {
            true => json!({ "protocol": protocol }).to_string(),
            false => line.to_owned(),
        })
        .collect();
    lines.extend(more.map(Value::to_string));
    std::fs::write(path, lines.join("\n")).unwrap();
    fixture.tables.forget(&fixture.location);
}

fn of<'a>(actions: &'a [Value], kind: &str) -> Vec<&'a Value> {
    actions.iter().filter_map(|action| action.get(kind)).collect()
}

async fn commit_time(fixture: &Fixture, version: u64) -> i64 {
    let first = actions(fixture, version).await.remove(0);
    first["commitInfo"]["inCommitTimestamp"].as_i64().unwrap()
}

#[tokio::test]
async fn commits_tell_times_that_grow() {
    let fixture = table(&[("delta.enableInCommitTimestamps", "true")]).await;
    let features = fixture.tables.open(&fixture.location).await.unwrap().features();
    assert!(features.contains(&text("inCommitTimestamp")), "{features:?}");
    for value in 1..4 {
        fixture.insert(&format!("select {value} as a")).await.unwrap();
    }
    // A transaction's commit comes after what others have committed meanwhile.
    let own = fixture.transaction().await;
    own.insert("select 10 as a").await.unwrap();
    fixture.insert("select 20 as a").await.unwrap();
    let net = NetChange::of(own.tables.staged().unwrap()).await.unwrap().remove(0);
    commit_net(&fixture.tables, &net, Isolation::Snapshot, Uuid::new_v4()).await.unwrap();
    let mut before = commit_time(&fixture, 0).await;
    for version in 1..6 {
        let time = commit_time(&fixture, version).await;
        assert!(time > before, "version {version}");
        before = time;
    }
    assert_eq!(fixture.query("select count(*), sum(a) from t").await, ["5|36"]);
    // What a reader takes for the time of a version is what the commit tells.
    let newest = Fixture::at(&fixture.location.url().to_file_path().unwrap());
    let newest = newest.tables.open(&newest.location).await.unwrap();
    assert_eq!(newest.commit_timestamp(), Some(before));
    let off = vec![(text("delta.enableInCommitTimestamps"), Some(text("false")))];
    let off = vec![Alteration::SetProperties(off)];
    let refused =
        alter(&fixture.ctx(), &fixture.location, off, Upgrade::Allowed).await.unwrap_err();
    assert_eq!(refused.sqlstate().to_string(), "0A000");
}

/// A table whose new rows get identities.
async fn tracked(enabled: &str) -> Fixture {
    let fixture = table(&[("delta.enableDeletionVectors", "true"), ("x.tracks", enabled)]).await;
    let protocol = json!({
        "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["deletionVectors"],
        "writerFeatures": ["deletionVectors", "rowTracking", "domainMetadata"],
    });
    rewrite_first_commit(&fixture, &protocol, None);
    if enabled == "true" {
        let folder = fixture.location.url().to_file_path().unwrap();
        let path = folder.join("_delta_log/00000000000000000000.json");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, text.replace("x.tracks", "delta.enableRowTracking")).unwrap();
        fixture.tables.forget(&fixture.location);
    }
    fixture
}

#[tokio::test]
async fn new_rows_get_identities() {
    let fixture = tracked("false").await;
    fixture.insert("select value as a from generate_series(1, 10)").await.unwrap();
    fixture.insert("select value as a from generate_series(11, 15)").await.unwrap();
    let commit = actions(&fixture, 2).await;
    let add = of(&commit, "add")[0];
    assert_eq!((&add["baseRowId"], &add["defaultRowCommitVersion"]), (&json!(10), &json!(2)));
    let domain = of(&commit, "domainMetadata")[0];
    assert_eq!(domain["domain"], "delta.rowTracking");
    assert_eq!(domain["configuration"], "{\"rowIdHighWaterMark\":14}");
    // A file that only loses rows keeps the identities of the others.
    fixture.delete("a = 12").await.unwrap();
    let commit = actions(&fixture, 3).await;
    let add = of(&commit, "add")[0];
    assert_eq!((&add["baseRowId"], &add["defaultRowCommitVersion"]), (&json!(10), &json!(2)));
    assert!(of(&commit, "domainMetadata").is_empty());
    fixture.update("a = 1", &[("a", "100")]).await.unwrap();
    let commit = actions(&fixture, 4).await;
    let ids: Vec<i64> =
        of(&commit, "add").iter().map(|a| a["baseRowId"].as_i64().unwrap()).collect();
    assert!(ids.contains(&0) && ids.contains(&15), "{ids:?}");
}

#[tokio::test]
async fn transactions_that_give_the_same_identities_conflict() {
    let fixture = tracked("false").await;
    let own = fixture.transaction().await;
    own.insert("select 1 as a").await.unwrap();
    let net = NetChange::of(own.tables.staged().unwrap()).await.unwrap().remove(0);
    fixture.insert("select 2 as a").await.unwrap();
    let refused = commit_net(&fixture.tables, &net, Isolation::Snapshot, Uuid::new_v4()).await;
    assert_eq!(refused.unwrap_err().sqlstate().to_string(), "40001");
}

#[tokio::test]
async fn identities_that_are_promised_are_not_lost() {
    let fixture = tracked("true").await;
    fixture.insert("select value as a from generate_series(1, 10)").await.unwrap();
    assert_eq!(fixture.delete("a = 3").await.unwrap().deleted, 1);
    assert!(state(fixture.update("a = 1", &[("a", "100")]).await).starts_with("0A000"));
    assert!(state(fixture.delete("a <= 8").await).starts_with("0A000"));
    assert_eq!(fixture.query("select count(*), sum(a) from t").await, ["9|52"]);
}

#[tokio::test]
async fn tables_number_their_rows() {
    let fixture = Fixture::new();
    let identity = |column: &str, start, step, takes_values| NewIdentity {
        column: text(column),
        start,
        step,
        takes_values,
    };
    let columns = [("id", DataType::Int64), ("k", DataType::Int64), ("v", DataType::Utf8)];
    let table = NewTable {
        identities: vec![identity("id", 1, 1, false), identity("k", 100, -10, true)],
        defaults: pairs(&[("v", "'none'")]),
        ..new_table(&columns)
    };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    fixture.insert("select 'x' as v union all select 'y' as v").await.unwrap();
    fixture.insert("select 7 as k").await.unwrap();
    let rows = fixture.query("select id, k, v from t where id > 2").await;
    assert_eq!(rows, ["3|7|none"]);
    assert_eq!(fixture.query("select sum(id), max(k), count(*) from t").await, ["6|100|3"]);
    assert!(state(fixture.insert("select 9 as id").await).starts_with("428C9"));
    // Two transactions never give the same numbers.
    let own = fixture.transaction().await;
    own.insert("select 'own' as v").await.unwrap();
    fixture.insert("select 'other' as v").await.unwrap();
    let net = NetChange::of(own.tables.staged().unwrap()).await.unwrap().remove(0);
    let refused = commit_net(&fixture.tables, &net, Isolation::Snapshot, Uuid::new_v4()).await;
    assert!(refused.is_err());
    let ids = "select count(*), count(distinct id), max(id) from t";
    assert_eq!(fixture.query(ids).await, ["4|4|4"]);
    let features = fixture.tables.open(&fixture.location).await.unwrap().features();
    assert_eq!(features.iter().filter(|f| *f == "allowColumnDefaults").count(), 1, "{features:?}");
}

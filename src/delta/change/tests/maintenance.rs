//! OPTIMIZE, VACUUM, RESTORE and clones, beside others that change the same table.

use super::*;
use crate::delta::{TimeTravel, change_feed};
use datafusion::prelude::{col, lit};

fn all() -> Optimization {
    Optimization {
        predicate: None,
        order: vec![],
        full: false,
        purge: false,
        target_file_bytes: 1 << 20,
        files_min: 2,
    }
}

async fn with_rows(count: i64) -> Fixture {
    let fixture = Fixture::with_table(&[("a", DataType::Int64), ("b", DataType::Utf8)]).await;
    for value in 0..count {
        fixture.insert(&format!("select cast({value} as bigint) as a, 'x' as b")).await.unwrap();
    }
    fixture
}

fn data_files(fixture: &Fixture) -> usize {
    let folder = fixture.location.url().to_file_path().unwrap();
    let names = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().ends_with(".parquet")).count()
}

fn at_once() -> Vacuum {
    Vacuum { retention: Some(chrono::TimeDelta::zero()), ..Vacuum::default() }
}

#[tokio::test]
async fn small_files_become_one() {
    let fixture = with_rows(5).await;
    let (ctx, at) = (fixture.ctx(), &fixture.location);
    let done = optimize(&ctx, at, &all()).await.unwrap();
    assert_eq!((done.files_removed, done.files_added, done.commits), (5, 1, 1));
    assert_eq!(fixture.query("select count(*), sum(a) from t").await, ["5|10"]);
    let again = optimize(&ctx, at, &all()).await.unwrap();
    assert_eq!((again.files_removed, again.commits), (0, 0));
    // Ordered by two columns, all rows are still there.
    let zorder = Optimization { order: vec![text("a"), text("b")], ..all() };
    fixture.insert("select cast(9 as bigint) as a, 'y' as b").await.unwrap();
    let done = optimize(&ctx, at, &zorder).await.unwrap();
    assert_eq!((done.files_removed, done.files_added), (2, 1));
    assert_eq!(fixture.query("select count(*), sum(a) from t").await, ["6|19"]);
    // Readers of the feed see nothing of it.
    let commits = fixture.tables.history(at, Some(1)).await.unwrap();
    assert_eq!(commits[0].operation.as_deref(), Some("OPTIMIZE"));
}

#[tokio::test]
async fn rows_that_others_change_meanwhile_are_neither_doubled_nor_brought_back() {
    let fixture = Arc::new(with_rows(20).await);
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..4 {
        let fixture = Arc::clone(&fixture);
        tasks.spawn(async move {
            for round in 0..5 {
                if worker == 0 {
                    // Others may win every time: that is an error, never a wrong row.
                    let _ = optimize(&fixture.ctx(), &fixture.location, &all()).await;
                } else {
                    let row = (worker - 1) * 5 + round;
                    let meant = rows(Some(col("t.a").eq(lit(row))));
                    delete(&fixture.ctx(), &fixture.location, meant).await.unwrap();
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(fixture.query("select count(*), min(a), max(a) from t").await, ["5|15|19"]);
    optimize(&fixture.ctx(), &fixture.location, &all()).await.unwrap();
    assert_eq!(fixture.query("select count(*), sum(a) from t").await, ["5|85"]);
}

#[tokio::test]
async fn files_go_that_nobody_needs() {
    let fixture = with_rows(3).await;
    let (ctx, at) = (fixture.ctx(), &fixture.location);
    let pinned = fixture.tables.open(at).await.unwrap();
    optimize(&ctx, at, &all()).await.unwrap();
    let checked = Vacuum { is_retention_checked: true, ..at_once() };
    assert!(
        state(vacuum(&ctx, at, &checked).await.map(|_| Changed::default())).starts_with("55000")
    );
    assert_eq!(vacuum(&ctx, at, &Vacuum::default()).await.unwrap().files.len(), 0);
    // Somebody reads the old version.
    assert_eq!(vacuum(&ctx, at, &at_once()).await.unwrap().files.len(), 0);
    assert_eq!(data_files(&fixture), 4);
    drop(pinned);
    // Somebody writes.
    let writing = fixture.tables.writing();
    assert_eq!(vacuum(&ctx, at, &at_once()).await.unwrap().files.len(), 0);
    drop(writing);
    fixture.refresh().await;
    let dry = Vacuum { dry_run: true, ..at_once() };
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    assert_eq!(vacuum(&ctx, at, &dry).await.unwrap().files.len(), 3);
    assert_eq!(data_files(&fixture), 4);
    assert_eq!(vacuum(&ctx, at, &at_once()).await.unwrap().files.len(), 3);
    assert_eq!(data_files(&fixture), 1);
    assert_eq!(fixture.query("select count(*) from t").await, ["3"]);
    let gone = restore(&ctx, at, TimeTravel::Version(2)).await;
    assert!(state(gone.map(|_| Changed::default())).starts_with("55000"));
}

#[tokio::test]
async fn old_versions_come_back() {
    let fixture = with_rows(2).await;
    let (ctx, at) = (fixture.ctx(), &fixture.location);
    fixture.delete("a = 0").await.unwrap();
    let columns = Arc::new(Schema::new(vec![Field::new("c", DataType::Int32, true)]));
    alter(&ctx, at, vec![add_columns(&columns)], Upgrade::Allowed).await.unwrap();
    let restored = restore(&ctx, at, TimeTravel::Version(2)).await.unwrap();
    assert_eq!((restored.files_after, restored.files_restored), (2, 1));
    assert_eq!(fixture.query("select * from t order by a").await, ["0|x", "1|x"]);
    let version = fixture.tables.open(at).await.unwrap().version();
    // There is nothing to restore then.
    restore(&ctx, at, TimeTravel::Version(2)).await.unwrap();
    assert_eq!(fixture.tables.open(at).await.unwrap().version(), version);
}

#[tokio::test]
async fn clones_have_files_of_their_own() {
    let fixture = with_rows(2).await;
    let (ctx, at) = (fixture.ctx(), &fixture.location);
    let source =
        |version| CloneSource { version, name: text("copy"), properties: vec![], shallow: false };
    let folder = tempfile::tempdir().unwrap();
    let copy = Fixture::at(&folder.path().join("copy"));
    let version = fixture.tables.open(at).await.unwrap();
    let cloned = clone_table(&ctx, &copy.location, source(Arc::clone(&version)), false).await;
    assert_ne!(cloned.unwrap().details().id, version.details().id);
    std::fs::remove_dir_all(at.url().to_file_path().unwrap()).unwrap();
    assert_eq!(copy.query("select a from t order by a").await, ["0", "1"]);
    copy.delete("a = 0").await.unwrap();
    assert_eq!(copy.query("select a from t").await, ["1"]);
}

#[tokio::test]
async fn the_feed_tells_what_commits_have_changed() {
    let fixture = with_rows(1).await;
    let (ctx, at) = (fixture.ctx(), &fixture.location);
    let on = vec![(text("delta.enableChangeDataFeed"), Some(text("true")))];
    alter(&ctx, at, vec![Alteration::SetProperties(on)], Upgrade::Allowed).await.unwrap();
    fixture.insert("select cast(7 as bigint) as a, 'y' as b").await.unwrap();
    fixture.update("a = 7", &[("b", "'z'")]).await.unwrap();
    optimize(&ctx, at, &all()).await.unwrap();
    fixture.delete("a = 7").await.unwrap();
    let off = change_feed(&fixture.tables, at, TimeTravel::Version(1), None).await;
    assert!(state(off.map(|_| Changed::default())).starts_with("0A000"));
    let feed = change_feed(&fixture.tables, at, TimeTravel::Version(2), None).await.unwrap();
    fixture.session.register_table("feed", feed).unwrap();
    let rows =
        fixture.query("select _commit_version, _change_type, a, b from feed order by 1, 2").await;
    assert_eq!(
        rows,
        ["3|insert|7|y", "4|update_postimage|7|z", "4|update_preimage|7|y", "6|delete|7|z",]
    );
}

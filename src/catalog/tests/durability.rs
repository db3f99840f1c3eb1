//! What stays on disk: reopening, killing, damage, a full disk, two processes, and files without a table.

use std::fs;
use std::path::Path;

use sqlx::{Connection, query};
use tempfile::TempDir;

use super::*;
use crate::catalog::{LooseLocation, LooseReason, MaterializedView, url_of};

async fn open_in(folder: &Path) -> Result<Arc<Metastore>> {
    Metastore::open(&url_of(&folder.join("metastore.db")).unwrap()).await
}

async fn initialised_in(folder: &Path) -> Arc<Metastore> {
    let metastore = open_in(folder).await.unwrap();
    metastore.initialise(user("admin"), "main", "public").await.unwrap();
    metastore
}

/// Creates a managed table whose location was staged.
async fn create_managed(metastore: &Metastore, name: &str, location: &str) -> Arc<Relation> {
    let new = new_relation(&metastore.snapshot(), name, table_kind(location, true));
    metastore.stage_location(location, new.id).await.unwrap();
    let snapshot = metastore.apply(&[Change::CreateRelation(new)]).await.unwrap();
    relation(&snapshot, name)
}

/// Creates a materialized view without rows, then gives it some.
async fn create_materialized(metastore: &Metastore, name: &str, location: &str) {
    let (RelationKind::Table(table), RelationKind::View(view)) =
        (table_kind(location, true), view_kind("SELECT 1 AS a"))
    else {
        panic!("a table and a view");
    };
    let kind = |populated| {
        let (table, view) = (table.clone(), view.clone());
        RelationKind::MaterializedView(MaterializedView { table, view, populated })
    };
    let new = new_relation(&metastore.snapshot(), name, kind(false));
    let (id, columns) = (new.id, new.columns.clone());
    metastore.stage_location(location, id).await.unwrap();
    metastore.apply(&[Change::CreateRelation(new)]).await.unwrap();
    let populated = Change::SetPopulated { id, populated: true };
    let snapshot = metastore.apply(&[populated]).await.unwrap();
    let made = relation(&snapshot, name);
    assert_eq!((&made.kind, made.columns.len()), (&kind(true), columns.len()));
    assert_stored(metastore).await;
}

async fn loose(metastore: &Metastore) -> Vec<(String, LooseReason)> {
    let locations = metastore.loose_locations().await.unwrap();
    locations.into_iter().map(|LooseLocation { location, reason, .. }| (location, reason)).collect()
}

#[tokio::test]
async fn a_reopened_metastore_has_the_same_facts() {
    let folder = TempDir::new().unwrap();
    let metastore = initialised_in(folder.path()).await;
    create_view(&metastore, "v").await;
    create_managed(&metastore, "t", "file:///data/t").await;
    create_materialized(&metastore, "m", "file:///data/m").await;
    let (before, key) = (metastore.snapshot(), metastore.login_key());
    drop(metastore);
    for _ in 0..2 {
        let metastore = open_in(folder.path()).await.unwrap();
        assert_eq!(*metastore.snapshot(), *before);
        assert_eq!(metastore.login_key(), key);
    }
    assert_ne!(super::metastore().await.login_key(), key, "every metastore has its own");
}

#[tokio::test]
async fn a_metastore_of_the_first_version_is_taken_over() {
    let folder = TempDir::new().unwrap();
    let metastore = initialised_in(folder.path()).await;
    let before = metastore.snapshot();
    // As the first version left it.
    let back = "DROP TABLE public_grant; DROP TABLE server_secret; DROP TABLE open_commit;
        DROP TABLE storage_grant; DROP TABLE public_storage_grant; DROP TABLE external_location;
        DROP TABLE storage_credential; DROP TABLE maintenance_run; DROP TABLE constraint_;
        DROP TABLE index_; DROP TABLE materialized_view;
        DROP TABLE column_statistics; DROP TABLE table_statistics;
        ALTER TABLE column_ DROP COLUMN source_text; ALTER TABLE column_ DROP COLUMN source;
        ALTER TABLE relation DROP COLUMN sources;
        ALTER TABLE relation DROP COLUMN foreign_format;
        DELETE FROM _sqlx_migrations WHERE version > 1";
    sqlx::raw_sql(back).execute(&mut *metastore.writer().await).await.unwrap();
    drop(metastore);
    let metastore = open_in(folder.path()).await.unwrap();
    assert_eq!(*metastore.snapshot(), *before);
    let key = metastore.login_key();
    drop(metastore);
    assert_eq!(open_in(folder.path()).await.unwrap().login_key(), key);
}

#[tokio::test]
async fn a_second_process_is_kept_out() {
    let folder = TempDir::new().unwrap();
    let first = initialised_in(folder.path()).await;
    assert_eq!(kind_of(open_in(folder.path()).await), ErrorKind::ObjectInUse);
    drop(first);
    open_in(folder.path()).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let _metastore = initialised_in(folder.path()).await;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name());
    }
    assert!(
        names.contains(&"metastore.db-wal".into()) && names.contains(&"metastore.db.lock".into())
    );
}

#[tokio::test]
async fn a_kill_leaves_the_last_commit() {
    let folder = TempDir::new().unwrap();
    let metastore = initialised_in(folder.path()).await;
    create_view(&metastore, "v").await;
    let committed = metastore.snapshot();
    let mut writer = metastore.writer().await;
    let mut half = writer.begin_with("BEGIN IMMEDIATE").await.unwrap();
    query("DELETE FROM securable").execute(&mut *half).await.unwrap();
    // What a killed process leaves behind is the files as they are now.
    let copy = TempDir::new().unwrap();
    for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let recovered = open_in(copy.path()).await.unwrap();
    assert_eq!(*recovered.snapshot(), *committed);
    create_view(&recovered, "w").await;
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_split_a_change() {
    let metastore = metastore().await;
    for i in 0..50 {
        let change = [Change::CreatePrincipal(user(&format!("user{i}")))];
        let mut apply = std::pin::pin!(metastore.apply(&change));
        // Polled a few times only, then dropped.
        for _ in 0..i % 5 {
            if futures::poll!(apply.as_mut()).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // Comes after all of them.
    metastore.apply(&[Change::CreatePrincipal(user("last"))]).await.unwrap();
    assert!(metastore.snapshot().principal("user1").is_some(), "begun, so it happened");
    assert!(metastore.snapshot().principal("user0").is_none(), "never polled");
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn an_unpublished_commit_is_seen_by_the_next_change() {
    let metastore = metastore().await;
    let sql = "UPDATE principal SET name = 'root'; UPDATE metastore SET revision = revision + 1";
    sqlx::raw_sql(sql).execute(&mut *metastore.writer().await).await.unwrap();
    let snapshot = metastore.apply(&[Change::CreatePrincipal(user("admin"))]).await.unwrap();
    assert!(snapshot.principal("root").is_some());
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn a_damaged_file_is_said_to_be_damaged() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("metastore.db"), vec![0x5a; 8192]).unwrap();
    assert_eq!(kind_of(open_in(folder.path()).await), ErrorKind::DataCorrupted);

    let folder = TempDir::new().unwrap();
    let metastore = initialised_in(folder.path()).await;
    let damage = "UPDATE principal SET id = 'not a uuid' WHERE name = 'ann'";
    metastore.apply(&[Change::CreatePrincipal(user("ann"))]).await.unwrap();
    query(damage).execute(&mut *metastore.writer().await).await.unwrap();
    drop(metastore);
    assert_eq!(kind_of(open_in(folder.path()).await), ErrorKind::DataCorrupted);
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = TempDir::new().unwrap();
    let error = open_in(&folder.path().join("nowhere")).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::UndefinedFile);
    assert!(error.message().contains("nowhere"));
}

#[tokio::test]
async fn a_newer_metastore_is_left_alone() {
    for newer in [
        "UPDATE metastore SET format_version = 2",
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999, 'future', TRUE, X'00', 0)",
    ] {
        let folder = TempDir::new().unwrap();
        let metastore = initialised_in(folder.path()).await;
        query(newer).execute(&mut *metastore.writer().await).await.unwrap();
        drop(metastore);
        assert_eq!(kind_of(open_in(folder.path()).await), ErrorKind::FeatureNotSupported);
    }
}

#[tokio::test]
async fn a_full_disk_or_a_read_only_file_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let metastore = initialised_in(folder.path()).await;
    let before = metastore.snapshot();
    let mut wide = new_relation(&before, "wide", view_kind("SELECT 1"));
    wide.columns = (1..3000).map(|n| column(n, &format!("c{n}"), DataType::Int8)).collect();
    let change = [Change::CreateRelation(wide)];
    for (broken, mended, kind) in [
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", ErrorKind::DiskFull),
        ("PRAGMA query_only = TRUE", "PRAGMA query_only = FALSE", ErrorKind::IoError),
    ] {
        query(broken).execute(&mut *metastore.writer().await).await.unwrap();
        assert_eq!(kind_of(metastore.apply(&change).await), kind);
        assert!(Arc::ptr_eq(&before, &metastore.snapshot()));
        query(mended).execute(&mut *metastore.writer().await).await.unwrap();
        assert_stored(&metastore).await;
    }
    metastore.apply(&change).await.unwrap();
    assert_stored(&metastore).await;
}

#[tokio::test]
async fn files_are_loose_before_their_table_and_after_it() {
    use LooseReason::{Dropped, Staged};
    let metastore = metastore().await;
    let new = new_relation(&metastore.snapshot(), "t", table_kind("file:///t1", true));
    let id = new.id;
    let create = [Change::CreateRelation(new)];
    let unstaged = metastore.apply(&create).await;
    assert_eq!(kind_of(unstaged), ErrorKind::ObjectNotInPrerequisiteState);
    metastore.stage_location("file:///t1", id).await.unwrap();
    let twice = metastore.stage_location("file:///t1", id).await;
    assert_eq!(kind_of(twice), ErrorKind::ObjectInUse);
    assert_eq!(loose(&metastore).await, [("file:///t1".to_owned(), Staged)]);
    metastore.apply(&create).await.unwrap();
    assert_eq!(loose(&metastore).await, []);

    metastore.stage_location("file:///t2", id).await.unwrap();
    let replace = |location: &str| Change::ReplaceRelation {
        id,
        kind: table_kind(location, true),
        columns: vec![column(1, "z", DataType::Float64)],
        comment: None,
        constraints: Vec::new(),
    };
    metastore.apply(&[replace("file:///t2")]).await.unwrap();
    assert_eq!(loose(&metastore).await, [("file:///t1".to_owned(), Dropped)]);
    metastore.apply(&[replace("file:///t2")]).await.unwrap();
    assert_stored(&metastore).await;
    metastore.forget_location("file:///t1").await.unwrap();

    metastore.apply(&[Change::Drop { id: public(&metastore.snapshot()).id }]).await.unwrap();
    let left = metastore.loose_locations().await.unwrap();
    let [LooseLocation { location, relation, reason: Dropped, .. }] = left.as_slice() else {
        panic!("one dropped location expected, not {left:?}");
    };
    assert_eq!((location.as_str(), *relation), ("file:///t2", id));
}

#[tokio::test]
async fn external_files_stay_with_their_owner() {
    let metastore = metastore().await;
    let new = new_relation(&metastore.snapshot(), "e", table_kind("file:///e", false));
    let id = new.id;
    metastore.apply(&[Change::CreateRelation(new)]).await.unwrap();
    metastore.apply(&[Change::Drop { id }]).await.unwrap();
    assert_eq!(loose(&metastore).await, []);
}

#[tokio::test]
async fn no_table_shares_a_folder_with_files_that_will_be_removed() {
    let metastore = metastore().await;
    let owned = create_managed(&metastore, "t", "file:///data/t").await;
    let external = |name: &str, location: &str| {
        let new = new_relation(&metastore.snapshot(), name, table_kind(location, false));
        [Change::CreateRelation(new)]
    };
    let inside = ["file:///data/t", "file:///data/t/", "file:///data/t/part", "file:///data"];
    for location in inside {
        let shared = metastore.apply(&external("e", location)).await;
        assert_eq!(kind_of(shared), ErrorKind::InvalidTableDefinition, "{location}");
        let staged = metastore.stage_location(location, SecurableId::generate()).await;
        assert_eq!(kind_of(staged), ErrorKind::InvalidTableDefinition, "{location}");
    }
    metastore.apply(&external("beside", "file:///data/t2")).await.unwrap();
    let drop = Change::Drop { id: relation(&metastore.snapshot(), "beside").id };
    metastore.apply(&[drop, Change::Drop { id: owned.id }]).await.unwrap();
    for location in inside {
        let waiting = metastore.apply(&external("e", location)).await;
        assert_eq!(kind_of(waiting), ErrorKind::ObjectInUse, "{location}");
    }
    metastore.forget_location("file:///data/t").await.unwrap();
    metastore.apply(&external("e", "file:///data/t")).await.unwrap();
}

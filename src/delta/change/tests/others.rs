//! Tables that other engines wrote: copies of the folder that LAKEGATE_DELTA_TABLES names, which need not
//! be there.

use super::*;
use std::path::PathBuf;

/// A copy of a table, if the folder of tables is there.
fn copy_of(name: &str) -> Option<(tempfile::TempDir, Fixture)> {
    let root = PathBuf::from(std::env::var_os("LAKEGATE_DELTA_TABLES")?);
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("t");
    copy(&root.join("tables").join(name), &to);
    Some((folder, Fixture::at(&to)))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

async fn count(fixture: &Fixture) -> u64 {
    fixture.query("select count(*) from t").await[0].parse().unwrap()
}

/// Adds all rows again, changes and deletes some, by a predicate that is true for `matching` rows.
async fn change_all(name: &str, predicate: &str, assign: (&str, &str)) {
    let Some((_folder, fixture)) = copy_of(name) else { return };
    let rows = count(&fixture).await;
    let matching: u64 = {
        let counted = fixture.query(&format!("select count(*) from t where {predicate}")).await;
        counted[0].parse().unwrap()
    };
    assert!(matching > 0 && matching < rows, "{name}: {matching} of {rows}");
    let before = fixture.query(&format!("select * from t where ({predicate}) is not true")).await;
    assert_eq!(fixture.update(predicate, &[assign]).await.unwrap().updated, matching, "{name}");
    assert_eq!(count(&fixture).await, rows, "{name}");
    assert_eq!(fixture.delete(predicate).await.unwrap().deleted, matching, "{name}");
    let mut after = fixture.query("select * from t").await;
    after.sort_unstable();
    let mut before = before;
    before.sort_unstable();
    assert_eq!(after, before, "{name}");
    assert_eq!(
        fixture.insert("select * from t").await.unwrap().inserted,
        rows - matching,
        "{name}"
    );
    assert_eq!(count(&fixture).await, 2 * (rows - matching), "{name}");
}

#[tokio::test]
async fn tables_with_deletion_vectors_change() {
    change_all("table-with-dv-small", "value < 4", ("value", "value")).await;
}

#[tokio::test]
async fn tables_that_map_columns_change() {
    change_all(
        "table_with_column_mapping",
        "\"Super Name\" like '%a%'",
        ("Company Very Short", "\"Company Very Short\""),
    )
    .await;
}

#[tokio::test]
async fn partitioned_tables_change() {
    change_all("delta-0.8.0-partitioned", "day = '5'", ("value", "value")).await;
    change_all("delta-0.8.0-null-partition", "k is null", ("v", "v")).await;
    change_all("delta-0.8.0-special-partition", "x like '%A%'", ("y", "y")).await;
    change_all("basic_partitioned", "letter = 'a'", ("a_float", "a_float")).await;
}

#[tokio::test]
async fn tables_with_features_that_are_not_honoured_are_refused() {
    for (name, feature) in [
        ("partitioned_with_materialize_feature", "materializePartitionColumns"),
        ("table_with_liquid_clustering", "liquid"),
    ] {
        let Some((_folder, fixture)) = copy_of(name) else { return };
        let refused = state(truncate(&fixture.ctx(), &fixture.location, false).await);
        assert!(refused.starts_with("0A000"), "{name}: {refused}");
        assert!(refused.contains(feature), "{name}: {refused}");
    }
}

#[tokio::test]
async fn tables_with_features_of_writers_change() {
    for (name, columns) in [("checkpoint-v2-table", "name, created_at"), ("cdc_ict_table", "*")] {
        let Some((_folder, fixture)) = copy_of(name) else { return };
        let rows = count(&fixture).await;
        let again = format!("select {columns} from t");
        let inserted = fixture.insert(&again).await.unwrap().inserted;
        assert_eq!((inserted, count(&fixture).await), (rows, 2 * rows), "{name}");
        let deleted = truncate(&fixture.ctx(), &fixture.location, false).await.unwrap().deleted;
        assert_eq!((deleted, count(&fixture).await), (2 * rows, 0), "{name}");
    }
}

#[tokio::test]
async fn changes_are_recorded_where_the_table_wants_it() {
    let fixture = Fixture::new();
    let properties = pairs(&[("delta.enableChangeDataFeed", "true")]);
    let columns = [("a", DataType::Int32), ("p", DataType::Utf8)];
    let partition_columns = vec![text("p")];
    let table = NewTable { properties, partition_columns, ..new_table(&columns) };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    fixture
        .insert("select 1 as a, 'x' as p union all select 2, 'x' union all select 3, 'y'")
        .await
        .unwrap();
    fixture.update("a = 2", &[("a", "20")]).await.unwrap();
    fixture.delete("a = 20 or a = 3").await.unwrap();
    let table = deltalake::open_table(fixture.location.url().clone()).await.unwrap();
    let state = fixture.session.state();
    let changes = table.scan_cdf().with_starting_version(2);
    let plan = changes.build(&state, None).await.unwrap();
    let batches =
        datafusion::physical_plan::collect(plan, fixture.session.task_ctx()).await.unwrap();
    let mut rows = Vec::new();
    for batch in &batches {
        let value = |name: &str, row| {
            array_value_to_string(batch.column_by_name(name).unwrap(), row).unwrap()
        };
        for row in 0..batch.num_rows() {
            let (a, p) = (value("a", row), value("p", row));
            let (change, version) = (value("_change_type", row), value("_commit_version", row));
            rows.push(format!("{version} {change} {a} {p}"));
        }
    }
    rows.sort_unstable();
    assert_eq!(
        rows,
        ["2 update_postimage 20 x", "2 update_preimage 2 x", "3 delete 20 x", "3 delete 3 y",]
    );
}

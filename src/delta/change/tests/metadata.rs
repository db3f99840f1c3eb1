//! CREATE, REPLACE and ALTER TABLE.

use super::*;
use datafusion::arrow::datatypes::TimeUnit;

#[tokio::test]
async fn a_table_is_created_once() {
    let fixture = Fixture::with_table(&[("a", DataType::Int32)]).await;
    let again =
        create(&fixture.ctx(), &fixture.location, new_table(&[("a", DataType::Int32)])).await;
    assert_eq!(again.unwrap_err().sqlstate(), "42P07");
    let other = Fixture::new();
    for columns in [
        vec![],
        vec![("a", DataType::Int32), ("A", DataType::Int32)],
        vec![("a", DataType::Duration(TimeUnit::Second))],
    ] {
        let table = new_table(&columns);
        assert!(create(&other.ctx(), &other.location, table).await.is_err(), "{columns:?}");
    }
    assert!(!other.tables.exists(&other.location).await.unwrap());
}

#[tokio::test]
async fn create_as_and_replace_are_one_commit() {
    let fixture = Fixture::new();
    let input = fixture.session.sql("select 1 as a").await.unwrap().into_optimized_plan().unwrap();
    let table = new_table(&[("a", DataType::Int64)]);
    let ctx = fixture.ctx();
    let (changed, version) = create_as(&ctx, &fixture.location, table, input).await.unwrap();
    assert_eq!((changed.inserted, version.version()), (1, 0));
    let id = version.details().id;

    let input = fixture.plan("select 'x' as b, cast(a as timestamp) as c from t").await;
    let columns = [("b", DataType::Utf8), ("c", DataType::Timestamp(TimeUnit::Microsecond, None))];
    let table = NewTable { partition_columns: vec![text("b")], ..new_table(&columns) };
    let (changed, version) = replace(&ctx, &fixture.location, table, Some(input)).await.unwrap();
    assert_eq!((changed.inserted, version.version()), (1, 1));
    assert_eq!(version.details().id, id);
    assert!(version.features().contains(&text("timestampNtz")));
    assert_eq!(fixture.query("select b, extract(second from c) from t").await.len(), 1);

    let table = new_table(&[("z", DataType::Int32)]);
    replace(&ctx, &fixture.location, table, None).await.unwrap();
    assert_eq!(fixture.query("select count(z) from t").await, ["0"]);
}

#[tokio::test]
async fn columns_and_comments_are_added() {
    let fixture = Fixture::with_table(&[("a!", DataType::Int32)]).await;
    let ctx = fixture.ctx();
    let at = &fixture.location;
    fixture.insert("select 1 as a").await.unwrap();
    let columns = |name: &str, nullable| {
        Arc::new(Schema::new(vec![Field::new(name, DataType::Utf8, nullable)]))
    };
    let add = |name, nullable| alter_one(&ctx, at, add_columns(&columns(name, nullable)));
    add("b", true).await.unwrap();
    assert!(state(add("B", true).await).starts_with("42701"));
    assert!(state(add("c", false).await).starts_with("23502"));
    fixture.insert("select 2 as a, 'x' as b").await.unwrap();
    assert_eq!(fixture.query("select a, b from t order by a").await, ["1|", "2|x"]);

    alter_one(&ctx, at, Alteration::SetComment(Some(text("what it is")))).await.unwrap();
    let comment = |column: &str, comment: Option<String>| {
        alter_one(&ctx, at, Alteration::SetColumnComment { column: text(column), comment })
    };
    comment("b", Some(text("why"))).await.unwrap();
    assert!(state(comment("z", None).await).starts_with("42703"));
    let version = fixture.tables.open(at).await.unwrap();
    assert_eq!(version.details().description.as_deref(), Some("what it is"));
    let schema = version.snapshot().schema();
    assert!(format!("{:?}", schema.field("b").unwrap().metadata).contains("why"));

    assert!(state(fixture.insert("select cast(null as int) as a").await).starts_with("23502"));
    alter_one(&ctx, at, Alteration::DropNotNull(text("a"))).await.unwrap();
    fixture.insert("select cast(null as int) as a").await.unwrap();
}

async fn alter_one(
    ctx: &ChangeContext,
    location: &Location,
    change: Alteration,
) -> Result<Changed> {
    alter(ctx, location, vec![change], Upgrade::Allowed).await
}

#[tokio::test]
async fn constraints_hold_for_rows_that_are_there() {
    let fixture = Fixture::with_table(&[("a", DataType::Int32)]).await;
    let ctx = fixture.ctx();
    let at = &fixture.location;
    fixture.insert("select 5 as a").await.unwrap();
    let add = |name: &str, sql: &str| {
        alter_one(&ctx, at, Alteration::AddCheck { name: text(name), sql: text(sql) })
    };
    assert!(state(add("small", "a < 5").await).starts_with("23514"));
    assert!(state(add("broken", "no_such_function(a) < 5").await).starts_with("0A000"));
    assert!(state(add("number", "a + 1").await).starts_with("42804"));
    add("small", "a < 6").await.unwrap();
    assert!(state(add("Small", "a < 7").await).starts_with("42710"));
    assert!(state(fixture.insert("select 6 as a").await).starts_with("23514"));
    let remove = Alteration::DropConstraint { name: text("small"), if_exists: false };
    alter_one(&ctx, at, remove.clone()).await.unwrap();
    assert!(state(alter_one(&ctx, at, remove).await).starts_with("42704"));
    fixture.insert("select 6 as a").await.unwrap();
}

#[tokio::test]
async fn properties_are_set_and_obeyed() {
    let fixture = Fixture::with_table(&[("a", DataType::Int32)]).await;
    let ctx = fixture.ctx();
    let at = &fixture.location;
    fixture.insert("select 5 as a").await.unwrap();
    let set = |key: &str, value: Option<&str>| {
        let changes = vec![(text(key), value.map(text))];
        alter_one(&ctx, at, Alteration::SetProperties(changes))
    };
    set("delta.appendOnly", Some("true")).await.unwrap();
    assert!(state(fixture.delete("a = 5").await).starts_with("55000"));
    assert!(state(truncate(&ctx, at, false).await).starts_with("55000"));
    fixture.insert("select 6 as a").await.unwrap();
    set("delta.appendOnly", None).await.unwrap();
    assert_eq!(fixture.delete("a = 5").await.unwrap().deleted, 1);
    assert!(state(set("delta.enableRowTracking", Some("true")).await).starts_with("0A000"));
    assert!(state(set("delta.columnMapping.mode", Some("id")).await).starts_with("0A000"));
    set("delta.enableChangeDataFeed", Some("true")).await.unwrap();
    let version = fixture.tables.open(at).await.unwrap();
    assert_eq!(version.protocol().min_writer_version(), 4);
}

#[tokio::test]
async fn tables_may_map_their_columns() {
    let fixture = Fixture::new();
    let properties = pairs(&[("delta.columnMapping.mode", "name")]);
    let columns = [("a b", DataType::Int32), ("p", DataType::Utf8)];
    let partition_columns = vec![text("p")];
    let table = NewTable { properties, partition_columns, ..new_table(&columns) };
    let ctx = fixture.ctx();
    create(&ctx, &fixture.location, table).await.unwrap();
    fixture.insert("select 1 as \"a b\", 'x' as p union all select 2, 'y'").await.unwrap();
    let nested = DataType::Struct(vec![Field::new("in side", DataType::Int32, true)].into());
    let columns = Arc::new(Schema::new(vec![Field::new("s", nested, true)]));
    alter_one(&ctx, &fixture.location, add_columns(&columns)).await.unwrap();
    fixture.update("p = 'x'", &[("s", "named_struct('in side', 7)")]).await.unwrap();
    assert_eq!(fixture.delete("p = 'y'").await.unwrap().deleted, 1);
    let rows = fixture.query("select \"a b\", p, s['in side'] from t").await;
    assert_eq!(rows, ["1|x|7"]);
}

#[tokio::test]
async fn logs_are_summed_up() {
    let fixture = Fixture::with_table(&[("a", DataType::Int64)]).await;
    let set = vec![(text("delta.checkpointInterval"), Some(text("3")))];
    let set = Alteration::SetProperties(set);
    alter_one(&fixture.ctx(), &fixture.location, set).await.unwrap();
    for value in 0..4 {
        fixture.insert(&format!("select cast({value} as bigint) as a")).await.unwrap();
    }
    let log = fixture.location.url().to_file_path().unwrap().join("_delta_log");
    let checkpoint = log.join("00000000000000000003.checkpoint.parquet");
    for _ in 0..100 {
        if log.join("_last_checkpoint").exists() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(checkpoint.exists());
    for version in 0..3 {
        std::fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    fixture.tables.forget(&fixture.location);
    assert_eq!(fixture.query("select count(*) from t").await, ["4"]);
    assert_eq!(fixture.delete("a = 1").await.unwrap().deleted, 1);
}

#[tokio::test]
async fn columns_change_their_names_and_places() {
    let fixture = Fixture::with_table(&[("a", DataType::Int32), ("b", DataType::Utf8)]).await;
    let (ctx, at) = (fixture.ctx(), &fixture.location);
    fixture.insert("select 1 as a, 'x' as b").await.unwrap();
    let rename =
        |from: &str, to: &str| Alteration::RenameColumn { column: text(from), to: text(to) };
    let refused = alter(&ctx, at, vec![rename("a", "c")], Upgrade::OnRequest).await;
    assert!(state(refused).starts_with("55000"));
    let before = fixture.tables.open(at).await.unwrap().version();
    // All of them or none.
    let broken = vec![rename("a", "c"), rename("z", "y")];
    assert!(state(alter(&ctx, at, broken, Upgrade::Allowed).await).starts_with("42703"));
    assert_eq!(fixture.tables.open(at).await.unwrap().version(), before);
    // Names trade places.
    let swap = vec![rename("a", "t"), rename("b", "a"), rename("t", "b")];
    alter(&ctx, at, swap, Upgrade::Allowed).await.unwrap();
    assert_eq!(fixture.query("select * from t").await, ["1|x"]);
    assert_eq!(fixture.query("select a, b from t").await, ["x|1"]);
    let first = Alteration::MoveColumn { column: text("a"), place: Place::First };
    alter_one(&ctx, at, first).await.unwrap();
    assert_eq!(fixture.query("select * from t").await, ["x|1"]);
    fixture.insert("select 2 as b, 'y' as a").await.unwrap();
    assert_eq!(fixture.query("select * from t order by b").await, ["x|1", "y|2"]);
    // A dropped column's values do not come back with its name.
    let gone = Alteration::DropColumns { columns: vec![text("a")], if_exists: false };
    alter_one(&ctx, at, gone).await.unwrap();
    let columns = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true)]));
    alter_one(&ctx, at, add_columns(&columns)).await.unwrap();
    assert_eq!(fixture.query("select b, a from t order by b").await, ["1|", "2|"]);
}

#[tokio::test]
async fn types_widen_and_nulls_are_looked_for() {
    let fixture = Fixture::with_table(&[("a", DataType::Int32), ("b", DataType::Int32)]).await;
    let (ctx, at) = (fixture.ctx(), &fixture.location);
    fixture.insert("select 1 as a, cast(null as int) as b").await.unwrap();
    let set_type = |column: &str, data_type| Alteration::SetType {
        column: text(column),
        field: Arc::new(Field::new(column, data_type, true)),
    };
    let not_null = |column: &str| alter_one(&ctx, at, Alteration::SetNotNull(text(column)));
    assert!(state(not_null("b").await).starts_with("23502"));
    not_null("a").await.unwrap();
    let wider = vec![set_type("a", DataType::Int64)];
    let refused = alter(&ctx, at, wider.clone(), Upgrade::OnRequest).await;
    assert!(state(refused).starts_with("55000"));
    alter(&ctx, at, wider, Upgrade::Allowed).await.unwrap();
    fixture.insert("select 5000000000 as a").await.unwrap();
    assert_eq!(fixture.query("select a from t order by a").await, ["1", "5000000000"]);
    assert_eq!(fixture.query("select a from t where a = 1").await, ["1"]);
    assert!(state(fixture.insert("select 3 as b").await).starts_with("23502"));
    assert!(state(alter_one(&ctx, at, set_type("a", DataType::Utf8)).await).starts_with("0A000"));
    let clustered = Alteration::ClusterBy(vec![text("a")]);
    alter_one(&ctx, at, clustered).await.unwrap();
    let version = fixture.tables.open(at).await.unwrap();
    assert!(version.features().contains(&text("clustering")));
    fixture.insert("select 7 as a").await.unwrap();
}

//! INSERT, DELETE, UPDATE and MERGE, and the rules that every new row must hold.

use super::*;

const NOT_NULL: &str = "23502 null value in column \"a\" of relation violates not-null constraint";
const CHECK: &str = "23514 new row violates check constraint \"positive\"";

/// Columns a NOT NULL, b with the constraint that it is positive, c.
async fn ruled() -> Fixture {
    let fixture = Fixture::new();
    let columns = [("a!", DataType::Int32), ("b", DataType::Int64), ("c", DataType::Utf8)];
    let table = NewTable { checks: pairs(&[("positive", "b > 0")]), ..new_table(&columns) };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    fixture
}

async fn filled() -> Fixture {
    let fixture = ruled().await;
    let rows = "select * from (values (1, 10, 'x'), (2, 20, 'y'), (3, 30, null)) v(a, b, c)";
    assert_eq!(fixture.insert(rows).await.unwrap().inserted, 3);
    fixture
}

#[tokio::test]
async fn inserted_rows_hold_the_rules() {
    let fixture = filled().await;
    let insert = |sql: &'static str| fixture.insert(sql);
    assert_eq!(state(insert("select cast(null as int) as a, 1 as b").await), NOT_NULL);
    assert_eq!(state(insert("select 1 as b").await), NOT_NULL);
    assert_eq!(state(insert("select 4 as a, -1 as b").await), CHECK);
    assert!(state(insert("select 4 as a, 1 as d").await).starts_with("42703"));
    let rows = fixture.query("select a, b, c from t order by a").await;
    assert_eq!(rows, ["1|10|x", "2|20|y", "3|30|"]);
    assert_eq!(fixture.tables.open(&fixture.location).await.unwrap().version(), 1);
    insert("select 4 as a, null as b").await.unwrap();
    assert_eq!(fixture.query("select a, b, c from t where b is null").await, ["4||"]);
}

#[tokio::test]
async fn deleted_rows_are_those_for_which_the_predicate_is_true() {
    let fixture = filled().await;
    assert_eq!(
        fixture.delete("c = 'z'").await.unwrap(),
        Changed { version: 1, ..Changed::default() }
    );
    assert_eq!(fixture.delete("c <> 'x'").await.unwrap().deleted, 1);
    assert_eq!(fixture.query("select a from t order by a").await, ["1", "3"]);
    let all = delete(&fixture.ctx(), &fixture.location, rows(None)).await.unwrap();
    assert_eq!((all.rows(), all.version), (2, 3));
    assert_eq!(fixture.query("select count(*) from t").await, ["0"]);
}

#[tokio::test]
async fn files_whose_rows_all_go_are_not_read_again() {
    let fixture = filled().await;
    fixture.insert("select 4 as a, 40 as b").await.unwrap();
    assert_eq!(fixture.delete("a < 4").await.unwrap().deleted, 3);
    assert_eq!(fixture.tables.open(&fixture.location).await.unwrap().files().len(), 1);
    assert_eq!(fixture.query("select a, b, c from t").await, ["4|40|"]);
}

#[tokio::test]
async fn updates_see_old_rows_and_hold_the_rules() {
    let fixture = filled().await;
    let changed = fixture.update("a >= 2", &[("b", "a"), ("a", "cast(b as int)")]).await.unwrap();
    assert_eq!(changed.updated, 2);
    let updated = ["1|10|x", "20|2|y", "30|3|"];
    assert_eq!(fixture.query("select a, b, c from t order by a").await, updated);
    assert_eq!(state(fixture.update("a = 1", &[("b", "-b")]).await), CHECK);
    assert_eq!(state(fixture.update("a = 1", &[("a", "null")]).await), NOT_NULL);
    assert!(state(fixture.update("a = 1", &[("d", "1")]).await).starts_with("42703"));
    let twice = fixture.update("a = 1", &[("b", "1"), ("b", "2")]).await;
    assert!(state(twice).starts_with("42601"));
    let overflow = fixture.update("a = 1", &[("a", "5000000000")]).await;
    assert!(state(overflow).starts_with("22003"));
    assert_eq!(fixture.query("select a, b, c from t order by a").await, updated);
}

#[tokio::test]
async fn predicates_and_values_may_have_subqueries() {
    let fixture = filled().await;
    fixture.source("select * from (values (1, 'one'), (3, 'three')) v(k, name)").await;
    let changed =
        fixture.update("a in (select k from s)", &[("c", "(select max(name) from s where k = a)")]);
    assert_eq!(changed.await.unwrap().updated, 2);
    let rows = fixture.query("select a, c from t order by a").await;
    assert_eq!(rows, ["1|one", "2|y", "3|three"]);
    // Correlated ones are looked at together with the rows.
    let exists = "exists (select 1 from s where s.k = t.a and s.name = t.c)";
    assert_eq!(fixture.delete(exists).await.unwrap().deleted, 2);
    assert_eq!(fixture.query("select a from t").await, ["2"]);
    assert_eq!(fixture.delete("b < (select max(k) from s)").await.unwrap().deleted, 0);
    assert_eq!(fixture.delete("b > (select max(k) from s)").await.unwrap().deleted, 1);
    let many = fixture.update("a = 1", &[("b", "(select k from s)")]).await;
    assert!(state(many).starts_with("21000"));
}

#[tokio::test]
async fn subqueries_that_choose_at_random_choose_once() {
    let fixture = Fixture::with_table(&[("a", DataType::Int64)]).await;
    fixture.insert("select value as a from generate_series(1, 30000)").await.unwrap();
    fixture.insert("select value as a from generate_series(30001, 60000)").await.unwrap();
    let deleted = fixture.delete("a in (select a from t limit 15000)").await.unwrap().deleted;
    assert_eq!(deleted, 15_000);
    assert_eq!(fixture.query("select count(*), count(distinct a) from t").await, ["45000|45000"]);
    let deleted = fixture.delete("random() < 0.5").await.unwrap().deleted;
    let left: u64 = fixture.query("select count(*) from t").await[0].parse().unwrap();
    assert_eq!(deleted + left, 45_000);
    assert!((15_000..30_000).contains(&left), "{left}");
}

#[tokio::test]
async fn stable_functions_are_one_time_per_statement() {
    let fixture = Fixture::with_table(&[
        ("a", DataType::Int32),
        (
            "at",
            DataType::Timestamp(
                datafusion::arrow::datatypes::TimeUnit::Microsecond,
                Some("UTC".into()),
            ),
        ),
    ])
    .await;
    fixture.insert("select 1 as a union all select 2 as a").await.unwrap();
    let changed = fixture.update("now() > timestamp '2020-01-01'", &[("at", "now()")]).await;
    assert_eq!(changed.unwrap().updated, 2);
    assert_eq!(fixture.query("select count(distinct at), count(at) from t").await, ["1|2"]);
    // Rows that are copied keep every microsecond.
    let before = fixture.query("select at from t where a = 2").await;
    fixture.update("a = 1", &[("a", "3")]).await.unwrap();
    assert_eq!(fixture.query("select at from t where a = 2").await, before);
}

fn clause(kind: MergeKind, predicate: Option<Expr>, action: MergeAction) -> MergeClause {
    MergeClause { kind, predicate, action }
}

#[tokio::test]
async fn merge_updates_inserts_and_deletes() {
    let fixture = filled().await;
    fixture.source("select * from (values (2, 200), (3, -1), (5, 500)) v(k, v)").await;
    let s = Some("s");
    let clauses = vec![
        clause(MergeKind::Matched, Some(fixture.expr("s.v < 0", s).await), MergeAction::Delete),
        clause(
            MergeKind::Matched,
            None,
            MergeAction::Update(fixture.values(&[("b", "t.b + s.v")], s).await),
        ),
        clause(
            MergeKind::NotMatchedByTarget,
            None,
            MergeAction::Insert(fixture.values(&[("a", "s.k"), ("b", "s.v")], s).await),
        ),
        clause(
            MergeKind::NotMatchedBySource,
            None,
            MergeAction::Update(fixture.values(&[("c", "'alone'")], s).await),
        ),
    ];
    let changed = fixture.merge("t.a = s.k", clauses).await.unwrap();
    assert_eq!((changed.inserted, changed.updated, changed.deleted), (1, 2, 1));
    let merged = fixture.query("select a, b, c from t order by a").await;
    assert_eq!(merged, ["1|10|alone", "2|220|y", "5|500|"]);
}

#[tokio::test]
async fn merge_changes_no_row_twice_and_loses_none() {
    let fixture = filled().await;
    fixture.source("select * from (values (2, 1), (2, 2), (3, 1), (7, 1)) v(k, v)").await;
    let s = Some("s");
    let update = || async { MergeAction::Update(fixture.values(&[("b", "s.v")], s).await) };
    let always = clause(MergeKind::Matched, None, update().await);
    let twice = fixture.merge("t.a = s.k", vec![always]).await;
    assert!(state(twice).starts_with("21000"));
    // Only one of the matches of row 2 counts.
    let second = Some(fixture.expr("s.v = 2", s).await);
    let insert = MergeAction::Insert(fixture.values(&[("a", "s.k"), ("b", "s.v")], s).await);
    let clauses = vec![
        clause(MergeKind::Matched, second, update().await),
        clause(MergeKind::NotMatchedByTarget, None, insert),
        clause(MergeKind::NotMatchedBySource, None, MergeAction::Nothing),
    ];
    let changed = fixture.merge("t.a = s.k", clauses).await.unwrap();
    assert_eq!((changed.inserted, changed.updated, changed.deleted), (1, 1, 0));
    let merged = fixture.query("select a, b from t order by a").await;
    assert_eq!(merged, ["1|10", "2|2", "3|30", "7|1"]);
    // DO NOTHING keeps later clauses from rows, and rows from being copied twice.
    let nothing = Some(fixture.expr("t.a = 2", s).await);
    let clauses = vec![
        clause(MergeKind::Matched, nothing, MergeAction::Nothing),
        clause(MergeKind::Matched, None, MergeAction::Delete),
        clause(MergeKind::NotMatchedBySource, None, MergeAction::Delete),
    ];
    let changed = fixture.merge("t.a = s.k", clauses).await.unwrap();
    assert_eq!(changed.deleted, 3);
    assert_eq!(fixture.query("select a, b from t").await, ["2|2"]);
}

#[tokio::test]
async fn merge_holds_the_rules() {
    let fixture = filled().await;
    fixture.source("select * from (values (1, -5), (9, -5)) v(k, v)").await;
    let s = Some("s");
    let update = MergeAction::Update(fixture.values(&[("b", "s.v")], s).await);
    let update = clause(MergeKind::Matched, None, update);
    assert_eq!(state(fixture.merge("t.a = s.k", vec![update]).await), CHECK);
    let insert = MergeAction::Insert(fixture.values(&[("b", "-s.v")], s).await);
    let insert = clause(MergeKind::NotMatchedByTarget, None, insert);
    assert_eq!(state(fixture.merge("t.a = s.k", vec![insert]).await), NOT_NULL);
    assert_eq!(fixture.query("select count(*) from t").await, ["3"]);
}

#[tokio::test]
async fn overwrite_and_truncate_replace_all_rows() {
    let fixture = filled().await;
    let input = fixture.plan("select a + 10 as a, b from t").await;
    let ctx = ChangeContext { planned_version: Some(1), ..fixture.ctx() };
    assert_eq!(overwrite(&ctx, &fixture.location, input.clone()).await.unwrap().inserted, 3);
    assert_eq!(fixture.query("select a from t order by a").await, ["11", "12", "13"]);
    // The plan has read a version that is not the newest any more.
    assert!(state(overwrite(&ctx, &fixture.location, input).await).starts_with("40001"));
    assert_eq!(truncate(&fixture.ctx(), &fixture.location, false).await.unwrap().deleted, 3);
    assert_eq!(fixture.query("select count(*) from t").await, ["0"]);
}

#[tokio::test]
async fn generated_columns_follow_the_others() {
    let fixture = Fixture::new();
    let columns = [("a", DataType::Int32), ("double", DataType::Int64), ("d", DataType::Date32)];
    let generated = pairs(&[("double", "a * 2"), ("d", "CAST(DATE '2024-01-01' AS DATE)")]);
    let table =
        NewTable { generated, partition_columns: vec![text("double")], ..new_table(&columns) };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    fixture.insert("select 1 as a union all select 2 as a").await.unwrap();
    fixture.insert("select 3 as a, 6 as double").await.unwrap();
    let wrong = fixture.insert("select 3 as a, 7 as double").await;
    assert!(state(wrong).starts_with("23514 new row violates the generation of column"));
    fixture.update("a = 2", &[("a", "5")]).await.unwrap();
    assert!(state(fixture.update("a = 5", &[("double", "1")]).await).starts_with("23514"));
    fixture.source("select 1 as k union all select 8 as k").await;
    let s = Some("s");
    let clauses = vec![
        clause(
            MergeKind::Matched,
            None,
            MergeAction::Update(fixture.values(&[("a", "t.a + 100")], s).await),
        ),
        clause(
            MergeKind::NotMatchedByTarget,
            None,
            MergeAction::Insert(fixture.values(&[("a", "s.k")], s).await),
        ),
    ];
    fixture.merge("t.a = s.k", clauses).await.unwrap();
    let rows = fixture.query("select a, double, d from t order by a").await;
    assert_eq!(
        rows,
        ["3|6|2024-01-01", "5|10|2024-01-01", "8|16|2024-01-01", "101|202|2024-01-01"]
    );
}

#[tokio::test]
async fn partitions_have_any_value() {
    let fixture = Fixture::new();
    let columns = [("p", DataType::Utf8), ("d", DataType::Date32), ("v", DataType::Int32)];
    let partition_columns = vec![text("p"), text("d")];
    let table = NewTable { partition_columns, ..new_table(&columns) };
    create(&fixture.ctx(), &fixture.location, table).await.unwrap();
    let values = "select p, date '2024-05-01' as d, v from (values
        ('a b', 1), ('ü/ö', 2), ('50%', 3), (null, 4), ('x=y:z', 5), ('a b', 6), ('%20', 7)) v(p, v)";
    assert_eq!(fixture.insert(values).await.unwrap().inserted, 7);
    fixture.update("p like '%b' or p is null or v = 7", &[("v", "v * 10")]).await.unwrap();
    assert_eq!(fixture.delete("p = 'ü/ö'").await.unwrap().deleted, 1);
    fixture.update("v = 5", &[("p", "'moved'"), ("d", "null")]).await.unwrap();
    let rows = fixture.query("select p, d, v from t order by v").await;
    assert_eq!(
        rows,
        [
            "50%|2024-05-01|3",
            "moved||5",
            "a b|2024-05-01|10",
            "|2024-05-01|40",
            "a b|2024-05-01|60",
            "%20|2024-05-01|70",
        ]
    );
}

#[tokio::test]
async fn nested_and_exact_types_come_back() {
    let fixture = Fixture::new();
    let input = "select cast(1.10 as decimal(10, 2)) as n, timestamp '2024-01-02T03:04:05.123457' as ts,
        arrow_cast(timestamp '2024-01-02T03:04:05.123457', 'Timestamp(Microsecond, Some(\"UTC\"))') as tz,
        [1, null, 3] as l, named_struct('x', 1, 'y', 'text') as s, map(['k'], [2]) as m,
        arrow_cast('view', 'Utf8View') as u, arrow_cast('bytes', 'Binary') as b";
    let input = fixture.session.sql(input).await.unwrap().into_optimized_plan().unwrap();
    let mut schema: Vec<Field> =
        input.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    schema[1] = Field::new(
        "ts",
        DataType::Timestamp(datafusion::arrow::datatypes::TimeUnit::Microsecond, None),
        true,
    );
    let table = NewTable { schema: Arc::new(Schema::new(schema)), ..new_table(&[]) };
    create_as(&fixture.ctx(), &fixture.location, table, input).await.unwrap();
    let first = fixture.query("select * from t").await;
    assert_eq!(
        first,
        [
            "1.10|2024-01-02T03:04:05.123457|2024-01-02T03:04:05.123457Z|[1, , 3]|{x: 1, y: text}|{k: 2}|view|6279746573"
        ]
    );
    fixture.insert("select * from t").await.unwrap();
    fixture.update("n > 1", &[("u", "u || '!'")]).await.unwrap();
    let rows = fixture.query("select * from t").await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], first[0].replace("view", "view!"));
}

/// A row of the table or the source: key and value.
type Row = (i64, i64);

/// What PostgreSQL does for clauses (kind, smallest source or table value, action), row by row.
fn merged(table: &[Row], source: &[Row], clauses: &[(MergeKind, i64, char)]) -> Option<Vec<Row>> {
    let first = |kind: MergeKind, value: i64| {
        clauses.iter().find(|clause| clause.0 == kind && value >= clause.1).map(|clause| clause.2)
    };
    let mut rows = Vec::new();
    for &(key, value) in table {
        let matches: Vec<&Row> = source.iter().filter(|row| row.0 == key).collect();
        let mut changes = Vec::new();
        if matches.is_empty() {
            changes.extend(first(MergeKind::NotMatchedBySource, value).map(|action| (action, 7)));
        }
        for row in matches {
            changes.extend(first(MergeKind::Matched, row.1).map(|action| (action, row.1)));
        }
        changes.retain(|change| change.0 != 'n');
        match changes.as_slice() {
            [] => rows.push((key, value)),
            [('d', _)] => {}
            [(_, new)] => rows.push((key, *new)),
            _ => return None,
        }
    }
    for &(key, value) in source {
        let is_new = table.iter().all(|row| row.0 != key);
        if is_new && first(MergeKind::NotMatchedByTarget, value) == Some('i') {
            rows.push((key, value));
        }
    }
    rows.sort_unstable();
    Some(rows)
}

#[tokio::test]
async fn merge_does_what_row_by_row_would() {
    // Sets of clauses, in which each number is the smallest value that the clause is for.
    use MergeKind::{Matched as M, NotMatchedBySource as S, NotMatchedByTarget as T};
    let sets: [&[(MergeKind, i64, char)]; 9] = [
        &[(M, 0, 'u'), (T, 0, 'i')],
        &[(M, 50, 'u'), (T, 50, 'i')],
        &[(M, 50, 'd'), (M, 0, 'u'), (S, 50, 'd')],
        &[(M, 80, 'n'), (M, 30, 'u'), (T, 20, 'n'), (T, 0, 'i'), (S, 0, 'u')],
        &[(M, 80, 'u'), (S, 50, 'n'), (S, 0, 'd'), (T, 0, 'i')],
        &[(S, 0, 'd')],
        &[(T, 0, 'i')],
        &[(M, 0, 'n'), (T, 0, 'i'), (S, 0, 'u')],
        &[(M, 60, 'd'), (M, 40, 'n'), (M, 20, 'u'), (S, 30, 'd')],
    ];
    let mut seed = 1_u64;
    let mut random = |below: i64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(seed >> 33).unwrap() % below
    };
    for (round, clauses) in sets.iter().cycle().take(18).enumerate() {
        let table: Vec<Row> = (0..10).map(|_| (random(12), random(100))).collect();
        let mut source: Vec<Row> = (0..8).map(|_| (random(12), random(100))).collect();
        if round % 3 > 0 {
            source.sort_unstable();
            source.dedup_by_key(|row| row.0);
        }
        let fixture = Fixture::new();
        let marks = if round % 2 == 0 { "true" } else { "false" };
        let properties = pairs(&[("delta.enableDeletionVectors", marks)]);
        let columns = [("k", DataType::Int64), ("v", DataType::Int64)];
        let new = NewTable { properties, ..new_table(&columns) };
        create(&fixture.ctx(), &fixture.location, new).await.unwrap();
        for half in table.chunks(5) {
            fixture.insert(&values("k", "v", half)).await.unwrap();
        }
        fixture.source(&values("k", "v", &source)).await;
        let mut plan = Vec::new();
        for &(kind, least, action) in *clauses {
            let side = if kind == S { "t" } else { "s" };
            let predicate = fixture.expr(&format!("{side}.v >= {least}"), Some("s")).await;
            let predicate = (least > 0).then_some(predicate);
            let value = if kind == S { "cast(7 as bigint)" } else { "s.v" };
            let action = match action {
                'u' => MergeAction::Update(fixture.values(&[("v", value)], Some("s")).await),
                'i' => {
                    let row = [("k", "s.k"), ("v", "s.v")];
                    MergeAction::Insert(fixture.values(&row, Some("s")).await)
                }
                'd' => MergeAction::Delete,
                _ => MergeAction::Nothing,
            };
            plan.push(clause(kind, predicate, action));
        }
        let result = fixture.merge("t.k = s.k", plan).await;
        let found = fixture.query("select k, v from t order by k, v").await;
        let show = |rows: &[Row]| -> Vec<String> {
            rows.iter().map(|row| format!("{}|{}", row.0, row.1)).collect()
        };
        let what = format!("{clauses:?} of {source:?} into {table:?}");
        match merged(&table, &source, clauses) {
            Some(rows) => {
                result.unwrap();
                assert_eq!(found, show(&rows), "{what}");
            }
            None => {
                assert!(state(result).starts_with("21000"), "{what}");
                let mut table = table.clone();
                table.sort_unstable();
                assert_eq!(found, show(&table), "{what}");
            }
        }
    }
}

fn values(key: &str, value: &str, rows: &[Row]) -> String {
    let rows: Vec<String> = rows.iter().map(|row| format!("({}, {})", row.0, row.1)).collect();
    format!("select * from (values {}) v({key}, {value})", rows.join(", "))
}

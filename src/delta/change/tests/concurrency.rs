//! Changes at the same time, by this process and by others.

use super::*;
use datafusion::arrow::array::Int64Array;
use datafusion::arrow::record_batch::RecordBatch;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::super::append::Truncate;
use super::super::commit::{Change, Staged, apply};
use super::super::target::Target;

/// Adds a row the way another process would: without our lease.
async fn append_from_outside(location: &Location, value: i64) {
    let field = Field::new("a", DataType::Int64, true);
    let values = Arc::new(Int64Array::from(vec![value]));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![values]).unwrap();
    loop {
        let table = deltalake::open_table(location.url().clone()).await.unwrap();
        match table.write(vec![batch.clone()]).await {
            Ok(_) => return,
            // It takes rows that are deleted meanwhile for ones that it has read.
            Err(deltalake::DeltaTableError::Transaction { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_add_up() {
    let fixture = Arc::new(Fixture::with_table(&[("a", DataType::Int64)]).await);
    let mut tasks = tokio::task::JoinSet::new();
    // Each task adds 5 * 10 rows, and deletes 5 of them.
    for task in 0..8_i64 {
        let fixture = Arc::clone(&fixture);
        tasks.spawn(async move {
            for round in 0..5_i64 {
                let first = task * 1000 + round * 10;
                let values =
                    format!("select value as a from generate_series({first}, {})", first + 9);
                let input = fixture.session.state().create_logical_plan(&values).await.unwrap();
                append(&fixture.ctx(), &fixture.location, input).await.unwrap();
                let predicate = datafusion::prelude::col("a").eq(datafusion::prelude::lit(first));
                let changed = loop {
                    let rows = rows(Some(predicate.clone()));
                    match delete(&fixture.ctx(), &fixture.location, rows).await {
                        Ok(changed) => break changed,
                        // Others may be first, again and again.
                        Err(error) => assert_eq!(error.sqlstate(), "40001", "{error:?}"),
                    }
                };
                assert_eq!(changed.deleted, 1);
            }
        });
    }
    let outside = Arc::clone(&fixture);
    tasks.spawn(async move {
        for value in 0..10 {
            append_from_outside(&outside.location, 1_000_000 + value).await;
        }
    });
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let rows = fixture.query("select count(*), count(distinct a) from t").await;
    assert_eq!(rows, ["370|370"]);
}

/// A plan that waits before it gives a row.
async fn slow_plan(fixture: &Fixture) -> LogicalPlan {
    use datafusion::arrow::datatypes::SchemaRef;
    use datafusion::execution::{SendableRecordBatchStream, TaskContext};
    use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
    use datafusion::physical_plan::streaming::PartitionStream;

    #[derive(Debug)]
    struct Slow(SchemaRef);

    impl PartitionStream for Slow {
        fn schema(&self) -> &SchemaRef {
            &self.0
        }

        fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
            let schema = Arc::clone(&self.0);
            let batches = futures::stream::once(async move {
                tokio::time::sleep(Duration::from_millis(1000)).await;
                let values = Arc::new(Int64Array::from(vec![1]));
                Ok(RecordBatch::try_new(schema, vec![values])?)
            });
            Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.0), batches))
        }
    }

    let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
    let table = datafusion::catalog::streaming::StreamingTable::try_new(
        Arc::clone(&schema),
        vec![Arc::new(Slow(schema))],
    );
    fixture.session.deregister_table("slow").unwrap();
    fixture.session.register_table("slow", Arc::new(table.unwrap())).unwrap();
    fixture.session.state().create_logical_plan("select * from slow").await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_change_changes_nothing() {
    let fixture = Fixture::with_table(&[("a", DataType::Int64)]).await;
    let plan = slow_plan(&fixture).await;
    let ctx = fixture.ctx();
    let change = append(&ctx, &fixture.location, plan);
    assert!(tokio::time::timeout(Duration::from_millis(100), change).await.is_err());
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(fixture.query("select count(*) from t").await, ["0"]);
    // The lease is free again.
    fixture.insert("select cast(2 as bigint) as a").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn added_rows_fit_onto_what_others_commit_meanwhile() {
    let fixture = Fixture::with_table(&[("a", DataType::Int64)]).await;
    fixture.insert("select cast(5 as bigint) as a").await.unwrap();
    let plan = slow_plan(&fixture).await;
    let ctx = fixture.ctx();
    let change = append(&ctx, &fixture.location, plan);
    let other = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        append_from_outside(&fixture.location, 7).await;
    };
    let (changed, ()) = tokio::join!(change, other);
    assert_eq!(changed.unwrap().version, 3);
    assert_eq!(fixture.query("select a from t order by a").await, ["1", "5", "7"]);
}

/// What another process does while the rows of a change are looked for.
enum Disturbance {
    Adds(i64),
    Deletes(i64),
}

/// Deletes all rows, and is disturbed the first time.
struct Disturbed<'a> {
    fixture: &'a Fixture,
    by: Disturbance,
    attempts: AtomicU32,
}

#[async_trait]
impl Change for Disturbed<'_> {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        let staged = Truncate::default().stage(ctx, target).await;
        if self.attempts.fetch_add(1, Ordering::SeqCst) == 0 {
            match self.by {
                Disturbance::Adds(value) => {
                    append_from_outside(&self.fixture.location, value).await
                }
                Disturbance::Deletes(value) => {
                    let table = deltalake::open_table(self.fixture.location.url().clone()).await;
                    let predicate = format!("a = {value}");
                    table.unwrap().delete().with_predicate(predicate).await.unwrap();
                }
            }
        }
        staged
    }
}

/// The rows after a change that is disturbed, and how often it was computed.
async fn disturbed(by: Disturbance) -> (Vec<String>, u32) {
    let fixture = Fixture::with_table(&[("a", DataType::Int64)]).await;
    fixture.insert("select value as a from generate_series(5, 6)").await.unwrap();
    let change = Disturbed { fixture: &fixture, by, attempts: AtomicU32::new(0) };
    apply(&fixture.ctx(), &fixture.location, &change).await.unwrap();
    (fixture.query("select a from t order by a").await, change.attempts.into_inner())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_computed_again_only_where_others_have_changed_its_rows() {
    assert_eq!(disturbed(Disturbance::Adds(7)).await, (vec!["7".to_owned()], 1));
    assert_eq!(disturbed(Disturbance::Deletes(5)).await, (Vec::new(), 2));
}

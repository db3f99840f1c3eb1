//! The change data of a transaction that has changed a table several times: one commit tells what its rows were
//! and what they are, and nothing of what they have been between. It changes no rows.
//!
//! Readers of a commit take all of its changes for changes of one moment, and none of its data files where it
//! has change data (Delta protocol, "Change Data Files"). So the feeds of the transaction's own commits are
//! added up, row by row: what was inserted and deleted again is left out, and of what has changed, the old
//! rows are deletes and the new ones inserts.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt64Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::sum;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, ident, lit, when};
use datafusion::physical_plan::execute_stream;
use deltalake::datafile::writer::DeltaWriter;
use deltalake::kernel::Action;
use futures::StreamExt;
use object_store::prefix::PrefixStore;
use serde_json::Value;

use super::ChangeContext;
use super::error::{of_arrow, of_datafusion, of_delta};
use super::net::NetChange;
use super::shape::Shape;
use super::sink::{CHANGE_DATA, CHANGE_TYPE, change_data_schema, change_file, writer_config};
use super::target::Target;
use crate::base::{Error, Result};
use crate::delta::{TimeTravel, change_feed};

/// How many times more often a row is there than before.
const NET: &str = "__lakegate_net";

/// Puts the net change data in the place of that of the single commits, where several have changed rows.
pub async fn record_net_feeds(ctx: &ChangeContext, nets: &mut [NetChange]) -> Result<()> {
    for net in nets.iter_mut().filter(|net| net.has_feeds()) {
        let changes = match net.versions() {
            // All rows of a table that the transaction has made are new: its data files say so.
            None => Vec::new(),
            Some(versions) => written(ctx, net, versions).await?,
        };
        net.replace_feeds(changes);
    }
    Ok(())
}

/// Whether rows of the table can be compared as a whole.
pub fn can_be_compared(shape: &Shape) -> bool {
    fn has_map(data_type: &DataType) -> bool {
        match data_type {
            DataType::Map(..) => true,
            DataType::Struct(fields) => fields.iter().any(|field| has_map(field.data_type())),
            DataType::List(element) => has_map(element.data_type()),
            _ => false,
        }
    }
    !shape.columns.fields().iter().any(|field| has_map(field.data_type()))
}

/// Writes files of change data; their actions.
async fn written(
    ctx: &ChangeContext,
    net: &NetChange,
    (first, last): (u64, u64),
) -> Result<Vec<Value>> {
    let location = &net.location;
    let shape = Target::open(ctx, location).await?.shape;
    let (from, to) = (TimeTravel::Version(first), TimeTravel::Version(last));
    let feed = change_feed(&ctx.tables, location, from, Some(to)).await?;
    let plan = net_plan(&shape, feed).map_err(of_datafusion)?;
    let plan = ctx.state.create_physical_plan(&plan).await.map_err(of_datafusion)?;
    let mut rows = execute_stream(plan, ctx.state.task_ctx()).map_err(of_datafusion)?;
    let store = ctx.tables.log_store(location)?.object_store(None);
    let store = Arc::new(PrefixStore::new(store, CHANGE_DATA));
    let schema = change_data_schema(&shape);
    let mut writer = DeltaWriter::new(store, writer_config(&shape, Arc::clone(&schema)));
    while let Some(batch) = rows.next().await {
        let batch = batch.map_err(of_datafusion)?;
        let (rows, kinds) = repeated(&shape, &batch)?;
        let rows = shape.file_batch(&shape.computed_batch(&rows, 0)?)?;
        let mut columns = rows.columns().to_vec();
        columns.push(kinds);
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns).map_err(of_arrow)?;
        if rows.num_rows() > 0 {
            writer.write(&rows).await.map_err(|error| of_delta(error, location))?;
        }
    }
    let files = writer.close().await.map_err(|error| of_delta(error, location))?;
    let actions = files.into_iter().map(|file| {
        let action = serde_json::to_value(Action::Cdc(change_file(file)));
        action.map_err(|cause| Error::internal("an action is no JSON").caused_by(cause))
    });
    actions.collect()
}

/// The rows of the feed, each once, with how many more of it there are than before.
fn net_plan(
    shape: &Shape,
    feed: Arc<dyn datafusion::catalog::TableProvider>,
) -> datafusion::common::Result<LogicalPlan> {
    let columns: Vec<Expr> =
        shape.columns.fields().iter().map(|field| ident(field.name())).collect();
    let typed = shape
        .columns
        .fields()
        .iter()
        .map(|field| cast(ident(field.name()), field.data_type().clone()).alias(field.name()));
    let is_new = ident(CHANGE_TYPE).in_list(vec![lit("insert"), lit("update_postimage")], false);
    let sign = when(is_new, lit(1_i64)).otherwise(lit(-1_i64))?.alias(NET);
    let feed = provider_as_source(feed);
    let plan = LogicalPlanBuilder::scan(TableReference::bare("feed"), feed, None)?
        .project(typed.chain([sign]).collect::<Vec<_>>())?
        .aggregate(columns.clone(), [sum(ident(NET)).alias(NET)])?
        .filter(ident(NET).not_eq(lit(0_i64)))?;
    let net = cast(ident(NET), DataType::Int64).alias(NET);
    plan.project(columns.into_iter().chain([net]).collect::<Vec<_>>())?.build()
}

/// Each row as often as it is new or gone, and which of the two it is.
fn repeated(shape: &Shape, batch: &RecordBatch) -> Result<(RecordBatch, ArrayRef)> {
    let counts = batch.columns().get(shape.columns.fields().len());
    let counts = counts.and_then(|counts| counts.as_primitive_opt::<Int64Type>());
    let counts = counts.ok_or_else(|| Error::internal("net changes without counts"))?;
    let (mut rows, mut kinds) = (Vec::new(), Vec::new());
    for (row, count) in counts.values().iter().enumerate() {
        let kind = if *count > 0 { "insert" } else { "delete" };
        for _ in 0..count.unsigned_abs() {
            rows.push(row as u64);
            kinds.push(kind);
        }
    }
    let rows = take_record_batch(batch, &UInt64Array::from(rows)).map_err(of_arrow)?;
    Ok((rows, Arc::new(StringArray::from(kinds))))
}

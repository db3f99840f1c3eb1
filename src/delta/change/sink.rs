//! Writes the rows of a change into data files, after checking them against the table's rules. It never
//! makes files part of the table.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int8Array, StringArray};
use datafusion::arrow::compute::{filter_record_batch, kernels, or};
use datafusion::arrow::datatypes::{
    DataType, Field, Int8Type, Int64Type, Schema, SchemaRef, UInt64Type,
};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use datafusion::physical_expr::expressions::col;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{
    ExecutionPlan, ExecutionPlanProperties, Partitioning, execute_stream,
    execute_stream_partitioned,
};
use deltalake::datafile::writer::{DeltaWriter, WriterConfig};
use deltalake::kernel::{Add, AddCDCFile};
use deltalake::logstore::ObjectStoreRef;
use deltalake::operations::get_num_idx_cols_and_stats_columns;
use futures::StreamExt;
use object_store::prefix::PrefixStore;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::ChangeContext;
use super::error::{of_arrow, of_datafusion, of_delta};
use super::returned::Returned;
use super::rows::{Repeated, RowKind, Rows};
use super::rules::Rules;
use super::shape::Shape;
use super::touched::Found;
use crate::base::{Error, ErrorKind, Result};
use crate::storage::Location;

/// The size at which a data file is full, where the table does not say.
const TARGET_FILE_BYTES: u64 = 256 << 20;

/// Rows of a row group: a unit of parallel reads, and of skipping.
const ROW_GROUP_ROWS_MAX: usize = 1 << 20;

/// Bytes in memory after which one more file is written at the same time. Small changes make one file.
const BYTES_PER_WRITER: usize = 256 << 20;

/// Batches that wait for a writer.
const WAITING_BATCHES: usize = 2;

/// The folder of change data files.
pub(super) const CHANGE_DATA: &str = "_change_data";

/// The column of change data files that says what a row is.
pub(super) const CHANGE_TYPE: &str = "_change_type";

/// What a sink has written.
#[derive(Default)]
pub struct Written {
    pub adds: Vec<Add>,
    pub changes: Vec<AddCDCFile>,
    pub copied: u64,
    pub inserted: u64,
    pub updated: u64,
    pub deleted: u64,
}

impl Written {
    fn merge(&mut self, other: Written) {
        self.adds.extend(other.adds);
        self.changes.extend(other.changes);
        self.copied += other.copied;
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.deleted += other.deleted;
    }
}

/// Runs a plan and writes its rows below the location of a table.
pub async fn write(
    ctx: &ChangeContext,
    location: &Location,
    shape: &Arc<Shape>,
    rows: Rows,
) -> Result<Written> {
    let writers_max = ctx.state.config().target_partitions().max(1);
    write_with(ctx, location, shape, rows, writers_max).await
}

/// As [`write`], each file with rows that follow each other in the plan.
pub async fn write_in_order(
    ctx: &ChangeContext,
    location: &Location,
    shape: &Arc<Shape>,
    rows: Rows,
) -> Result<Written> {
    write_with(ctx, location, shape, rows, 1).await
}

async fn write_with(
    ctx: &ChangeContext,
    location: &Location,
    shape: &Arc<Shape>,
    rows: Rows,
    writers_max: usize,
) -> Result<Written> {
    let store = ctx.tables.log_store(location)?.object_store(None);
    let rules = Rules::try_new(&ctx.state, shape, rows.replaced.as_ref())?;
    let plan = ctx.state.create_physical_plan(&rows.plan).await.map_err(of_datafusion)?;
    let sink = Arc::new(Sink::new(ctx, location, shape, &rows, rules, store));
    let task = ctx.state.task_ctx();
    if shape.partition_columns.is_empty() {
        let stream = execute_stream(plan, task).map_err(of_datafusion)?;
        return drain(sink, stream, writers_max).await;
    }
    // Every partition of the table is written by one writer, so that it gets few files.
    let plan = by_partition(plan, &shape.partition_columns, writers_max)?;
    let mut lanes = JoinSet::new();
    for stream in execute_stream_partitioned(plan, task).map_err(of_datafusion)? {
        lanes.spawn(drain(Arc::clone(&sink), stream, 1));
    }
    join(lanes).await
}

fn by_partition(
    plan: Arc<dyn ExecutionPlan>,
    columns: &[String],
    partitions: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    if plan.output_partitioning().partition_count() == 1 {
        return Ok(plan);
    }
    let schema = plan.schema();
    let columns: Result<Vec<_>, _> = columns.iter().map(|name| col(name, &schema)).collect();
    let hash = Partitioning::Hash(columns.map_err(of_datafusion)?, partitions);
    Ok(Arc::new(RepartitionExec::try_new(plan, hash).map_err(of_datafusion)?))
}

/// Writes a stream with as many writers as its length is worth.
///
/// The writers are tasks of their own, and end when this future is dropped.
async fn drain(
    sink: Arc<Sink>,
    mut stream: SendableRecordBatchStream,
    writers_max: usize,
) -> Result<Written> {
    let mut writers = JoinSet::new();
    let mut inputs: Vec<mpsc::Sender<RecordBatch>> = Vec::new();
    let mut bytes = 0;
    let mut turn = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(of_datafusion)?;
        if inputs.len() <= (bytes / BYTES_PER_WRITER).min(writers_max - 1) {
            let (input, batches) = mpsc::channel(WAITING_BATCHES);
            writers.spawn(write_batches(Arc::clone(&sink), batches));
            inputs.push(input);
        }
        bytes += batch.get_array_memory_size();
        turn = (turn + 1) % inputs.len();
        let Some(input) = inputs.get(turn) else { break };
        if input.send(batch).await.is_err() {
            // The writer has failed, and says why.
            break;
        }
    }
    drop(inputs);
    join(writers).await
}

async fn join(mut tasks: JoinSet<Result<Written>>) -> Result<Written> {
    let mut written = Written::default();
    while let Some(result) = tasks.join_next().await {
        let result =
            result.map_err(|cause| Error::internal("a writer broke off").caused_by(cause))?;
        written.merge(result?);
    }
    Ok(written)
}

async fn write_batches(
    sink: Arc<Sink>,
    mut batches: mpsc::Receiver<RecordBatch>,
) -> Result<Written> {
    let mut files = sink.open();
    let mut failure = None;
    while let Some(batch) = batches.recv().await {
        if let Err(error) = files.write(&sink, &batch).await {
            failure = Some(error);
            break;
        }
    }
    match failure {
        None => files.close(&sink).await,
        Some(error) => {
            files.abort().await;
            Err(error)
        }
    }
}

/// What all writers of one change share.
struct Sink {
    location: Location,
    shape: Arc<Shape>,
    rules: Rules,
    has_old: bool,
    has_kind: bool,
    repeated: Option<Repeated>,
    store: ObjectStoreRef,
    data: WriterConfig,
    change_data: Option<ChangeData>,
    /// The rows that were changed, to find those that are changed twice.
    changed_rows: Mutex<Found>,
    returned: Option<Arc<Returned>>,
}

/// Where and how change data is written.
struct ChangeData {
    store: ObjectStoreRef,
    schema: SchemaRef,
    config: WriterConfig,
}

impl Sink {
    fn new(
        ctx: &ChangeContext,
        location: &Location,
        shape: &Arc<Shape>,
        rows: &Rows,
        rules: Rules,
        store: ObjectStoreRef,
    ) -> Self {
        let records_changes = shape.records_changes() && rows.has_old;
        let change_data = records_changes.then(|| {
            let schema = change_data_schema(shape);
            ChangeData {
                store: Arc::new(PrefixStore::new(Arc::clone(&store), CHANGE_DATA)),
                config: writer_config(shape, Arc::clone(&schema)),
                schema,
            }
        });
        Sink {
            location: location.clone(),
            shape: Arc::clone(shape),
            rules,
            has_old: rows.has_old,
            has_kind: rows.has_kind,
            repeated: rows.repeated,
            store,
            data: writer_config(shape, Arc::clone(&shape.files)),
            change_data,
            changed_rows: Mutex::new(Found::new(ctx)),
            returned: ctx.returned.clone(),
        }
    }

    fn open(&self) -> Files {
        let data = DeltaWriter::new(Arc::clone(&self.store), self.data.clone());
        let changes = self.change_data.as_ref();
        let changes = changes
            .map(|changes| DeltaWriter::new(Arc::clone(&changes.store), changes.config.clone()));
        Files { data, changes, written: Written::default() }
    }

    /// Keeps rows for the statement to give back.
    fn give_back(&self, rows: &RecordBatch, changed: Option<&BooleanArray>) -> Result<()> {
        let Some(returned) = &self.returned else { return Ok(()) };
        match changed {
            Some(changed) => returned.push(filtered(rows, changed)?),
            None => returned.push(rows.clone()),
        }
    }

    /// Which rows of a batch do not change a row of the table that is changed already.
    fn first_changes(
        &self,
        kinds: &Int8Array,
        places: &[ArrayRef],
        repeated: Repeated,
    ) -> Result<BooleanArray> {
        let [files, positions] = places else { return Err(Error::internal("rows without places")) };
        let (Some(files), Some(positions)) =
            (files.as_primitive_opt::<UInt64Type>(), positions.as_primitive_opt::<Int64Type>())
        else {
            return Err(Error::internal("rows without places"));
        };
        let mut changed = self.changed_rows.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = Vec::with_capacity(kinds.len());
        for ((file, position), kind) in files.iter().zip(positions).zip(kinds.values()) {
            let changes = *kind == RowKind::Updated as i8 || *kind == RowKind::Deleted as i8;
            let (Some(file), Some(position), true) = (file, position, changes) else {
                first.push(true);
                continue;
            };
            let is_first = changed.insert(file, position)?;
            if !is_first && repeated == Repeated::Refused {
                return Err(changed_twice());
            }
            first.push(is_first);
        }
        changed.note_memory()?;
        Ok(first.into())
    }
}

/// A row of the table would be changed by more than one row of a source: 21000.
fn changed_twice() -> Error {
    Error::new(ErrorKind::CardinalityViolation, "MERGE command cannot affect row a second time")
        .with_hint("Ensure that not more than one source row matches any one target row.")
}

/// The files that one writer writes.
struct Files {
    data: DeltaWriter,
    changes: Option<DeltaWriter>,
    written: Written,
}

impl Files {
    async fn write(&mut self, sink: &Sink, batch: &RecordBatch) -> Result<()> {
        if !sink.has_kind {
            let rows = sink.shape.computed_batch(batch, 0)?;
            sink.rules.check(&rows)?;
            sink.give_back(&rows, None)?;
            self.written.inserted += rows.num_rows() as u64;
            return self.write_data(sink, &rows).await;
        }
        let columns = sink.shape.columns.fields().len();
        let kind_at = if sink.has_old { 2 * columns } else { columns };
        let mut batch = batch.clone();
        if let Some(repeated) = sink.repeated {
            let places = batch.columns().get(kind_at + 1..).unwrap_or_default();
            let first = sink.first_changes(kinds_of(&batch, kind_at)?, places, repeated)?;
            batch = filtered(&batch, &first)?;
        }
        let kinds = kinds_of(&batch, kind_at)?;
        let rows = sink.shape.computed_batch(&batch, 0)?;
        let is = |kind: RowKind| {
            kernels::cmp::eq(kinds, &Int8Array::new_scalar(kind as i8)).map_err(of_arrow)
        };
        let (inserted, updated) = (is(RowKind::Inserted)?, is(RowKind::Updated)?);
        let (copied, deleted) = (is(RowKind::Copied)?, is(RowKind::Deleted)?);
        let new = or(&inserted, &updated).map_err(of_arrow)?;
        sink.rules.check(&filtered(&rows, &new)?)?;
        sink.give_back(&rows, Some(&or(&new, &deleted).map_err(of_arrow)?))?;
        self.written.copied += copied.true_count() as u64;
        self.written.inserted += inserted.true_count() as u64;
        self.written.updated += updated.true_count() as u64;
        self.written.deleted += deleted.true_count() as u64;
        if let Some(changes) = &sink.change_data {
            let old = sink.shape.computed_batch(&batch, columns)?;
            for (rows, mask, change) in [
                (&rows, &inserted, "insert"),
                (&old, &updated, "update_preimage"),
                (&rows, &updated, "update_postimage"),
                (&old, &deleted, "delete"),
            ] {
                self.write_change(sink, changes, &filtered(rows, mask)?, change).await?;
            }
        }
        let kept = or(&new, &copied).map_err(of_arrow)?;
        self.write_data(sink, &filtered(&rows, &kept)?).await
    }

    async fn write_data(&mut self, sink: &Sink, rows: &RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let rows = sink.shape.file_batch(rows)?;
        self.data.write(&rows).await.map_err(|error| of_delta(error, &sink.location))
    }

    async fn write_change(
        &mut self,
        sink: &Sink,
        changes: &ChangeData,
        rows: &RecordBatch,
        change: &str,
    ) -> Result<()> {
        let Some(writer) = self.changes.as_mut().filter(|_| rows.num_rows() > 0) else {
            return Ok(());
        };
        let rows = sink.shape.file_batch(rows)?;
        let mut columns = rows.columns().to_vec();
        columns.push(Arc::new(StringArray::from(vec![change; rows.num_rows()])));
        let rows = RecordBatch::try_new(Arc::clone(&changes.schema), columns).map_err(of_arrow)?;
        writer.write(&rows).await.map_err(|error| of_delta(error, &sink.location))
    }

    async fn close(mut self, sink: &Sink) -> Result<Written> {
        let adds = self.data.close().await;
        self.written.adds = adds.map_err(|error| of_delta(error, &sink.location))?;
        if let Some(changes) = self.changes {
            let adds = changes.close().await.map_err(|error| of_delta(error, &sink.location))?;
            self.written.changes = adds.into_iter().map(change_file).collect();
        }
        Ok(self.written)
    }

    /// Ends uploads that have begun. What cannot be ended is left to the storage's own rules: the change
    /// has failed already.
    async fn abort(self) {
        let _ = self.data.abort().await;
        if let Some(changes) = self.changes {
            let _ = changes.abort().await;
        }
    }
}

fn kinds_of(batch: &RecordBatch, at: usize) -> Result<&Int8Array> {
    let kinds = batch.columns().get(at).and_then(|kinds| kinds.as_primitive_opt::<Int8Type>());
    kinds.ok_or_else(|| Error::internal("rows without kinds"))
}

fn filtered(batch: &RecordBatch, mask: &BooleanArray) -> Result<RecordBatch> {
    if mask.null_count() == 0 && mask.true_count() == mask.len() {
        return Ok(batch.clone());
    }
    filter_record_batch(batch, mask).map_err(of_arrow)
}

pub(super) fn change_file(add: Add) -> AddCDCFile {
    AddCDCFile {
        path: format!("{CHANGE_DATA}/{}", add.path),
        size: add.size,
        partition_values: add.partition_values,
        data_change: false,
        tags: add.tags,
    }
}

pub(super) fn change_data_schema(shape: &Shape) -> SchemaRef {
    let mut fields = shape.files.fields().to_vec();
    fields.push(Arc::new(Field::new(CHANGE_TYPE, DataType::Utf8, false)));
    Arc::new(Schema::new(fields))
}

pub(super) fn writer_config(shape: &Shape, schema: SchemaRef) -> WriterConfig {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS_MAX))
        .set_created_by(concat!("lakegate version ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let target = shape.properties.get("delta.targetFileSize");
    let target = target.and_then(|size| size.parse().ok()).or(NonZeroU64::new(TARGET_FILE_BYTES));
    let options: HashMap<String, Option<String>> = shape
        .properties
        .iter()
        .map(|(key, value)| match key.as_str() {
            STATISTICS_COLUMNS => (key.clone(), Some(file_names(shape, value))),
            _ => (key.clone(), Some(value.clone())),
        })
        .collect();
    let (indexed, named) = get_num_idx_cols_and_stats_columns(None, options);
    let partitions = shape.file_partition_columns();
    let config = WriterConfig::new(
        schema,
        partitions,
        Some(properties),
        target,
        Some(ROW_GROUP_ROWS_MAX),
        indexed,
        named,
    );
    // Physical names of columns do not belong into paths.
    config.with_random_prefix_length(shape.is_mapped().then_some(2))
}

/// The property with the names of the columns that have statistics.
const STATISTICS_COLUMNS: &str = "delta.dataSkippingStatsColumns";

fn file_names(shape: &Shape, columns: &str) -> String {
    let names = columns.split(',').map(|name| shape.file_name(name.trim()));
    names.collect::<Vec<_>>().join(",")
}

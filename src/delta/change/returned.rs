//! The rows that a change gives back: kept until it is made, on disk where they are more than memory takes.
//! It never computes what is asked of them.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::common::DataFusionError;
use datafusion::execution::SpillFile;
use datafusion::execution::context::SessionState;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::SpillManager;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use super::error::of_datafusion;
use crate::base::Result;

/// Rows that a change has made or taken away, as they are given back.
pub struct Returned {
    runtime: Arc<RuntimeEnv>,
    kept: Mutex<Kept>,
}

struct Kept {
    batches: Vec<RecordBatch>,
    memory: MemoryReservation,
    /// Batches that are on disk.
    files: Vec<Spilled>,
}

/// Batches in a file on disk.
struct Spilled {
    schema: SchemaRef,
    file: Arc<dyn SpillFile>,
}

impl Returned {
    pub fn new(state: &SessionState) -> Arc<Self> {
        let runtime = Arc::clone(state.runtime_env());
        let memory = MemoryConsumer::new("rows to give back").register(&runtime.memory_pool);
        let kept = Mutex::new(Kept { batches: Vec::new(), memory, files: Vec::new() });
        Arc::new(Returned { runtime, kept })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what an attempt has kept that was for nothing.
    pub fn clear(&self) {
        let mut kept = self.kept();
        kept.batches.clear();
        kept.files.clear();
        kept.memory.free();
    }

    /// Keeps rows, in the table's columns.
    pub fn push(&self, batch: RecordBatch) -> Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let mut kept = self.kept();
        let fits = kept.memory.try_grow(batch.get_array_memory_size()).is_ok();
        let schema = batch.schema();
        kept.batches.push(batch);
        if fits {
            return Ok(());
        }
        let batches = std::mem::take(&mut kept.batches);
        let spill = self.spill_manager(&schema);
        let file = spill.spill_record_batch_and_finish(&batches, "rows to give back");
        kept.files.extend(file.map_err(of_datafusion)?.map(|file| Spilled { schema, file }));
        kept.memory.free();
        Ok(())
    }

    fn spill_manager(&self, schema: &SchemaRef) -> SpillManager {
        let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
        SpillManager::new(Arc::clone(&self.runtime), metrics, Arc::clone(schema))
    }

    /// The rows as a relation that is read once, after the change, with columns of the schema's types.
    pub fn relation(self: &Arc<Self>, schema: &SchemaRef) -> Result<Arc<dyn TableProvider>> {
        let rows = ReturnedRows { returned: Arc::clone(self), schema: Arc::clone(schema) };
        let table = StreamingTable::try_new(Arc::clone(schema), vec![Arc::new(rows)]);
        Ok(Arc::new(table.map_err(of_datafusion)?))
    }

    fn stream(&self) -> SendableRecordBatchStream {
        let mut kept = self.kept();
        let files = std::mem::take(&mut kept.files);
        let batches = std::mem::take(&mut kept.batches);
        let memory = kept.memory.take();
        let schema = match (files.first(), batches.first()) {
            (Some(spilled), _) => Arc::clone(&spilled.schema),
            (None, Some(batch)) => batch.schema(),
            (None, None) => Arc::new(datafusion::arrow::datatypes::Schema::empty()),
        };
        let spill = self.spill_manager(&schema);
        let files =
            files.into_iter().map(move |spilled| spill.read_spill_as_stream(spilled.file, None));
        let spilled = stream::iter(files).try_flatten();
        let batches = stream::iter(batches).map(move |batch| {
            // The memory is theirs as long as some of them may be left.
            let _ = &memory;
            Ok(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(schema, spilled.chain(batches)))
    }
}

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct ReturnedRows {
    returned: Arc<Returned>,
    schema: SchemaRef,
}

impl PartitionStream for ReturnedRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        cast_rows(self.returned.stream(), Arc::clone(&self.schema))
    }
}

/// Rows with the types and names of `schema`.
pub fn cast_rows(
    rows: impl Stream<Item = std::result::Result<RecordBatch, DataFusionError>> + Send + 'static,
    schema: SchemaRef,
) -> SendableRecordBatchStream {
    let target = Arc::clone(&schema);
    let rows = rows.map(move |batch| {
        let batch = batch?;
        let columns = batch.columns().iter().zip(target.fields());
        let columns = columns.map(|(column, field)| cast(column, field.data_type()));
        let columns: std::result::Result<Vec<ArrayRef>, ArrowError> = columns.collect();
        let batch = RecordBatch::try_new(Arc::clone(&target), columns?);
        batch.map_err(DataFusionError::from)
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

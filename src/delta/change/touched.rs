//! The data files that have rows which a change takes away, and what becomes of those files. It never
//! decides which rows that are.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{Int64Type, UInt64Type};
use datafusion::common::{Column, TableReference};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::physical_plan::execute_stream;
use deltalake::kernel::{Action, Add, LogicalFileView};
use futures::StreamExt;
use roaring::RoaringTreemap;
use serde_json::{Map, Value, json};

use super::ChangeContext;
use super::error::of_datafusion;
use super::target::Target;
use super::vector::write_vectors;
use crate::base::{Error, Result};
use crate::delta::deletion_vector::{selection_of, selection_without};
use crate::delta::scan::{FILE, POSITION, Selections};

/// The share of a file's rows up to which a deletion vector says which of them are deleted, in tables that
/// have deletion vectors. When a file has lost more, what is left of it is written again.
const MARKED_SHARE_MAX: f64 = 0.5;

/// Rows whose memory need not be asked for: they take little.
const ROWS_NOTED_MIN: u64 = 1 << 16;

/// Rows of a table, as positions in its files.
pub struct Found {
    files: BTreeMap<usize, RoaringTreemap>,
    rows: u64,
    memory: MemoryReservation,
    /// How many rows there were when their memory was last asked for.
    rows_noted: u64,
}

impl Found {
    pub fn new(ctx: &ChangeContext) -> Self {
        let pool = &ctx.state.runtime_env().memory_pool;
        let memory = MemoryConsumer::new("rows to be changed").register(pool);
        Found { files: BTreeMap::new(), rows: 0, memory, rows_noted: 0 }
    }

    /// All rows of files.
    pub async fn whole(ctx: &ChangeContext, target: &Target, files: Vec<usize>) -> Result<Self> {
        let store = ctx.tables.store(&target.location)?;
        let mut found = Found::new(ctx);
        for file in files {
            let physical_rows = target.data.physical_rows(&store, file, None).await?;
            let mut rows = RoaringTreemap::new();
            rows.insert_range(0..physical_rows);
            rows -= target.data.deleted_rows(file).await?;
            found.rows += rows.len();
            if !rows.is_empty() {
                found.files.insert(file, rows);
            }
        }
        found.note_memory()?;
        Ok(found)
    }

    /// Adds the rows that a plan gives. It has the columns [`FILE`] and [`POSITION`] under the qualifier.
    pub async fn add(
        &mut self,
        ctx: &ChangeContext,
        qualifier: &TableReference,
        plan: LogicalPlan,
    ) -> Result<()> {
        let place = [FILE, POSITION];
        let place = place.map(|name| Expr::Column(Column::new(Some(qualifier.clone()), name)));
        let plan = LogicalPlanBuilder::new(plan).project(place).and_then(LogicalPlanBuilder::build);
        let plan = ctx.state.create_physical_plan(&plan.map_err(of_datafusion)?).await;
        let plan = plan.map_err(of_datafusion)?;
        let mut rows = execute_stream(plan, ctx.state.task_ctx()).map_err(of_datafusion)?;
        while let Some(batch) = rows.next().await {
            let batch = batch.map_err(of_datafusion)?;
            let (Some(files), Some(positions)) = (
                batch.column(0).as_primitive_opt::<UInt64Type>(),
                batch.column(1).as_primitive_opt::<Int64Type>(),
            ) else {
                return Err(Error::internal("rows without places"));
            };
            if files.null_count() + positions.null_count() > 0 {
                return Err(Error::internal("a row without a place"));
            }
            for (file, position) in files.values().iter().zip(positions.values()) {
                self.insert(*file, *position)?;
            }
            self.note_memory()?;
        }
        Ok(())
    }

    /// Asks for the memory that the rows take by now, when they are many more than before.
    pub fn note_memory(&mut self) -> Result<()> {
        if self.rows - self.rows_noted < ROWS_NOTED_MIN.max(self.rows_noted / 8) {
            return Ok(());
        }
        self.rows_noted = self.rows;
        let bytes = self.files.values().map(RoaringTreemap::serialized_size).sum();
        self.memory.try_resize(bytes).map_err(of_datafusion)
    }

    /// Whether the row was not there before.
    pub fn insert(&mut self, file: u64, position: i64) -> Result<bool> {
        let (Ok(file), Ok(position)) = (usize::try_from(file), u64::try_from(position)) else {
            return Err(Error::internal("a place that no row has"));
        };
        let is_new = self.files.entry(file).or_default().insert(position);
        self.rows += u64::from(is_new);
        Ok(is_new)
    }
}

/// What becomes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// No row of it is left.
    Removed,
    /// What is left of it is written again.
    Rewritten,
    /// It stays, with a deletion vector for the rows that go.
    Marked,
}

struct TouchedFile {
    file: usize,
    view: LogicalFileView,
    /// The rows in storage.
    physical_rows: u64,
    /// Rows that were deleted before.
    deleted: RoaringTreemap,
    /// Rows that go now.
    gone: RoaringTreemap,
    fate: Fate,
}

/// Files that rows are taken away from.
pub struct TouchedFiles {
    files: Vec<TouchedFile>,
    _memory: MemoryReservation,
}

impl TouchedFiles {
    /// Decides what becomes of the files that the found rows are in.
    pub async fn new(ctx: &ChangeContext, target: &Target, found: Found) -> Result<Self> {
        let store = ctx.tables.store(&target.location)?;
        let mut views =
            if found.files.is_empty() { Default::default() } else { target.files(ctx).await? };
        let mut files = Vec::with_capacity(found.files.len());
        for (file, gone) in found.files {
            let path = target.data.files().paths.get(file);
            let view = path.and_then(|path| views.remove(path));
            let view = view.ok_or_else(|| Error::internal("a row of a file that is not there"))?;
            let physical_rows = target.data.physical_rows(&store, file, None).await?;
            let deleted = target.data.deleted_rows(file).await?;
            let left = physical_rows.saturating_sub(deleted.len() + gone.len());
            let share = (deleted.len() + gone.len()) as f64 / physical_rows as f64;
            let fate = match left {
                0 => Fate::Removed,
                _ if target.shape.marks_deleted() && share <= MARKED_SHARE_MAX => Fate::Marked,
                _ => Fate::Rewritten,
            };
            files.push(TouchedFile { file, view, physical_rows, deleted, gone, fate });
        }
        Ok(TouchedFiles { files, _memory: found.memory })
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// How many rows go.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.gone.len()).sum()
    }

    /// The rows that go.
    pub fn gone(&self) -> Result<Selections> {
        selections(&self.files, |file| selection_of(&file.gone, file.physical_rows))
    }

    /// The rows that stay, and are to be written again.
    pub fn copied(&self) -> Result<Selections> {
        let rewritten = self.files.iter().filter(|file| file.fate == Fate::Rewritten);
        selections(rewritten, |file| {
            selection_without(&(&file.deleted | &file.gone), file.physical_rows)
        })
    }

    /// Writes the deletion vectors; what the log says of the files.
    pub async fn actions(&self, ctx: &ChangeContext, target: &Target) -> Result<Vec<Action>> {
        let marked = || self.files.iter().filter(|file| file.fate == Fate::Marked);
        let rows = marked().map(|file| &file.deleted | &file.gone).collect();
        let vectors = write_vectors(ctx, &target.location, rows).await?;
        let removes = self.files.iter();
        let removes = removes.map(|file| Action::Remove(file.view.remove_action(true)));
        let adds = marked().zip(vectors).map(|(file, vector)| {
            let mut add = added_again(&file.view);
            add.stats = Some(loose_statistics(add.stats.as_deref(), file.physical_rows));
            add.deletion_vector = Some(vector);
            Action::Add(add)
        });
        Ok(removes.chain(adds).collect())
    }
}

fn selections<'a>(
    files: impl IntoIterator<Item = &'a TouchedFile>,
    selection: impl Fn(&TouchedFile) -> Result<RowSelection>,
) -> Result<Selections> {
    let files = files.into_iter();
    files.map(|file| Ok((file.file, Arc::new(selection(file)?)))).collect()
}

/// The action that adds a file as it is in the log.
#[expect(deprecated, reason = "deltalake has no other way from a file of the log to an action")]
pub fn added_again(file: &LogicalFileView) -> Add {
    file.add_action()
}

/// The statistics of a file of whose rows some are deleted: they still count all rows, and their bounds may
/// be of rows that are gone (Delta protocol, "Per-file Statistics").
fn loose_statistics(statistics: Option<&str>, physical_rows: u64) -> String {
    let known: Option<Map<String, Value>> =
        statistics.and_then(|statistics| serde_json::from_str(statistics).ok());
    let mut statistics = known.unwrap_or_default();
    statistics.insert("numRecords".to_owned(), json!(physical_rows));
    statistics.insert("tightBounds".to_owned(), json!(false));
    Value::Object(statistics).to_string()
}

//! The table that a change is made to, as of the version that the change is based on. It never changes it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use deltalake::DeltaTable;
use deltalake::kernel::{Action, EagerSnapshot, LogicalFileView};
use object_store::path::Path;

use super::ChangeContext;
use super::error::{concurrent_update, of_datafusion};
use super::shape::Shape;
use crate::base::{Error, ErrorKind, Result};
use crate::delta::scan::{Selections, VersionProvider};
use crate::delta::{TableVersion, outside};
use crate::storage::Location;

/// A table as of its newest version, opened for one attempt at a change.
pub struct Target {
    pub location: Location,
    pub table: DeltaTable,
    pub shape: Arc<Shape>,
    /// The table as scans see it.
    pub data: Arc<TableVersion>,
    snapshot: Arc<EagerSnapshot>,
}

impl Target {
    /// Opens the newest version, and refuses tables that cannot be changed rightly.
    pub async fn open(ctx: &ChangeContext, location: &Location) -> Result<Self> {
        let data = ctx.tables.open(location).await?;
        data.check_writable()?;
        let table = ctx.tables.delta_table_at(location, data.version()).await?;
        let state = table.snapshot();
        let state =
            state.map_err(|cause| Error::internal("a table without state").caused_by(cause))?;
        let snapshot = Arc::new(state.snapshot().clone());
        if ctx.planned_version.is_some_and(|planned| planned != snapshot.version()) {
            return Err(concurrent_update());
        }
        let shape = Shape::try_new(
            snapshot.schema(),
            snapshot.metadata().partition_columns().to_vec(),
            snapshot.metadata().configuration().clone(),
        )?;
        Ok(Target { location: location.clone(), table, shape: Arc::new(shape), data, snapshot })
    }

    pub fn version(&self) -> u64 {
        self.snapshot.version()
    }

    pub fn snapshot(&self) -> &EagerSnapshot {
        &self.snapshot
    }

    /// Refuses changes that take rows away from a table that may only grow.
    pub fn check_not_append_only(&self) -> Result<()> {
        if !self.shape.is_append_only() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::ObjectNotInPrerequisiteState,
            "rows of an append-only table cannot be changed",
        )
        .with_hint("Set the table's property delta.appendOnly to false."))
    }

    /// The data files by their place in the storage.
    pub fn files(&self) -> Result<HashMap<Path, LogicalFileView>> {
        let files = self.snapshot.log_data();
        let placed = files.iter().map(|file| {
            let path = self.location.resolved_file(&file.path()).ok_or_else(outside)?;
            Ok((path, file))
        });
        placed.collect()
    }

    /// Takes every data file out of the table.
    pub fn remove_all(&self) -> Vec<Action> {
        let files = self.snapshot.log_data();
        files.iter().map(|file| Action::Remove(file.remove_action(true))).collect()
    }

    /// The rows of the table, or of some of its files.
    pub fn read(
        &self,
        ctx: &ChangeContext,
        files: Option<Arc<HashSet<Path>>>,
    ) -> Result<LogicalPlan> {
        let store = ctx.tables.store(&self.location)?;
        let provider = VersionProvider::new(Arc::clone(&self.data), store);
        let provider = match files {
            Some(files) => provider.with_files(files),
            None => provider,
        };
        planned(&TableReference::bare("t"), Arc::new(provider))
    }

    /// The rows of the table, or some of them, under a qualifier, with the columns that tell where each is.
    pub fn rows(
        &self,
        ctx: &ChangeContext,
        qualifier: &TableReference,
        rows: Option<Selections>,
    ) -> Result<LogicalPlan> {
        let store = ctx.tables.store(&self.location)?;
        let provider = VersionProvider::for_changes(Arc::clone(&self.data), store, rows);
        planned(qualifier, Arc::new(provider))
    }
}

/// The number of rows in a file, if the log says.
pub fn rows_of(file: &LogicalFileView) -> Option<u64> {
    let physical = u64::try_from(file.num_records()?).ok()?;
    let deleted = match file.deletion_vector_descriptor() {
        Some(vector) => u64::try_from(vector.cardinality).ok()?,
        None => 0,
    };
    physical.checked_sub(deleted)
}

fn planned(qualifier: &TableReference, provider: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan(qualifier.clone(), provider_as_source(provider), None)
        .and_then(|plan| plan.build())
        .map_err(of_datafusion)
}

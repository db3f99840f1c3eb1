//! The table that a change is made to, as of the version that the change is based on. It never changes it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use deltalake::kernel::{Action, EagerSnapshot, LogicalFileView, Metadata, Protocol};
use deltalake::logstore::LogStoreRef;
use object_store::path::Path;
use tokio::sync::OnceCell;

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
    pub log: LogStoreRef,
    pub shape: Arc<Shape>,
    /// The table as scans see it.
    pub data: Arc<TableVersion>,
    /// What deltalake knows of every file: read when it is asked for, since rows are added without it.
    snapshot: OnceCell<EagerSnapshot>,
}

impl Target {
    /// Opens the newest version, and refuses tables that cannot be changed rightly.
    pub async fn open(ctx: &ChangeContext, location: &Location) -> Result<Self> {
        let data = ctx.tables.open(location).await?;
        data.check_writable()?;
        if ctx.planned_version.is_some_and(|planned| planned != data.version()) {
            return Err(concurrent_update());
        }
        let metadata = data.snapshot().table_configuration().metadata();
        let shape = Shape::try_new(
            data.snapshot().schema(),
            metadata.partition_columns().to_vec(),
            metadata.configuration().clone(),
        )?;
        Ok(Target {
            location: location.clone(),
            log: ctx.tables.log_store(location)?,
            shape: Arc::new(shape),
            data,
            snapshot: OnceCell::new(),
        })
    }

    pub fn version(&self) -> u64 {
        self.data.version()
    }

    pub fn metadata(&self) -> &Metadata {
        self.data.snapshot().table_configuration().metadata()
    }

    pub fn protocol(&self) -> &Protocol {
        self.data.snapshot().table_configuration().protocol()
    }

    /// The version with every one of its files.
    pub async fn snapshot(&self, ctx: &ChangeContext) -> Result<&EagerSnapshot> {
        let load = async || {
            let table = ctx.tables.delta_table_at(&self.location, self.version()).await?;
            let state = table.snapshot();
            let state =
                state.map_err(|cause| Error::internal("a table without state").caused_by(cause))?;
            Ok(state.snapshot().clone())
        };
        self.snapshot.get_or_try_init(load).await
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
    pub async fn files(&self, ctx: &ChangeContext) -> Result<HashMap<Path, LogicalFileView>> {
        let files = self.snapshot(ctx).await?.log_data();
        let placed = files.iter().map(|file| {
            let path = self.location.resolved_file(&file.path()).ok_or_else(outside)?;
            Ok((path, file))
        });
        placed.collect()
    }

    /// Takes every data file out of the table.
    pub async fn remove_all(&self, ctx: &ChangeContext) -> Result<Vec<Action>> {
        let files = self.snapshot(ctx).await?.log_data();
        Ok(files.iter().map(|file| Action::Remove(file.remove_action(true))).collect())
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

fn planned(qualifier: &TableReference, provider: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
    LogicalPlanBuilder::scan(qualifier.clone(), provider_as_source(provider), None)
        .and_then(|plan| plan.build())
        .map_err(of_datafusion)
}

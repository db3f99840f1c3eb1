//! COPY INTO: rows of files that a table has not loaded yet. Which ones it has is in its own log, as the
//! versions of application transactions (Delta protocol, "Transaction Identifiers"), one for each file: they
//! are part of the commit that brings the rows. It opens no such file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::Utc;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::logical_expr::LogicalPlan;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::schema::{DataType, StructField, StructType};
use delta_kernel::{DeltaResult, SnapshotRef};
use deltalake::kernel::{Action, Transaction};
use deltalake::protocol::{DeltaOperation, SaveMode};

use super::append::actions_of;
use super::commit::{Change, Staged, apply};
use super::identity::metadata_after;
use super::rows::inserted;
use super::sink::write;
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::{Error, Result};
use crate::delta::error::error_of_kernel;
use crate::storage::Location;

/// What the names of the transactions begin with; the file's URL follows.
pub const LOADED: &str = "lakegate.copyInto:";

/// The version of a transaction that has been taken back: the file is not loaded.
pub const NOT_LOADED: i64 = 0;

/// The files that are there to be loaded.
#[async_trait]
pub trait Loading: Sync {
    /// The rows of the files that are not among those loaded already, and the URLs of these files; `None`
    /// where there are none.
    async fn rows(&self, loaded: &HashSet<String>) -> Result<Option<(LogicalPlan, Vec<String>)>>;

    /// The files that could not be read and were passed over, once the rows have been read.
    fn skipped(&self) -> Vec<String>;
}

/// Adds the rows of files that no version of the table has loaded, in one commit with the record of it.
pub async fn load(
    ctx: &ChangeContext,
    location: &Location,
    files: &dyn Loading,
) -> Result<Changed> {
    apply(ctx, location, &Load { files }).await
}

struct Load<'a> {
    files: &'a dyn Loading,
}

#[async_trait]
impl Change for Load<'_> {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        let operation =
            DeltaOperation::Write { mode: SaveMode::Append, partition_by: None, predicate: None };
        let nothing = |operation| Staged {
            actions: Vec::new(),
            operation,
            changed: Changed::default(),
            is_blind_append: false,
        };
        let loaded = loaded_files(target).await?;
        let Some((input, files)) = self.files.rows(&loaded).await? else {
            return Ok(nothing(operation));
        };
        let rows = inserted(&ctx.state, &target.shape, input)?;
        let numberings = rows.numberings.clone();
        let written = write(ctx, &target.location, &target.shape, rows).await?;
        let changed = Changed { inserted: written.inserted, ..Changed::default() };
        let mut actions = actions_of(written);
        actions.extend(metadata_after(target, &numberings)?);
        let skipped = self.files.skipped();
        let now = Utc::now().timestamp_millis();
        let files = files.into_iter().filter(|file| !skipped.contains(file));
        actions.extend(files.map(|file| {
            let app_id = format!("{LOADED}{file}");
            Action::Txn(Transaction { app_id, version: now, last_updated: Some(now) })
        }));
        // Not blind: what is new depends on the version that was read.
        Ok(Staged { actions, operation, changed, is_blind_append: false })
    }

    /// The files are read while others may commit. If somebody does, this waits for its turn and looks
    /// again which files are new.
    fn is_blind_append(&self, _: &ChangeContext) -> bool {
        true
    }
}

/// The URLs of the files that a table has loaded.
async fn loaded_files(target: &Target) -> Result<HashSet<String>> {
    let version = Arc::clone(&target.data);
    let read = move || {
        let engine = version.log_store.engine(None);
        let names = loaded_by(version.snapshot(), engine.as_ref());
        names.map_err(|error| error_of_kernel(error, version.location()))
    };
    let names = tokio::task::spawn_blocking(read)
        .await
        .map_err(|cause| Error::internal("reading a table's log did not end").caused_by(cause))??;
    Ok(names)
}

fn loaded_by(
    snapshot: &SnapshotRef,
    engine: &dyn delta_kernel::Engine,
) -> DeltaResult<HashSet<String>> {
    let transaction = StructType::try_new([
        StructField::nullable("appId", DataType::STRING),
        StructField::nullable("version", DataType::LONG),
    ])?;
    let actions = StructType::try_new([StructField::nullable("txn", transaction)])?;
    // The newest commits come first, and of each name the newest version holds.
    let mut newest: HashMap<String, i64> = HashMap::new();
    for batch in snapshot.log_segment().read_actions(engine, Arc::new(actions))? {
        let batch = RecordBatch::from(ArrowEngineData::try_from_engine_data(batch?.actions)?);
        let Some(found) = batch.column_by_name("txn").and_then(|txn| txn.as_struct_opt()) else {
            continue;
        };
        let names = found.column_by_name("appId").and_then(|names| names.as_string_opt::<i32>());
        let versions = found.column_by_name("version");
        let versions = versions.and_then(|of| of.as_primitive_opt::<Int64Type>());
        let (Some(names), Some(versions)) = (names, versions) else { continue };
        for (name, version) in names.iter().zip(versions) {
            if let (Some(file), Some(version)) =
                (name.and_then(|n| n.strip_prefix(LOADED)), version)
            {
                newest.entry(file.to_owned()).or_insert(version);
            }
        }
    }
    let loaded = newest.into_iter().filter(|(_, version)| *version != NOT_LOADED);
    Ok(loaded.map(|(file, _)| file).collect())
}

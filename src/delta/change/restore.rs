//! RESTORE: a table as it was at an earlier version, as a new version. It writes no data file.

use std::collections::HashMap;

use async_trait::async_trait;
use deltalake::kernel::{Action, EagerSnapshot, LogicalFileView};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use serde_json::{Map, Value, json};

use super::commit::{Change, Staged, apply};
use super::create::max_column_id;
use super::error::of_delta;
use super::identity::metadata_before;
use super::protocol::required;
use super::provenance::{named_elsewhere, provenance};
use super::shape::{COLUMN_MAPPING_MAX_ID, Shape};
use super::target::Target;
use super::touched::added_again;
use super::transaction::{Key, key};
use super::{ChangeContext, Changed};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::TimeTravel;
use crate::delta::clustering::{clustered_by, clustering_columns};
use crate::storage::{Location, error_of_store};

/// What the log calls it. Its files are not written by it.
pub const RESTORE: &str = "RESTORE";

/// Files that are looked for at one time.
const LOOKS: usize = 16;

/// What RESTORE did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    pub bytes_after: u64,
    pub files_after: u64,
    pub files_removed: u64,
    pub files_restored: u64,
    pub bytes_removed: u64,
    pub bytes_restored: u64,
}

/// Makes the table what it was. 55000 where files of that version are gone.
pub async fn restore(ctx: &ChangeContext, location: &Location, to: TimeTravel) -> Result<Restored> {
    let version = ctx.tables.open_at(location, to).await?.version();
    let change = Restore { version, to, restored: std::sync::Mutex::default() };
    apply(ctx, location, &change).await?;
    let restored = change.restored.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(*restored)
}

struct Restore {
    version: u64,
    to: TimeTravel,
    /// Of the last attempt.
    restored: std::sync::Mutex<Restored>,
}

#[async_trait]
impl Change for Restore {
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged> {
        let location = &target.location;
        let table = ctx.tables.delta_table_at(location, self.version).await?;
        let old = table.snapshot().map_err(|error| of_delta(error, location))?.snapshot().clone();
        let now = target.snapshot(ctx).await?;
        let (old_files, live) = (files(&old), files(now));
        let back: Vec<&LogicalFileView> =
            old_files.iter().filter(|(key, _)| !live.contains_key(*key)).map(|(_, f)| f).collect();
        let gone: Vec<&LogicalFileView> =
            live.iter().filter(|(key, _)| !old_files.contains_key(*key)).map(|(_, f)| f).collect();
        if !gone.is_empty() {
            target.check_not_append_only()?;
        }
        check_there(ctx, location, &back).await?;
        let restored = Restored {
            bytes_after: bytes(old_files.values()),
            files_after: old_files.len() as u64,
            files_removed: gone.len() as u64,
            files_restored: back.len() as u64,
            bytes_removed: bytes(gone.iter().copied()),
            bytes_restored: bytes(back.iter().copied()),
        };
        *self.restored.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = restored;
        let mut actions = self.metadata(ctx, target, &old).await?;
        actions.extend(gone.iter().map(|file| Action::Remove(file.remove_action(true))));
        actions.extend(back.iter().map(|file| {
            let mut add = added_again(file);
            add.data_change = true;
            Action::Add(add)
        }));
        if !actions.is_empty() {
            actions.push(self.said(&restored));
        }
        let (operation, changed) = (named_elsewhere(), Changed::default());
        Ok(Staged { actions, operation, changed, is_blind_append: false })
    }
}

impl Restore {
    /// Columns and properties as they were; the protocol is never lowered.
    async fn metadata(
        &self,
        ctx: &ChangeContext,
        target: &Target,
        old: &EagerSnapshot,
    ) -> Result<Vec<Action>> {
        let mut actions = Vec::new();
        let mut metadata = old.metadata().clone();
        let mut properties = metadata.configuration().clone();
        let (before, last) = (max_column_id(&properties), max_column_id(&target.shape.properties));
        if last > before {
            // Ids are never used twice.
            properties.insert(COLUMN_MAPPING_MAX_ID.to_owned(), last.to_string());
            let add = deltalake::kernel::MetadataExt::add_config_key;
            metadata = add(metadata, COLUMN_MAPPING_MAX_ID.to_owned(), last.to_string()).map_err(
                |cause| Error::internal("metadata that does not hold together").caused_by(cause),
            )?;
        }
        let old_schema = old.schema();
        if let Some(further) = metadata_before(&metadata, &old_schema, &target.shape.schema)? {
            metadata = further;
        }
        let shape =
            Shape::try_new(old_schema, metadata.partition_columns().to_vec(), properties.clone())?;
        let protocol = required(Some(target.protocol()), &shape.schema, &properties)?;
        if &protocol != target.protocol() {
            actions.push(Action::Protocol(protocol));
        }
        if &metadata != target.metadata() {
            actions.push(Action::Metadata(metadata));
        }
        let location = &target.location;
        let at = |version| ctx.tables.open_at(location, TimeTravel::Version(version));
        let was = clustering_columns(&at(self.version).await?).await?;
        let is = clustering_columns(&at(target.version()).await?).await?;
        if was != is {
            let columns = was.unwrap_or_default();
            let physical: Vec<&str> = columns.iter().map(|name| shape.file_name(name)).collect();
            actions.push(clustered_by(&physical));
        }
        Ok(actions)
    }

    fn said(&self, restored: &Restored) -> Action {
        let (version, datetime) = match self.to {
            TimeTravel::Version(version) => (Some(version), None),
            TimeTravel::Timestamp(micros) => (None, Some(micros.div_euclid(1000))),
        };
        let mut metrics = Map::new();
        for (name, count) in restored.named() {
            metrics.insert(name.to_owned(), json!(count));
        }
        let parameters = [("version", json!(version)), ("timestamp", json!(datetime))];
        let parameters = parameters.into_iter().filter(|(_, value)| *value != Value::Null);
        provenance(RESTORE, parameters, metrics)
    }
}

impl Restored {
    /// The counts under the names that other engines give them.
    pub fn named(&self) -> [(&'static str, u64); 6] {
        [
            ("table_size_after_restore", self.bytes_after),
            ("num_of_files_after_restore", self.files_after),
            ("num_removed_files", self.files_removed),
            ("num_restored_files", self.files_restored),
            ("removed_files_size", self.bytes_removed),
            ("restored_files_size", self.bytes_restored),
        ]
    }
}

fn files(snapshot: &EagerSnapshot) -> HashMap<Key, LogicalFileView> {
    snapshot.log_data().iter().map(|file| (key(&file), file)).collect()
}

fn bytes<'a>(files: impl Iterator<Item = &'a LogicalFileView>) -> u64 {
    files.filter_map(|file| u64::try_from(file.size()).ok()).sum()
}

/// Files that VACUUM has deleted do not come back.
async fn check_there(
    ctx: &ChangeContext,
    location: &Location,
    files: &[&LogicalFileView],
) -> Result<()> {
    let store = ctx.tables.store(location)?;
    let paths: Vec<_> =
        files.iter().filter_map(|file| location.resolved_file(&file.path())).collect();
    let missing = stream::iter(paths)
        .map(|path| {
            let store = std::sync::Arc::clone(&store);
            async move {
                match store.head(&path).await {
                    Ok(_) => Ok(0usize),
                    Err(object_store::Error::NotFound { .. }) => Ok(1),
                    Err(error) => Err(error_of_store(error)),
                }
            }
        })
        .buffer_unordered(LOOKS)
        .try_fold(0, |sum, one| std::future::ready(Ok(sum + one)))
        .await?;
    if missing == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::ObjectNotInPrerequisiteState,
        "the version cannot be restored: data files of it were deleted",
    )
    .with_detail(format!("{missing} of {} files are not there any more.", files.len())))
}

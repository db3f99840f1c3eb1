//! VACUUM: deletes files that no version needs which somebody may still read. It never deletes the log, nor
//! what a change or a reader of this process needs.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use serde_json::{Map, Value, json};

use super::commit::{Change, Staged, apply};
use super::conflict::Commit;
use super::provenance::{named_elsewhere, provenance};
use super::target::Target;
use super::{ChangeContext, Changed};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::deletion_vector::vector_file;
use crate::delta::history::commit_path;
use crate::delta::{TableVersion, check_writable};
use crate::storage::{Location, error_of_store};

/// The property with how long files stay that no version needs any more.
const FILE_RETENTION: &str = "delta.deletedFileRetentionDuration";

/// That time where the table does not say, as other engines have it.
const FILE_RETENTION_DEFAULT: TimeDelta = TimeDelta::days(7);

/// How far the clocks of storage and server may be apart.
const CLOCK_DIFFERENCE: i64 = 60_000;

/// What VACUUM is asked for.
#[derive(Debug, Clone, Default)]
pub struct Vacuum {
    /// How long files stay; `None` is what the table says.
    pub retention: Option<TimeDelta>,
    /// Whether a shorter time than the table says is refused.
    pub is_retention_checked: bool,
    /// Only files that the log has removed, and none that it never had.
    pub lite: bool,
    pub dry_run: bool,
    /// The shallow clones of the table, which need files of it.
    pub clones: Vec<Location>,
}

/// What VACUUM deleted, or would delete.
#[derive(Debug, Clone, Default)]
pub struct Vacuumed {
    /// Relative to the table.
    pub files: Vec<String>,
    pub bytes: u64,
}

/// Deletes what no version needs any more.
///
/// 55000 where the time is shorter than the table says; 0A000 for tables whose protocol asks for more.
pub async fn vacuum(ctx: &ChangeContext, location: &Location, wanted: &Vacuum) -> Result<Vacuumed> {
    // Asked before anything is read: what a change ends in the meantime is in the version that is read then.
    let writing_since = ctx.tables.writing_since();
    let newest = ctx.tables.newest(location).await?;
    check_writable(newest.protocol())?;
    let retention = retention(&newest, wanted)?;
    let before = Utc::now().timestamp_millis() - retention.num_milliseconds();
    let youngest = writing_since.map_or(before, |since| before.min(since - CLOCK_DIFFERENCE));
    let mut garbage = garbage(ctx, &newest, before, youngest, wanted).await?;
    let vacuumed = Vacuumed::of(location, &garbage);
    if wanted.dry_run || garbage.is_empty() {
        return Ok(vacuumed);
    }
    let start = Said::Start {
        files: vacuumed.files.len(),
        bytes: vacuumed.bytes,
        retention: wanted.retention,
        is_checked: wanted.is_retention_checked,
        default: file_retention(&newest),
    };
    apply(ctx, location, &start).await?;
    let store = ctx.tables.store(location)?;
    // A RESTORE may have brought files back since; until they are deleted, nothing is committed.
    let lease = ctx.tables.lease(location).await;
    let mut live = HashSet::new();
    files_of(&*ctx.tables.newest(location).await?, &mut live)?;
    for clone in &wanted.clones {
        files_of(&*ctx.tables.newest(clone).await?, &mut live)?;
    }
    garbage.retain(|file| !live.contains(&file.location));
    let vacuumed = Vacuumed::of(location, &garbage);
    let deleted = delete(&store, garbage).await;
    drop(lease);
    let end = Said::End { files: *deleted.as_ref().unwrap_or(&0), is_complete: deleted.is_ok() };
    apply(ctx, location, &end).await?;
    deleted?;
    Ok(vacuumed)
}

impl Vacuumed {
    fn of(location: &Location, garbage: &[ObjectMeta]) -> Self {
        let mut files: Vec<String> =
            garbage.iter().map(|file| relative(location, &file.location)).collect();
        files.sort();
        Vacuumed { files, bytes: garbage.iter().map(|file| file.size).sum() }
    }
}

/// How long the table says that files stay.
pub fn file_retention(version: &TableVersion) -> TimeDelta {
    let declared = version.properties().get(FILE_RETENTION);
    declared.and_then(|text| duration(text)).unwrap_or(FILE_RETENTION_DEFAULT)
}

fn retention(version: &TableVersion, wanted: &Vacuum) -> Result<TimeDelta> {
    let least = file_retention(version);
    match wanted.retention {
        None => Ok(least),
        Some(retention) if retention < least && wanted.is_retention_checked => {
            let hours = least.num_hours();
            Err(Error::new(
                ErrorKind::ObjectNotInPrerequisiteState,
                format!("files of the table stay for at least {hours} hours"),
            )
            .with_detail("Readers and changes that run, also those of other engines, may need younger files.")
            .with_hint("SET lakegate.vacuum_retention_check = off if there are none, or change the table's delta.deletedFileRetentionDuration."))
        }
        Some(retention) => Ok(retention),
    }
}

/// `interval 7 days` and the like.
pub fn duration(text: &str) -> Option<TimeDelta> {
    let mut total = TimeDelta::zero();
    let words: Vec<&str> = text.split_whitespace().collect();
    let words = match words.as_slice() {
        [first, rest @ ..] if first.eq_ignore_ascii_case("interval") => rest,
        words => words,
    };
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    for pair in words.chunks_exact(2) {
        let [number, unit] = pair else { return None };
        let number: i64 = number.parse().ok()?;
        let unit = unit.to_lowercase();
        let one = match unit.strip_suffix('s').unwrap_or(&unit) {
            "week" => TimeDelta::try_weeks(number),
            "day" => TimeDelta::try_days(number),
            "hour" => TimeDelta::try_hours(number),
            "minute" => TimeDelta::try_minutes(number),
            "second" => TimeDelta::try_seconds(number),
            "millisecond" => TimeDelta::try_milliseconds(number),
            _ => None,
        }?;
        total = total.checked_add(&one)?;
    }
    Some(total)
}

/// The files below the table that no version needs which was the newest since `before`, and that are older than
/// `youngest`, both in milliseconds since the epoch.
async fn garbage(
    ctx: &ChangeContext,
    newest: &Arc<TableVersion>,
    before: i64,
    youngest: i64,
    wanted: &Vacuum,
) -> Result<Vec<ObjectMeta>> {
    let location = newest.location();
    let store = ctx.tables.store(location)?;
    let (mut needed, removed) = needed_files(ctx, newest, before).await?;
    for clone in &wanted.clones {
        // A clone keeps its own versions for as long as it says, and has no right to be read for any longer.
        let clone = ctx.tables.newest(clone).await?;
        let before = Utc::now() - file_retention(&clone);
        needed.extend(needed_files(ctx, &clone, before.timestamp_millis()).await?.0);
    }
    let mut garbage = Vec::new();
    let mut files = store.list(Some(location.path()));
    while let Some(file) = files.next().await {
        let file = match file {
            Ok(file) => file,
            Err(object_store::Error::NotFound { .. }) => continue,
            Err(error) => return Err(error_of_store(error)),
        };
        let is_vector = file.location.filename().is_some_and(|name| name.ends_with(".bin"));
        let is_kept = is_hidden(location, &file.location, newest)
            || needed.contains(&file.location)
            || file.last_modified.timestamp_millis() >= youngest
            || (is_vector && !removed.is_complete)
            || (wanted.lite && !removed.gone.contains(&file.location));
        if !is_kept {
            garbage.push(file);
        }
    }
    Ok(garbage)
}

/// The files that versions of a table need which were the newest since `before`, and what its log has removed.
async fn needed_files(
    ctx: &ChangeContext,
    newest: &Arc<TableVersion>,
    before: i64,
) -> Result<(HashSet<Path>, Removed)> {
    let location = newest.location();
    let store = ctx.tables.store(location)?;
    let removed = Removed::since(&store, location, newest.version(), before).await?;
    let mut needed = removed.needed.clone();
    for version in ctx.tables.versions_in_use(location).await {
        files_of(&version, &mut needed)?;
    }
    files_of(newest, &mut needed)?;
    tombstones(ctx, location, before, &mut needed).await?;
    Ok((needed, removed))
}

/// The data files of a version and their deletion vectors.
fn files_of(version: &TableVersion, needed: &mut HashSet<Path>) -> Result<()> {
    let index = version.files();
    needed.extend(index.paths.iter().cloned());
    for vector in index.deletion_vectors.values() {
        needed.extend(vector_file(version.location(), &vector.descriptor)?);
    }
    Ok(())
}

/// A deletion vector as a commit has it.
fn descriptor(vector: &Value) -> Option<DeletionVectorDescriptor> {
    let integer = |name: &str| vector.get(name).and_then(Value::as_i64);
    DeletionVectorDescriptor::try_new(
        vector.get("storageType")?.as_str()?.parse().ok()?,
        vector.get("pathOrInlineDv")?.as_str()?,
        integer("offset").and_then(|offset| offset.try_into().ok()),
        integer("sizeInBytes")?.try_into().ok()?,
        integer("cardinality")?,
    )
    .ok()
}

/// Data files that were removed too short a time ago, as a checkpoint keeps them.
async fn tombstones(
    ctx: &ChangeContext,
    location: &Location,
    before: i64,
    needed: &mut HashSet<Path>,
) -> Result<()> {
    let target = Target::open(ctx, location).await?;
    let log = Arc::clone(&target.log);
    let table = ctx.tables.delta_table_at(location, target.version()).await?;
    let state = table.snapshot();
    let state = state.map_err(|cause| Error::internal("a table without state").caused_by(cause))?;
    let mut removed = state.all_tombstones(log.as_ref());
    while let Some(file) = removed.next().await {
        let file = file.map_err(|error| super::error::of_delta(error, location))?;
        if file.deletion_timestamp().is_none_or(|at| at >= before) {
            needed.extend(location.resolved_file(&file.path()));
        }
    }
    Ok(())
}

/// What commits have removed.
#[derive(Default)]
struct Removed {
    /// Too short a time ago.
    needed: HashSet<Path>,
    /// At any time that the log knows of.
    gone: HashSet<Path>,
    /// Whether the log has every commit of the time that counts.
    is_complete: bool,
}

impl Removed {
    /// Reads the commits from the newest back to the first that the log still has.
    async fn since(
        store: &Arc<dyn ObjectStore>,
        location: &Location,
        newest: u64,
        before: i64,
    ) -> Result<Self> {
        let mut removed = Removed::default();
        for version in (0..=newest).rev() {
            let read = match store.get(&commit_path(location, version)).await {
                Ok(read) => read,
                Err(object_store::Error::NotFound { .. }) => return Ok(removed),
                Err(error) => return Err(error_of_store(error)),
            };
            let is_older = read.meta.last_modified.timestamp_millis() < before - CLOCK_DIFFERENCE;
            let bytes = read.bytes().await.map_err(error_of_store)?;
            removed.read(location, &Commit::parse(&bytes)?, before)?;
            removed.is_complete |= is_older || version == 0;
        }
        Ok(removed)
    }

    fn read(&mut self, location: &Location, commit: &Commit, before: i64) -> Result<()> {
        let removes = commit.actions.iter().filter(|(kind, _)| kind == "remove");
        for (_, remove) in removes {
            let path = remove.get("path").and_then(Value::as_str).and_then(|p| location.file(p));
            let vector = remove.get("deletionVector").filter(|vector| !vector.is_null());
            let vector = vector.and_then(descriptor);
            let vector = vector.map(|vector| vector_file(location, &vector)).transpose()?.flatten();
            let at = remove.get("deletionTimestamp").and_then(Value::as_i64);
            let files: Vec<Path> = path.into_iter().chain(vector).collect();
            if at.is_none_or(|at| at >= before) {
                self.needed.extend(files.iter().cloned());
            }
            self.gone.extend(files);
        }
        Ok(())
    }
}

/// Folders and files that are not the table's data: names that begin with `_` or `.`, but for change data
/// and partitions.
fn is_hidden(location: &Location, path: &Path, version: &TableVersion) -> bool {
    let name = relative(location, path);
    let mut parts = name.split('/').peekable();
    if parts.peek() == Some(&"_change_data") {
        parts.next();
    }
    let is_partition = |part: &str| {
        let column = part.split_once('=').map(|(column, _)| column);
        column.is_some_and(|column| version.partition_columns().iter().any(|c| c == column))
    };
    parts.any(|part| (part.starts_with('_') || part.starts_with('.')) && !is_partition(part))
}

fn relative(location: &Location, path: &Path) -> String {
    let root = location.path().as_ref();
    let path = path.as_ref();
    path.strip_prefix(root).unwrap_or(path).trim_start_matches('/').to_owned()
}

/// How many were deleted. One that is gone already counts.
async fn delete(store: &Arc<dyn ObjectStore>, garbage: Vec<ObjectMeta>) -> Result<usize> {
    let paths = stream::iter(garbage).map(|file| Ok(file.location)).boxed();
    let deleted = store.delete_stream(paths).map(|outcome| match outcome {
        Err(object_store::Error::NotFound { path, .. }) => Ok(Path::from(path)),
        outcome => outcome,
    });
    let deleted: Vec<Path> = deleted.try_collect().await.map_err(error_of_store)?;
    Ok(deleted.len())
}

/// What the log tells of a VACUUM.
enum Said {
    Start {
        files: usize,
        bytes: u64,
        retention: Option<TimeDelta>,
        is_checked: bool,
        default: TimeDelta,
    },
    End {
        files: usize,
        is_complete: bool,
    },
}

#[async_trait::async_trait]
impl Change for Said {
    async fn stage(&self, _: &ChangeContext, _: &Target) -> Result<Staged> {
        let mut metrics = Map::new();
        let said = match self {
            Said::Start { files, bytes, retention, is_checked, default } => {
                metrics.insert("numFilesToDelete".to_owned(), json!(files));
                metrics.insert("sizeOfDataToDelete".to_owned(), json!(bytes));
                let retention = retention.map(|retention| retention.num_milliseconds());
                let parameters = [
                    ("retentionCheckEnabled", json!(is_checked)),
                    ("specifiedRetentionMillis", json!(retention)),
                    ("defaultRetentionMillis", json!(default.num_milliseconds())),
                ];
                provenance("VACUUM START", parameters, metrics)
            }
            Said::End { files, is_complete } => {
                metrics.insert("numDeletedFiles".to_owned(), json!(files));
                let status = if *is_complete { "COMPLETED" } else { "FAILED" };
                provenance("VACUUM END", [("status", json!(status))], metrics)
            }
        };
        Ok(Staged {
            actions: vec![said],
            operation: named_elsewhere(),
            changed: Changed::default(),
            is_blind_append: false,
        })
    }
}

/// Deletes commits and checkpoints that are older than the table keeps its history, where a later checkpoint
/// stands for them. How many there were.
pub async fn clean_log(ctx: &ChangeContext, location: &Location) -> Result<usize> {
    let newest = ctx.tables.newest(location).await?;
    check_writable(newest.protocol())?;
    let is_off = |value: &String| value.eq_ignore_ascii_case("false");
    if newest.properties().get("delta.enableExpiredLogCleanup").is_some_and(is_off) {
        return Ok(0);
    }
    let table = ctx.tables.delta_table_at(location, newest.version()).await?;
    deltalake::checkpoints::cleanup_metadata(&table, None)
        .await
        .map_err(|error| super::error::of_delta(error, location))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_sums_of_units() {
        assert_eq!(duration("interval 7 days"), Some(TimeDelta::days(7)));
        assert_eq!(duration("INTERVAL 1 week 2 hours"), Some(TimeDelta::hours(170)));
        assert_eq!(duration("168 hours"), Some(TimeDelta::days(7)));
        assert_eq!(duration("interval 7"), None);
        assert_eq!(duration("interval"), None);
    }
}

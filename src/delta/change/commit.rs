//! Makes a change part of a table: one new file in its log, or none. It never merges changes that have to do with
//! each other.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use deltalake::kernel::transaction::{CommitData, TransactionError};
use deltalake::kernel::{Action, StorageType};
use deltalake::logstore::{CommitOrBytes, LogStoreRef};
use deltalake::protocol::DeltaOperation;
use object_store::ObjectStoreExt;
use object_store::path::Path;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::conflict::Footprint;
use super::error::{concurrent_update, of_delta};
use super::net_feed::can_be_compared;
use super::owed::with_owed;
use super::provenance::said_operation;
use super::restore::RESTORE;
use super::target::Target;
use super::{ChangeContext, Changed, Committer};
use crate::base::{Error, ErrorKind, Result};
use crate::delta::deletion_vector::file_of;
use crate::delta::{TableVersion, TimeTravel};
use crate::storage::{Location, may_be_done};

/// How often a change is computed anew because others have changed the table meanwhile.
const ATTEMPTS_MAX: u32 = 8;

/// How often added rows are offered to the log: they fit onto every version.
pub const APPEND_ATTEMPTS_MAX: u32 = 100;

/// How often the same commit is sent to a storage that does not say what became of it.
const PUT_ATTEMPTS_MAX: u32 = 4;

/// The longest wait before a next attempt. Others get the table's log for as long.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The property with the number of commits from checkpoint to checkpoint.
const CHECKPOINT_INTERVAL: &str = "delta.checkpointInterval";

/// That number where the table does not say, as other engines have it.
const CHECKPOINT_COMMITS: u64 = 10;

/// The key of a commit's own id in its commit info.
pub const COMMIT_ID: &str = "txnId";

/// Something that can be done to a table, again on a newer version if others were first.
#[async_trait]
pub trait Change: Sync {
    /// Computes the change of this version of the table, and writes its data files.
    async fn stage(&self, ctx: &ChangeContext, target: &Target) -> Result<Staged>;

    /// Whether [`Staged::is_blind_append`] will be set. Others may change the table while such rows are
    /// written: a COPY takes as long as its client.
    fn is_blind_append(&self, _: &ChangeContext) -> bool {
        false
    }
}

/// A change that is ready to be committed.
pub struct Staged {
    /// Without actions there is nothing to commit.
    pub actions: Vec<Action>,
    pub operation: DeltaOperation,
    pub changed: Changed,
    /// Only adds rows, and has read nothing of the table: right after every other change.
    pub is_blind_append: bool,
}

/// Whether a commit became part of the log.
pub enum Outcome {
    Committed,
    /// Another commit has that version.
    Lost,
}

/// Makes a change to a table, and the new version known.
pub async fn apply(
    ctx: &ChangeContext,
    location: &Location,
    change: &dyn Change,
) -> Result<Changed> {
    let (changed, newest) = apply_and_look(ctx, location, change).await?;
    if let Err(error) = newest {
        // The change is made, whoever asks next finds it.
        tracing::warn!(?error, "a table could not be read after a change");
        ctx.tables.forget(location);
    }
    Ok(changed)
}

/// Makes a change to a table, and gives the newest version.
///
/// 40003 when the change was made and the table cannot be read after it.
pub async fn apply_and_open(
    ctx: &ChangeContext,
    location: &Location,
    change: &dyn Change,
) -> Result<(Changed, Arc<TableVersion>)> {
    let (changed, newest) = apply_and_look(ctx, location, change).await?;
    let newest = newest.map_err(|cause| {
        let message = "the table was changed, but cannot be read any more";
        Error::new(ErrorKind::StatementCompletionUnknown, message).caused_by(cause)
    })?;
    Ok((changed, newest))
}

async fn apply_and_look(
    ctx: &ChangeContext,
    location: &Location,
    change: &dyn Change,
) -> Result<(Changed, Result<Arc<TableVersion>>)> {
    let _writing = ctx.tables.writing();
    let mut is_blind = change.is_blind_append(ctx);
    let mut turn = None;
    for attempt in 1..=ATTEMPTS_MAX {
        if !is_blind && turn.is_none() {
            turn = Some(ctx.tables.turn(location).await);
        }
        let target = Target::open(ctx, location).await?;
        check_feed(ctx, &target).await?;
        ctx.returned.iter().for_each(|returned| returned.clear());
        let mut staged = change.stage(ctx, &target).await?;
        let lease = ctx.tables.lease(location).await;
        let version = if staged.actions.is_empty() {
            Some(target.version())
        } else {
            offer(ctx, &target, &mut staged).await?
        };
        if let Some(version) = version {
            let mut changed = staged.changed;
            changed.version = version;
            let newest = ctx.tables.publish(location, version).await;
            drop(lease);
            if let Ok(newest) = &newest
                && !staged.actions.is_empty()
                && ctx.tables.staged().is_none()
            {
                checkpoint_if_due(newest, version);
            }
            return Ok((changed, newest));
        }
        drop(lease);
        discard(&target, &staged).await;
        // One that reads the table after all, as for the numbers of an identity column, waits for its turn.
        is_blind &= staged.is_blind_append;
        wait(attempt).await;
    }
    Err(concurrent_update())
}

/// Several commits with change data become one with their net change (`net_feed`), where rows can be compared
/// and all of the commits have some.
async fn check_feed(ctx: &ChangeContext, target: &Target) -> Result<()> {
    let log = ctx.tables.staged().and_then(|logs| logs.get(&target.location));
    let Some(log) = log.filter(|log| log.commits > 0) else { return Ok(()) };
    if !target.shape.records_changes() {
        return Ok(());
    }
    let was_on = match log.base {
        None => true,
        Some(base) => {
            let before = ctx.tables.open_at(&target.location, TimeTravel::Version(base)).await?;
            is_recorded(&before)
        }
    };
    if was_on && can_be_compared(&target.shape) {
        return Ok(());
    }
    let what = "a second change in one transaction of this table with a change data feed";
    let why = match was_on {
        true => "Its columns of type map cannot be compared.",
        false => "The feed was off before the transaction.",
    };
    let error = Error::unsupported(what).with_detail(why);
    Err(error.with_hint("Change the table once, or commit between."))
}

fn is_recorded(version: &TableVersion) -> bool {
    let value = version.properties().get("delta.enableChangeDataFeed");
    value.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Commits to a table that is not there yet; 42P07 if it is by now.
pub async fn create(
    ctx: &ChangeContext,
    location: &Location,
    mut staged: Staged,
) -> Result<(Changed, Arc<TableVersion>)> {
    let log = ctx.tables.log_store(location)?;
    match commit(&ctx.committer, location, &log, None, &mut staged).await? {
        Outcome::Committed => {
            let newest = ctx.tables.publish(location, 0).await?;
            Ok((staged.changed, newest))
        }
        Outcome::Lost => Err(table_exists()),
    }
}

/// There is a table already: 42P07.
pub fn table_exists() -> Error {
    Error::new(ErrorKind::DuplicateTable, "there already is a Delta table at this location")
}

/// Commits on top of the target, or of what others have committed since where that goes together with the change;
/// `None` where it does not.
async fn offer(ctx: &ChangeContext, target: &Target, staged: &mut Staged) -> Result<Option<u64>> {
    let log = Arc::clone(&target.log);
    let mut read = Arc::clone(&target.data);
    // Others have gone on while the rows were written; what they have committed stays in sight.
    if ctx.tables.known_version(&target.location) > Some(read.version()) {
        match later_version(ctx, target, staged, &read).await? {
            Some(version) => read = version,
            None => return Ok(None),
        }
    }
    // Until it is known what became of it; what comes later is seen later.
    let _hidden = ctx.tables.staged().is_none().then(|| {
        let next = (target.location.clone(), read.version() + 1);
        ctx.tables.visibility().hide(vec![next])
    });
    for attempt in 1..=APPEND_ATTEMPTS_MAX {
        let outcome = commit(&ctx.committer, &target.location, &log, Some(&read), staged).await?;
        if matches!(outcome, Outcome::Committed) {
            return Ok(Some(read.version() + 1));
        }
        wait(attempt).await;
        match later_version(ctx, target, staged, &read).await? {
            Some(version) => read = version,
            None => return Ok(None),
        }
    }
    Err(concurrent_update())
}

/// The table's newest version, if a change of another version goes together with what others have committed
/// since.
async fn later_version(
    ctx: &ChangeContext,
    target: &Target,
    staged: &Staged,
    read: &TableVersion,
) -> Result<Option<Arc<TableVersion>>> {
    if staged.is_blind_append {
        return newest_if_same_shape(ctx, target).await;
    }
    let newest = ctx.tables.newest(&target.location).await?;
    let store = ctx.tables.store(&target.location)?;
    let (base, isolation) = (read.version(), ctx.isolation);
    let footprint = Footprint::of(&target.location, staged);
    let next = footprint.next_version(&store, &target.location, base, isolation).await?;
    Ok(next.map(|_| newest))
}

/// The table's newest version, if rows that were made for the target fit onto it.
async fn newest_if_same_shape(
    ctx: &ChangeContext,
    target: &Target,
) -> Result<Option<Arc<TableVersion>>> {
    let newer = ctx.tables.newest(&target.location).await?;
    if ctx.planned_version.is_some_and(|planned| planned != newer.version()) {
        return Err(concurrent_update());
    }
    let old = target.data.snapshot().table_configuration();
    let new = newer.snapshot().table_configuration();
    let is_same = old.metadata() == new.metadata() && old.protocol() == new.protocol();
    Ok(is_same.then_some(newer))
}

/// Checkpoints that are being written.
static CHECKPOINTS: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// Waits until no checkpoint is being written any more: the runtime must not stop under one.
pub async fn checkpoints_written() {
    CHECKPOINTS.close();
    CHECKPOINTS.wait().await;
}

/// Sums the log up from time to time, so that tables open quickly. The change is made already: it neither
/// waits for it nor fails with it.
pub fn checkpoint_if_due(newest: &Arc<TableVersion>, version: u64) {
    let interval = newest.properties().get(CHECKPOINT_INTERVAL);
    let interval = interval.and_then(|text| text.parse().ok()).unwrap_or(CHECKPOINT_COMMITS);
    if version == 0 || !version.is_multiple_of(interval) {
        return;
    }
    let table = Arc::clone(newest);
    CHECKPOINTS.spawn_blocking(move || {
        let engine = table.log_store.engine(None);
        if let Err(error) = table.snapshot().checkpoint(engine.as_ref(), None) {
            tracing::warn!(%error, "a checkpoint could not be written");
        }
    });
}

/// One attempt at the version after the one that was read: a put that succeeds only if there is no such version yet.
pub async fn commit(
    committer: &Committer,
    location: &Location,
    log: &LogStoreRef,
    read: Option<&Arc<TableVersion>>,
    staged: &mut Staged,
) -> Result<Outcome> {
    let id = Uuid::new_v4();
    let version = read.map_or(0, |read| read.version() + 1);
    let given = staged.actions.iter().find_map(|action| match action {
        Action::CommitInfo(info) => Some(info.clone()),
        _ => None,
    });
    let is_given = given.is_some();
    let mut info = given.unwrap_or_else(|| staged.operation.get_commit_info());
    let others = staged.actions.iter().filter(|action| !matches!(action, Action::CommitInfo(_)));
    let owed = with_owed(read, &staged.operation, others.cloned().collect(), &mut info).await?;
    info.engine_info = Some(concat!("lakegate/", env!("CARGO_PKG_VERSION")).to_owned());
    info.user_name = committer.user_name.clone();
    info.read_version = read.map(|read| read.version());
    info.is_blind_append = Some(staged.is_blind_append);
    info.info.insert(COMMIT_ID.to_owned(), Value::String(id.to_string()));
    if !is_given {
        info.info.insert("operationMetrics".to_owned(), metrics(staged));
    }
    if let Some(statement) = &committer.statement_id {
        info.info.insert("statementId".to_owned(), Value::String(statement.clone()));
    }
    let mut actions = vec![Action::CommitInfo(info)];
    actions.extend(owed);
    let data = CommitData::new(actions, staged.operation.clone(), Default::default(), Vec::new());
    let bytes = data.get_bytes().map_err(|error| of_delta(error.into(), location))?;
    put(location, log, version, id, bytes).await
}

/// Puts a commit into the log unless there is one of that version.
///
/// 40003 when the storage tells neither that it has the commit nor that it never will have it.
pub async fn put(
    location: &Location,
    log: &LogStoreRef,
    version: u64,
    id: Uuid,
    bytes: Bytes,
) -> Result<Outcome> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        let entry = CommitOrBytes::LogBytes(bytes.clone());
        let error = match log.write_commit_entry(version, entry, id).await {
            Ok(()) => return Ok(Outcome::Committed),
            Err(error) => error,
        };
        // The storage may have kept an earlier, repeated request of ours.
        match is_ours(log, version, id).await {
            Ok(Some(true)) => return Ok(Outcome::Committed),
            Ok(Some(false)) => return Ok(Outcome::Lost),
            Ok(None) if matches!(error, TransactionError::VersionAlreadyExists(_)) => {
                return Ok(Outcome::Lost);
            }
            // The request may still be on its way: the next one takes the version, or finds it taken.
            Ok(None) if attempt < PUT_ATTEMPTS_MAX && may_be_done(&error) => wait(attempt).await,
            Ok(None) if !may_be_done(&error) => return Err(of_delta(error.into(), location)),
            Ok(None) | Err(_) => return Err(completion_unknown().caused_by(error)),
        }
    }
}

/// Whether the log has this very commit at a version; `None` where it has none.
async fn is_ours(
    log: &LogStoreRef,
    version: u64,
    id: Uuid,
) -> std::result::Result<Option<bool>, deltalake::DeltaTableError> {
    let entry = log.read_commit_entry(version).await?;
    let id = id.to_string();
    Ok(entry.map(|entry| entry.windows(id.len()).any(|window| window == id.as_bytes())))
}

fn completion_unknown() -> Error {
    Error::new(
        ErrorKind::StatementCompletionUnknown,
        "the storage does not tell whether the change was made",
    )
    .with_hint("Look at the table before running the statement again.")
}

/// What `DESCRIBE HISTORY` shows of a commit, under Spark's names.
fn metrics(staged: &Staged) -> Value {
    let count = |wanted: fn(&Action) -> bool| {
        staged.actions.iter().filter(|action| wanted(action)).count().to_string()
    };
    let added = count(|action| matches!(action, Action::Add(_)));
    let removed = count(|action| matches!(action, Action::Remove(_)));
    let Changed { inserted, updated, deleted, .. } = staged.changed;
    match staged.operation {
        DeltaOperation::Merge { .. } => json!({
            "numTargetRowsInserted": inserted.to_string(),
            "numTargetRowsUpdated": updated.to_string(),
            "numTargetRowsDeleted": deleted.to_string(),
            "numTargetFilesAdded": added,
            "numTargetFilesRemoved": removed,
        }),
        _ => json!({
            "numOutputRows": inserted.to_string(),
            "numUpdatedRows": updated.to_string(),
            "numDeletedRows": deleted.to_string(),
            "numAddedFiles": added,
            "numRemovedFiles": removed,
        }),
    }
}

/// Deletes the files of a change that was not committed. What stays is in no version, and is left to VACUUM.
pub async fn discard(target: &Target, staged: &Staged) {
    let store = target.log.object_store(None);
    for path in written_files(&staged.actions) {
        if let Ok(path) = Path::parse(path) {
            let _ = store.delete(&path).await;
        }
    }
}

/// The files that a change has written: not those that it adds again, with other deletion vectors or from an
/// older version.
fn written_files(actions: &[Action]) -> HashSet<String> {
    if actions.iter().any(|action| said_operation(action) == Some(RESTORE)) {
        return HashSet::new();
    }
    let removed: HashSet<&String> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Remove(remove) => Some(&remove.path),
            _ => None,
        })
        .collect();
    let written = actions.iter().filter_map(|action| match action {
        Action::Add(add) if removed.contains(&add.path) => {
            let vector = add.deletion_vector.as_ref()?;
            let is_stored = vector.storage_type == StorageType::UuidRelativePath;
            is_stored.then(|| file_of(&vector.path_or_inline_dv))?
        }
        Action::Add(add) => Some(add.path.clone()),
        Action::Cdc(change) => Some(change.path.clone()),
        _ => None,
    });
    written.collect()
}

/// Waits longer each time, and never as long as others do.
pub async fn wait(attempt: u32) {
    let longest = Duration::from_millis(5).saturating_mul(1 << attempt.min(10)).min(WAIT_MAX);
    let share = f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX);
    tokio::time::sleep(longest.mul_f64(share)).await;
}

//! Commits what a transaction has staged, table by table, and takes such a commit back when another part of
//! the transaction fails. It never decides whether the transaction as a whole holds.

use std::collections::HashSet;

use chrono::Utc;
use deltalake::kernel::{Action, LogicalFileView, Transaction};
use deltalake::protocol::DeltaOperation;
use object_store::ObjectStoreExt;
use uuid::Uuid;

use super::commit::{APPEND_ATTEMPTS_MAX, Outcome, Staged, checkpoint_if_due, commit, put, wait};
use super::conflict::{
    Isolation, find_commit, has_changed_since, timestamp_before, transactions_of,
};
use super::error::{concurrent_update, of_delta};
use super::load::NOT_LOADED;
use super::net::NetChange;
use super::touched::added_again;
use super::{Changed, Committer};
use crate::base::Result;
use crate::delta::Tables;
use crate::delta::history::commit_path;
use crate::storage::{Location, error_of_store};

/// Makes a net change part of its table; the version that it has become. The caller holds the lease.
///
/// 40001 when others have changed the table in a way that does not go together with it.
pub async fn commit_net(
    tables: &Tables,
    change: &NetChange,
    isolation: Isolation,
    id: Uuid,
) -> Result<u64> {
    let location = &change.location;
    let log = tables.log_store(location)?;
    let store = tables.store(location)?;
    let mut hidden = None;
    for attempt in 1..=APPEND_ATTEMPTS_MAX {
        let version = change.next_version(&store, isolation).await?;
        let visibility = tables.visibility();
        if hidden.is_none() && !visibility.hides(location) {
            hidden = Some(visibility.hide(vec![(location.clone(), version)]));
        }
        let after = match change.tells_time() {
            true => timestamp_before(&store, location, version).await?,
            false => None,
        };
        match put(location, &log, version, id, change.bytes(version, after, id)?).await? {
            Outcome::Committed => return Ok(version),
            Outcome::Lost => wait(attempt).await,
        }
    }
    Err(concurrent_update())
}

/// The version that a net change would become now, or 40001. Nothing is written.
pub async fn next_version(
    tables: &Tables,
    change: &NetChange,
    isolation: Isolation,
) -> Result<u64> {
    change.next_version(&tables.store(&change.location)?, isolation).await
}

/// 40001 when others have changed the rows of a table that a serializable transaction has only read.
pub async fn check_unchanged(tables: &Tables, location: &Location, base: u64) -> Result<()> {
    match has_changed_since(&tables.store(location)?, location, base).await? {
        true => Err(concurrent_update()
            .with_detail("Another transaction has changed a table that this one has read.")
            .with_hint("Run the transaction again.")),
        false => Ok(()),
    }
}

/// Makes a commit known to the readers of the table, and sums its log up when that is due.
pub async fn published(tables: &Tables, location: &Location, version: u64) -> Result<()> {
    let newest = tables.publish(location, version).await?;
    checkpoint_if_due(&newest, version);
    Ok(())
}

/// Takes back a commit that [`commit_net`] has made, if it has: its files are removed, those that it had
/// removed are there again. A table that it had made is none any more. With `is_awaited` the commit may still
/// be on its way to the storage, and will not find its version free.
///
/// What others have changed since stays changed.
pub async fn undo(
    tables: &Tables,
    location: &Location,
    base: Option<u64>,
    id: Uuid,
    is_awaited: bool,
) -> Result<()> {
    let store = tables.store(location)?;
    let first = base.map_or(0, |base| base + 1);
    let mut found = find_commit(&store, location, first, id).await?;
    while found.is_none() && is_awaited && base.is_some() && !bar(tables, location).await? {
        found = find_commit(&store, location, first, id).await?;
    }
    let Some(version) = found else { return Ok(()) };
    tables.forget(location);
    if version == 0 {
        let removed = store.delete(&commit_path(location, 0)).await;
        return removed.map_err(error_of_store);
    }
    let before = tables.delta_table_at(location, version - 1).await?;
    let after = tables.delta_table_at(location, version).await?;
    let failed = |error| of_delta(error, location);
    let before = before.snapshot().map_err(failed)?.snapshot();
    let after = after.snapshot().map_err(failed)?.snapshot();
    let log = tables.log_store(location)?;
    let mut forgotten = Vec::new();
    for app_id in transactions_of(&store, location, version).await? {
        let known = before.transaction_version(log.as_ref(), &app_id).await.map_err(failed)?;
        let last_updated = Some(Utc::now().timestamp_millis());
        forgotten.push(Transaction { app_id, version: known.unwrap_or(NOT_LOADED), last_updated });
    }
    for attempt in 1..=APPEND_ATTEMPTS_MAX {
        let newest = tables.newest(location).await?;
        let table = tables.delta_table_at(location, newest.version()).await?;
        let now = table.snapshot().map_err(failed)?.snapshot();
        let files = |snapshot: &deltalake::kernel::EagerSnapshot| {
            snapshot.log_data().iter().collect::<Vec<_>>()
        };
        let (old, ours, live) = (files(before), files(after), files(now));
        let (old_keys, our_keys, live_keys) = (keys(&old), keys(&ours), keys(&live));
        let mut actions = Vec::new();
        if now.metadata() == after.metadata() && before.metadata() != after.metadata() {
            actions.push(Action::Metadata(before.metadata().clone()));
        }
        let added = live
            .iter()
            .filter(|file| our_keys.contains(&key(file)) && !old_keys.contains(&key(file)));
        actions.extend(added.map(|file| Action::Remove(file.remove_action(true))));
        // Where others have gone on from the deletion vector of a file, it stays as they have left it.
        let others: HashSet<String> = live
            .iter()
            .filter(|file| !our_keys.contains(&key(file)))
            .map(|file| file.path().into_owned())
            .collect();
        // Files that it had loaded are to be loaded again.
        actions.extend(forgotten.iter().cloned().map(Action::Txn));
        let removed = old.iter().filter(|file| {
            let is_back = live_keys.contains(&key(file)) || others.contains(file.path().as_ref());
            !our_keys.contains(&key(file)) && !is_back
        });
        actions.extend(removed.map(|file| Action::Add(added_again(file))));
        let operation = DeltaOperation::Restore { version: Some(version - 1), datetime: None };
        let changed = Changed::default();
        let mut staged = Staged { actions, operation, changed, is_blind_append: false };
        let committer = Committer::default();
        let outcome = commit(&committer, location, &log, Some(&newest), &mut staged).await?;
        match outcome {
            Outcome::Committed => return tables.newest(location).await.map(drop),
            Outcome::Lost => wait(attempt).await,
        }
    }
    Err(concurrent_update())
}

/// Takes the next version of a table with a commit that changes nothing. Whether it was still free.
async fn bar(tables: &Tables, location: &Location) -> Result<bool> {
    tables.forget(location);
    let newest = tables.newest(location).await?;
    let mut nothing = Staged {
        actions: Vec::new(),
        operation: DeltaOperation::Restore { version: Some(newest.version()), datetime: None },
        changed: Changed::default(),
        is_blind_append: false,
    };
    let log = tables.log_store(location)?;
    let committer = Committer::default();
    let outcome = commit(&committer, location, &log, Some(&newest), &mut nothing).await?;
    Ok(matches!(outcome, Outcome::Committed))
}

/// Deletes files that a transaction has written and that are in no version. What cannot be deleted is left
/// to VACUUM.
pub async fn discard_staged(tables: &Tables, location: &Location, paths: &[String]) {
    let Ok(store) = tables.store(location) else { return };
    for path in paths {
        // A shallow clone names files that are not its own.
        if let Some(path) = location.file(path).filter(|path| location.owns(path)) {
            let _ = store.delete(&path).await;
        }
    }
}

/// What tells files of a version apart: the path and the deletion vector.
pub type Key = (String, Option<String>);

pub fn key(file: &LogicalFileView) -> Key {
    let vector = file.deletion_vector_descriptor().map(|vector| {
        format!("{}{}@{:?}", vector.storage_type, vector.path_or_inline_dv, vector.offset)
    });
    (file.path().to_string(), vector)
}

fn keys(files: &[LogicalFileView]) -> HashSet<Key> {
    files.iter().map(key).collect()
}

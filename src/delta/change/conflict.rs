//! What others have committed to a table since a version, and whether a change that was made of that version
//! goes together with it. It commits nothing.

use std::collections::HashSet;
use std::sync::Arc;

use deltalake::kernel::Action;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::commit::{COMMIT_ID, Staged};
use super::owed::ROW_TRACKING_DOMAIN;
use crate::base::{Error, ErrorKind, Result};
use crate::delta::history::commit_path;
use crate::storage::{Location, error_of_store};

/// The key of a commit's own time in its commit info.
pub const IN_COMMIT_TIMESTAMP: &str = "inCommitTimestamp";

/// What a transaction promises of what it has read.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Every statement reads what is there when it begins. Otherwise as the next one.
    #[default]
    ReadCommitted,
    /// All tables are read as of one moment; rows that others only add do not conflict.
    Snapshot,
    /// As if transactions had run one after another: what was read must not have changed.
    Serializable,
}

/// What a change of a table has to do with, for changes of others to get in its way.
#[derive(Debug, Default)]
pub struct Footprint {
    /// The places of the files that it removes.
    pub removed: HashSet<Path>,
    /// Only adds rows, and has read nothing of the table.
    pub is_blind_append: bool,
    pub changes_metadata: bool,
    /// Whether new rows have got identities.
    pub numbers_rows: bool,
    /// What it says of other applications' transactions: files that it has loaded.
    pub transactions: HashSet<String>,
}

impl Footprint {
    /// That of a change whose new rows get their identities when it is committed.
    pub fn of(location: &Location, staged: &Staged) -> Self {
        let mut footprint =
            Footprint { is_blind_append: staged.is_blind_append, ..Footprint::default() };
        for action in &staged.actions {
            match action {
                Action::Remove(remove) => {
                    _ = footprint.removed.insert(place(location, &remove.path))
                }
                Action::Txn(transaction) => {
                    footprint.transactions.insert(transaction.app_id.clone());
                }
                Action::Metadata(_) | Action::Protocol(_) => footprint.changes_metadata = true,
                Action::Add(_)
                | Action::Cdc(_)
                | Action::CommitInfo(_)
                | Action::DomainMetadata(_) => {}
            }
        }
        footprint
    }

    /// The first version after `base` that is free; `None` when what others have committed since does not go
    /// together with the change.
    pub async fn next_version(
        &self,
        store: &Arc<dyn ObjectStore>,
        location: &Location,
        base: u64,
        isolation: Isolation,
    ) -> Result<Option<u64>> {
        let conflicts = |commit: &Commit| self.conflicts(commit, location, isolation);
        Ok(match look_through(store, location, base + 1, conflicts).await? {
            End::Found(_) => None,
            End::Free(version) => Some(version),
        })
    }

    /// Whether another's commit may have changed what this change was based on.
    fn conflicts(&self, other: &Commit, location: &Location, isolation: Isolation) -> bool {
        let changes_data = other.changes_data();
        if other.has("metaData") || other.has("protocol") {
            return true;
        }
        if self.changes_metadata && changes_data {
            return true;
        }
        if other.touched(location).any(|path| self.removed.contains(&path)) {
            return true;
        }
        // Both have given the same identities to rows.
        if self.numbers_rows && other.numbers_rows() {
            return true;
        }
        // Both have loaded the same file.
        if other.transactions().any(|name| self.transactions.contains(name)) {
            return true;
        }
        if isolation == Isolation::Serializable {
            return changes_data;
        }
        // Rows that others add after having read the table may be the ones that this change has not found.
        !self.is_blind_append && changes_data && !other.is_blind_append() && !other.only_deletes()
    }
}

/// A commit of the log, as JSON.
pub struct Commit {
    /// Each with its kind: `add`, `remove`, …
    pub actions: Vec<(String, Value)>,
}

/// Where a look through the log has ended.
enum End {
    /// At a commit that was looked for.
    Found(u64),
    /// At the first version that is free.
    Free(u64),
}

/// Looks through the commits from a version on.
async fn look_through(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    from: u64,
    is_it: impl Fn(&Commit) -> bool,
) -> Result<End> {
    let mut version = from;
    while let Some(commit) = read_commit(store, location, version).await? {
        if is_it(&commit) {
            return Ok(End::Found(version));
        }
        version += 1;
    }
    Ok(End::Free(version))
}

/// Whether others have changed the rows of a table since a version.
pub async fn has_changed_since(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    base: u64,
) -> Result<bool> {
    let is_it = |commit: &Commit| commit.changes_data() || commit.has("metaData");
    Ok(matches!(look_through(store, location, base + 1, is_it).await?, End::Found(_)))
}

/// Whether commits since a version have changed the table's metadata, or files at these places.
pub async fn touches_since(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    base: u64,
    files: &HashSet<Path>,
) -> Result<bool> {
    let is_it = |commit: &Commit| {
        let is_other = commit.has("metaData") || commit.has("protocol");
        is_other || commit.touched(location).any(|path| files.contains(&path))
    };
    Ok(matches!(look_through(store, location, base + 1, is_it).await?, End::Found(_)))
}

/// The time that the commit before a version tells itself.
pub async fn timestamp_before(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    version: u64,
) -> Result<Option<i64>> {
    let Some(before) = version.checked_sub(1) else { return Ok(None) };
    let commit = read_commit(store, location, before).await?;
    let info = commit.as_ref().and_then(Commit::info);
    Ok(info.and_then(|info| info.get(IN_COMMIT_TIMESTAMP)?.as_i64()))
}

/// The application transactions that a commit tells of.
pub async fn transactions_of(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    version: u64,
) -> Result<Vec<String>> {
    let commit = read_commit(store, location, version).await?;
    Ok(commit.iter().flat_map(Commit::transactions).map(str::to_owned).collect())
}

/// The version at which the log has the commit of this id, looking from a version on.
pub async fn find_commit(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    from: u64,
    id: Uuid,
) -> Result<Option<u64>> {
    let id = id.to_string();
    let is_it = |commit: &Commit| {
        let found = commit.info().and_then(|info| info.get(COMMIT_ID)).and_then(Value::as_str);
        found == Some(id.as_str())
    };
    Ok(match look_through(store, location, from, is_it).await? {
        End::Found(version) => Some(version),
        End::Free(_) => None,
    })
}

impl Commit {
    pub fn parse(bytes: &[u8]) -> Result<Commit> {
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
        let actions = lines.map(|line| {
            let action: Map<String, Value> = serde_json::from_slice(line).map_err(unreadable)?;
            action.into_iter().next().ok_or_else(|| {
                Error::new(ErrorKind::DataCorrupted, "a commit of the table has an empty action")
            })
        });
        Ok(Commit { actions: actions.collect::<Result<_>>()? })
    }

    fn has(&self, kind: &str) -> bool {
        self.actions.iter().any(|(known, _)| known == kind)
    }

    fn info(&self) -> Option<&Value> {
        self.actions.iter().find(|(kind, _)| kind == "commitInfo").map(|(_, info)| info)
    }

    pub fn is_blind_append(&self) -> bool {
        let Some(info) = self.info() else { return false };
        // delta-rs leaves the flag out; what it appends never comes from the table.
        let is_said = info.get("isBlindAppend").map(|flag| flag.as_bool() == Some(true));
        let is_blind = is_said.unwrap_or_else(|| {
            let mode = info.pointer("/operationParameters/mode").and_then(Value::as_str);
            info.get("operation").and_then(Value::as_str) == Some("WRITE") && mode == Some("Append")
        });
        is_blind && !self.has("remove")
    }

    /// Whether no row of it is new. Files that it adds have rows that were there.
    fn only_deletes(&self) -> bool {
        let operation = self.info().and_then(|info| info.get("operation")?.as_str());
        operation == Some("DELETE") || !self.has("add")
    }

    fn numbers_rows(&self) -> bool {
        let mut domains = self.actions.iter().filter(|(kind, _)| kind == "domainMetadata");
        domains.any(|(_, domain)| named(domain) == Some(ROW_TRACKING_DOMAIN))
    }

    fn transactions(&self) -> impl Iterator<Item = &str> {
        let transactions = self.actions.iter().filter(|(kind, _)| kind == "txn");
        transactions.filter_map(|(_, transaction)| named(transaction))
    }

    pub fn changes_data(&self) -> bool {
        let files = self.actions.iter().filter(|(kind, _)| kind == "add" || kind == "remove");
        files
            .into_iter()
            .any(|(_, file)| file.get("dataChange").and_then(Value::as_bool).unwrap_or(true))
    }

    /// The files that the commit removes or adds, by their places: engines escape paths in different ways.
    fn touched(&self, location: &Location) -> impl Iterator<Item = Path> {
        let files = self.actions.iter().filter(|(kind, _)| kind == "add" || kind == "remove");
        files.filter_map(|(_, file)| Some(place(location, file.get("path")?.as_str()?)))
    }
}

/// Where a file is that the log names. One of another store keeps its name.
pub fn place(location: &Location, path: &str) -> Path {
    location.file(path).unwrap_or_else(|| Path::from(path))
}

pub async fn read_commit(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    version: u64,
) -> Result<Option<Commit>> {
    let failed = error_of_store;
    match store.get(&commit_path(location, version)).await {
        Ok(read) => Commit::parse(&read.bytes().await.map_err(failed)?).map(Some),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// What tells actions of one kind apart, of which the last one holds.
pub fn named(action: &Value) -> Option<&str> {
    action.get("appId").or_else(|| action.get("domain"))?.as_str()
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::new(ErrorKind::DataCorrupted, "a commit of the table is no JSON").caused_by(cause)
}

//! What the commits of a transaction come to, table by table: one commit each, and whether it still fits
//! onto what others have committed meanwhile. It knows nothing of other tables.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::commit::COMMIT_ID;
use super::error::concurrent_update;
use super::owed::ROW_TRACKING_DOMAIN;
use super::vector::vector_file;
use crate::base::{Error, ErrorKind, Result};
use crate::delta::StagedLogs;
use crate::delta::history::commit_path;
use crate::storage::{Location, error_of_store};

/// The key of a commit's own time in its commit info.
const IN_COMMIT_TIMESTAMP: &str = "inCommitTimestamp";

/// The key of the version that the rows of a file have been committed with.
const ROW_COMMIT_VERSION: &str = "defaultRowCommitVersion";

/// What a transaction promises of what it has read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Every statement reads what is there when it begins. Otherwise as the next one.
    ReadCommitted,
    /// All tables are read as of one moment; rows that others only add do not conflict.
    Snapshot,
    /// As if transactions had run one after another: what was read must not have changed.
    Serializable,
}

/// A file as the log names it: its path, and the deletion vector that it has.
type FileKey = (String, Option<String>);

/// One commit that does what all of a transaction's commits to a table did.
#[derive(Debug)]
pub struct NetChange {
    pub location: Location,
    /// The version that the transaction has read; `None` for a table that it makes.
    pub base: Option<u64>,
    info: Map<String, Value>,
    actions: Vec<Value>,
    removed: HashSet<String>,
    is_blind_append: bool,
    changes_metadata: bool,
    /// Whether new rows have got identities.
    numbers_rows: bool,
    /// What it says of other applications' transactions: files that it has loaded.
    transactions: HashSet<String>,
    /// How many commits there were, and how many of them have changed rows.
    commits: u64,
    data_commits: usize,
    /// Files, relative to the table, that were added and taken away again.
    pub discarded: Vec<String>,
}

/// A commit of the log, as JSON.
pub struct Commit {
    /// Each with its kind: `add`, `remove`, …
    pub actions: Vec<(String, Value)>,
}

impl NetChange {
    /// The net change of each table that has any, ordered by location.
    pub async fn of(logs: &StagedLogs) -> Result<Vec<NetChange>> {
        let mut changes = Vec::new();
        for (location, log) in logs.all() {
            if log.commits > 0 {
                let commits = logs.commits(&location).await?;
                changes.push(fold(location, log.base, &commits)?);
            }
        }
        Ok(changes)
    }

    /// Every file that the transaction has written.
    pub fn written(&self) -> Vec<String> {
        let added = self.actions.iter().filter_map(|action| {
            let action = action.get("add").or_else(|| action.get("cdc"))?;
            let path = action.get("path")?.as_str()?;
            // A file that was removed too is there since before, and has another deletion vector now.
            match self.removed.contains(path) {
                true => vector_file(action),
                false => Some(path.to_owned()),
            }
        });
        added.chain(self.discarded.iter().cloned()).collect()
    }

    /// Whether it has the change data of one commit among several that have changed rows.
    pub fn has_feeds(&self) -> bool {
        self.data_commits > 1 && self.actions.iter().any(|action| action.get("cdc").is_some())
    }

    /// The versions, first and last, that the commits are to the transaction; none for a new table's.
    pub fn versions(&self) -> Option<(u64, u64)> {
        self.base.map(|base| (base + 1, base + self.commits))
    }

    /// Puts other change data in the place of that of the single commits.
    pub fn replace_feeds(&mut self, changes: Vec<Value>) {
        let (gone, mut kept): (Vec<Value>, Vec<Value>) =
            std::mem::take(&mut self.actions).into_iter().partition(|a| a.get("cdc").is_some());
        let paths = gone.iter().filter_map(|action| action.get("cdc")?.get("path")?.as_str());
        self.discarded.extend(paths.map(str::to_owned));
        kept.extend(changes);
        self.actions = kept;
    }

    /// Whether the commit has a time of its own, later than that of the one before.
    pub fn tells_time(&self) -> bool {
        self.info.contains_key(IN_COMMIT_TIMESTAMP)
    }

    /// The bytes of the commit as a version, under an id; `after` is the time that the commit before tells.
    pub fn bytes(&self, version: u64, after: Option<i64>, id: Uuid) -> Result<Bytes> {
        let mut info = self.info.clone();
        if let Some(staged) = info.get(IN_COMMIT_TIMESTAMP).and_then(Value::as_i64) {
            let least = after.map_or(staged, |after| staged.max(after + 1));
            let time = Utc::now().timestamp_millis().max(least);
            info.insert(IN_COMMIT_TIMESTAMP.to_owned(), json!(time));
        }
        info.insert(COMMIT_ID.to_owned(), Value::String(id.to_string()));
        info.insert("timestamp".to_owned(), json!(Utc::now().timestamp_millis()));
        if let Some(base) = self.base {
            info.insert("readVersion".to_owned(), json!(base));
        }
        info.insert("isBlindAppend".to_owned(), json!(self.is_blind_append));
        let first = json!({ "commitInfo": info });
        let mut bytes = Vec::new();
        let mut actions = self.actions.clone();
        for action in &mut actions {
            // Rows that are new have their identities from the version that they are committed with.
            if let Some(Value::Object(add)) = action.get_mut("add")
                && add.get(ROW_COMMIT_VERSION).and_then(Value::as_u64) > self.base
            {
                add.insert(ROW_COMMIT_VERSION.to_owned(), json!(version));
            }
        }
        for action in std::iter::once(&first).chain(&actions) {
            serde_json::to_writer(&mut bytes, action)
                .map_err(|cause| Error::internal("an action is no JSON").caused_by(cause))?;
            bytes.push(b'\n');
        }
        Ok(bytes.into())
    }

    /// The version that the change can become: the first one that is free. 40001 when what others have
    /// committed since the base does not go together with it.
    pub async fn next_version(
        &self,
        store: &Arc<dyn ObjectStore>,
        isolation: Isolation,
    ) -> Result<u64> {
        let mut version = self.base.map_or(0, |base| base + 1);
        let removed: HashSet<Path> =
            self.removed.iter().map(|path| place(&self.location, path)).collect();
        while let Some(commit) = read_commit(store, &self.location, version).await? {
            if self.base.is_none() {
                return Err(super::commit::table_exists());
            }
            if self.conflicts(&commit, &removed, isolation) {
                return Err(concurrent_update()
                    .with_detail("Another transaction has changed the same table.")
                    .with_hint("Roll back, and run the transaction again."));
            }
            version += 1;
        }
        Ok(version)
    }

    /// Whether another's commit may have changed what this change was based on.
    /// `removed` are the places of the files that this one removes.
    fn conflicts(&self, other: &Commit, removed: &HashSet<Path>, isolation: Isolation) -> bool {
        let changes_data = other.changes_data();
        if other.has("metaData") || other.has("protocol") {
            return true;
        }
        if self.changes_metadata && changes_data {
            return true;
        }
        if other.touched(&self.location).any(|path| removed.contains(&path)) {
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
        let only_adds = other.is_blind_append() && isolation != Isolation::Serializable;
        let reads = !self.is_blind_append || isolation == Isolation::Serializable;
        reads && changes_data && !only_adds
    }
}

/// Whether others have changed the rows of a table since a version.
pub async fn has_changed_since(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    base: u64,
) -> Result<bool> {
    let mut version = base + 1;
    while let Some(commit) = read_commit(store, location, version).await? {
        if commit.changes_data() || commit.has("metaData") {
            return Ok(true);
        }
        version += 1;
    }
    Ok(false)
}

/// Whether commits since a version have changed the table's metadata, or files at these places.
pub async fn touches_since(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    base: u64,
    files: &HashSet<Path>,
) -> Result<bool> {
    let mut version = base + 1;
    while let Some(commit) = read_commit(store, location, version).await? {
        let is_other = commit.has("metaData") || commit.has("protocol");
        if is_other || commit.touched(location).any(|path| files.contains(&path)) {
            return Ok(true);
        }
        version += 1;
    }
    Ok(false)
}

/// The time that the commit before a version tells itself.
pub async fn timestamp_before(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    version: u64,
) -> Result<Option<i64>> {
    let Some(before) = version.checked_sub(1) else { return Ok(None) };
    let commit = read_commit(store, location, before).await?;
    let info = commit.as_ref().and_then(|commit| {
        commit.actions.iter().find(|(kind, _)| kind == "commitInfo").map(|(_, info)| info)
    });
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
    let mut version = from;
    while let Some(commit) = read_commit(store, location, version).await? {
        let info = commit.actions.iter().find(|(kind, _)| kind == "commitInfo");
        let found = info.and_then(|(_, info)| info.get(COMMIT_ID)).and_then(Value::as_str);
        if found == Some(id.as_str()) {
            return Ok(Some(version));
        }
        version += 1;
    }
    Ok(None)
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

    fn is_blind_append(&self) -> bool {
        let info = self.actions.iter().find(|(kind, _)| kind == "commitInfo");
        let flag = info.and_then(|(_, info)| info.get("isBlindAppend")?.as_bool());
        flag == Some(true) && !self.has("remove")
    }

    fn numbers_rows(&self) -> bool {
        let mut domains = self.actions.iter().filter(|(kind, _)| kind == "domainMetadata");
        domains.any(|(_, domain)| named(domain) == Some(ROW_TRACKING_DOMAIN))
    }

    fn transactions(&self) -> impl Iterator<Item = &str> {
        let transactions = self.actions.iter().filter(|(kind, _)| kind == "txn");
        transactions.filter_map(|(_, transaction)| named(transaction))
    }

    fn changes_data(&self) -> bool {
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
fn place(location: &Location, path: &str) -> Path {
    location.file(path).unwrap_or_else(|| Path::from(path))
}

async fn read_commit(
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

/// What several commits come to.
fn fold(location: Location, base: Option<u64>, commits: &[Bytes]) -> Result<NetChange> {
    let mut net = NetChange {
        location,
        base,
        info: Map::new(),
        actions: Vec::new(),
        removed: HashSet::new(),
        is_blind_append: true,
        changes_metadata: false,
        numbers_rows: false,
        transactions: HashSet::new(),
        commits: commits.len() as u64,
        data_commits: 0,
        discarded: Vec::new(),
    };
    let mut singles: Vec<(String, Value)> = Vec::new();
    let mut files = Files::default();
    for bytes in commits {
        let commit = Commit::parse(bytes)?;
        net.is_blind_append &= commit.is_blind_append();
        net.data_commits += usize::from(commit.changes_data());
        for (kind, action) in commit.actions {
            match kind.as_str() {
                "commitInfo" => merge_info(&mut net.info, action),
                "add" => files.add(action),
                "remove" => files.remove(action),
                "cdc" => files.changes.push(action),
                // Of these the last one holds: a table has one, or one for each name.
                "protocol" | "metaData" | "txn" | "domainMetadata" => {
                    let same = |(known, other): &(String, Value)| {
                        *known == kind && named(other) == named(&action)
                    };
                    singles.retain(|single| !same(single));
                    singles.push((kind, action));
                }
                other => {
                    let what = format!("a commit with the action {other}");
                    return Err(Error::internal(what));
                }
            }
        }
    }
    net.numbers_rows = singles.iter().any(|(_, action)| named(action) == Some(ROW_TRACKING_DOMAIN));
    let transactions = singles.iter().filter(|(kind, _)| kind == "txn");
    net.transactions =
        transactions.filter_map(|(_, action)| named(action).map(str::to_owned)).collect();
    let is_metadata = |kind: &String| kind == "metaData" || kind == "protocol";
    net.changes_metadata = singles.iter().any(|(kind, _)| is_metadata(kind));
    net.removed = files.removed.iter().map(|((path, _), _)| path.clone()).collect();
    net.discarded = files.discarded(&net.removed);
    net.actions.extend(singles.into_iter().map(|(kind, action)| wrapped(&kind, action)));
    net.actions.extend(files.removed.into_iter().map(|(_, action)| wrapped("remove", action)));
    net.actions.extend(files.added.into_iter().map(|(_, action)| wrapped("add", action)));
    net.actions.extend(files.changes.into_iter().map(|action| wrapped("cdc", action)));
    Ok(net)
}

/// The files that a transaction has added and removed, as they are at its end.
#[derive(Default)]
struct Files {
    added: Vec<(FileKey, Value)>,
    removed: Vec<(FileKey, Value)>,
    /// Those that were added, and removed again.
    passed: Vec<String>,
    changes: Vec<Value>,
}

impl Files {
    fn add(&mut self, action: Value) {
        self.added.push((file_key(&action), action));
    }

    fn remove(&mut self, action: Value) {
        let key = file_key(&action);
        match self.added.iter().position(|(added, _)| *added == key) {
            Some(at) => {
                self.added.remove(at);
                self.passed.push(key.0);
                self.passed.extend(vector_file(&action));
            }
            None => self.removed.push((key, action)),
        }
    }

    /// Files that no version has: neither one before the transaction nor the one after it.
    fn discarded(&self, removed: &HashSet<String>) -> Vec<String> {
        let is_used = |path: &String| {
            removed.contains(path)
                || self.added.iter().any(|((added, _), action)| {
                    added == path || vector_file(action).as_ref() == Some(path)
                })
        };
        self.passed.iter().filter(|path| !is_used(path)).cloned().collect()
    }
}

fn file_key(action: &Value) -> FileKey {
    let path = action.get("path").and_then(Value::as_str).unwrap_or_default().to_owned();
    let vector = action.get("deletionVector").filter(|vector| !vector.is_null());
    (
        path,
        vector.map(|vector| {
            let part = |name: &str| vector.get(name).map(Value::to_string).unwrap_or_default();
            format!("{}{}@{}", part("storageType"), part("pathOrInlineDv"), part("offset"))
        }),
    )
}

/// What tells actions of one kind apart, of which the last one holds.
fn named(action: &Value) -> Option<&str> {
    action.get("appId").or_else(|| action.get("domain"))?.as_str()
}

fn wrapped(kind: &str, action: Value) -> Value {
    let mut line = Map::new();
    line.insert(kind.to_owned(), action);
    Value::Object(line)
}

/// The last commit tells what was done; where several kinds of things were, that it was a transaction.
/// Counts are added up.
fn merge_info(info: &mut Map<String, Value>, next: Value) {
    let Value::Object(mut next) = next else { return };
    let operations = (info.get("operation"), next.get("operation"));
    let differs = matches!(operations, (Some(before), Some(after)) if before != after);
    if let Some(Value::Object(before)) = info.remove("operationMetrics")
        && let Some(Value::Object(after)) = next.get_mut("operationMetrics")
    {
        for (name, value) in before {
            let sum = after.get(&name).map_or_else(|| value.clone(), |other| add(&value, other));
            after.insert(name, sum);
        }
    }
    info.extend(next);
    if differs {
        info.insert("operation".to_owned(), json!("TRANSACTION"));
        info.insert("operationParameters".to_owned(), json!({}));
    }
}

/// Counts stand in the log as text.
fn add(a: &Value, b: &Value) -> Value {
    let count = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok());
    match (count(a), count(b)) {
        (Some(a), Some(b)) => Value::String((a + b).to_string()),
        _ => b.clone(),
    }
}

fn unreadable(cause: serde_json::Error) -> Error {
    Error::new(ErrorKind::DataCorrupted, "a commit of the table is no JSON").caused_by(cause)
}

//! What the commits of a transaction come to, table by table: one commit each, and whether it still fits
//! onto what others have committed meanwhile. It knows nothing of other tables.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use chrono::Utc;
use object_store::ObjectStore;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::commit::COMMIT_ID;
use super::conflict::{
    Commit, Footprint, IN_COMMIT_TIMESTAMP, Isolation, named, place, read_commit,
};
use super::error::concurrent_update;
use super::owed::ROW_TRACKING_DOMAIN;
use super::vector::vector_file;
use crate::base::{Error, Result};
use crate::delta::StagedLogs;
use crate::storage::Location;

/// The key of the version that the rows of a file have been committed with.
const ROW_COMMIT_VERSION: &str = "defaultRowCommitVersion";

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
    /// The files, as the log names them, that it removes.
    removed: HashSet<String>,
    footprint: Footprint,
    /// How many commits there were, and how many of them have changed rows.
    commits: u64,
    data_commits: usize,
    /// Files, relative to the table, that were added and taken away again.
    pub discarded: Vec<String>,
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
        info.insert("isBlindAppend".to_owned(), json!(self.footprint.is_blind_append));
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
        let Some(base) = self.base else {
            let first = read_commit(store, &self.location, 0).await?;
            return if first.is_some() { Err(super::commit::table_exists()) } else { Ok(0) };
        };
        let next = self.footprint.next_version(store, &self.location, base, isolation).await?;
        next.ok_or_else(|| {
            concurrent_update()
                .with_detail("Another transaction has changed the same table.")
                .with_hint("Roll back, and run the transaction again.")
        })
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
        footprint: Footprint { is_blind_append: true, ..Footprint::default() },
        commits: commits.len() as u64,
        data_commits: 0,
        discarded: Vec::new(),
    };
    let mut singles: Vec<(String, Value)> = Vec::new();
    let mut files = Files::default();
    for bytes in commits {
        let commit = Commit::parse(bytes)?;
        net.footprint.is_blind_append &= commit.is_blind_append();
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
    net.removed = files.removed.iter().map(|((path, _), _)| path.clone()).collect();
    let footprint = &mut net.footprint;
    footprint.removed = net.removed.iter().map(|path| place(&net.location, path)).collect();
    footprint.numbers_rows =
        singles.iter().any(|(_, action)| named(action) == Some(ROW_TRACKING_DOMAIN));
    let transactions = singles.iter().filter(|(kind, _)| kind == "txn");
    footprint.transactions =
        transactions.filter_map(|(_, action)| named(action).map(str::to_owned)).collect();
    let is_metadata = |kind: &String| kind == "metaData" || kind == "protocol";
    footprint.changes_metadata = singles.iter().any(|(kind, _)| is_metadata(kind));
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

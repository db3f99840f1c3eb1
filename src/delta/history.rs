//! The commits of a table, for `DESCRIBE HISTORY`. It reads commits one by one and replays nothing.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::corrupted_log;
use crate::base::Result;
use crate::storage::{Location, error_of_store};

/// Commits that are read at one time.
const COMMIT_READS: usize = 8;

/// What a commit says of itself (Delta protocol, "Commit Provenance Information").
#[derive(Debug, Clone, PartialEq)]
pub struct CommitInfo {
    pub version: u64,
    /// Milliseconds since the epoch.
    pub timestamp: i64,
    pub user_id: Option<String>,
    pub user_name: Option<String>,
    /// `WRITE`, `MERGE` and the like.
    pub operation: Option<String>,
    pub operation_parameters: Map<String, Value>,
    pub operation_metrics: Map<String, Value>,
    pub read_version: Option<u64>,
    pub isolation_level: Option<String>,
    pub is_blind_append: Option<bool>,
    pub engine_info: Option<String>,
    pub user_metadata: Option<String>,
}

/// The action as JSON; every field is up to the writer.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct CommitInfoAction {
    timestamp: Option<i64>,
    in_commit_timestamp: Option<i64>,
    user_id: Option<String>,
    user_name: Option<String>,
    operation: Option<String>,
    operation_parameters: Option<Map<String, Value>>,
    operation_metrics: Option<Map<String, Value>>,
    read_version: Option<u64>,
    isolation_level: Option<String>,
    is_blind_append: Option<bool>,
    engine_info: Option<String>,
    user_metadata: Option<String>,
}

/// The commits from `newest` back, at most `limit` of them; the log may have lost the oldest.
pub async fn read_history(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    newest: u64,
    limit: Option<usize>,
) -> Result<Vec<CommitInfo>> {
    let commits = (0..=newest).rev().take(limit.unwrap_or(usize::MAX));
    stream::iter(commits)
        .map(|version| read_commit(store, location, version))
        .buffered(COMMIT_READS)
        .try_take_while(|commit| std::future::ready(Ok(commit.is_some())))
        .try_filter_map(|commit| std::future::ready(Ok(commit)))
        .try_collect()
        .await
}

/// The path of a commit below the root of the bucket or file system.
pub fn commit_path(location: &Location, version: u64) -> Path {
    location.path().clone().join("_delta_log").join(format!("{version:020}.json"))
}

async fn read_commit(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    version: u64,
) -> Result<Option<CommitInfo>> {
    let read = match store.get(&commit_path(location, version)).await {
        Ok(read) => read,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error_of_store(error)),
    };
    let written = read.meta.last_modified.timestamp_millis();
    let bytes = read.bytes().await.map_err(error_of_store)?;
    let action = commit_info(&bytes)
        .map_err(|cause| corrupted_log("a commit is no JSON", location).caused_by(cause))?;
    Ok(Some(CommitInfo {
        version,
        timestamp: action.in_commit_timestamp.or(action.timestamp).unwrap_or(written),
        user_id: action.user_id,
        user_name: action.user_name,
        operation: action.operation,
        operation_parameters: action.operation_parameters.unwrap_or_default(),
        operation_metrics: action.operation_metrics.unwrap_or_default(),
        read_version: action.read_version,
        isolation_level: action.isolation_level,
        is_blind_append: action.is_blind_append,
        engine_info: action.engine_info,
        user_metadata: action.user_metadata,
    }))
}

fn commit_info(commit: &[u8]) -> serde_json::Result<CommitInfoAction> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Line {
        commit_info: Option<CommitInfoAction>,
    }
    for line in commit.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let line: Line = serde_json::from_slice(line)?;
        if let Some(action) = line.commit_info {
            return Ok(action);
        }
    }
    Ok(CommitInfoAction::default())
}

//! Files that no table owns: those of a CREATE that a crash has cut off, and those of dropped managed tables
//! after a while. It never touches a location outside of the managed root.

use std::path::Path;
use std::time::Duration;

use crate::base::Result;
use crate::catalog::{LooseLocation, LooseReason};
use crate::storage::{Location, Scheme};

use super::lake::Lake;

/// How long the files of a dropped table stay: statements that read it when it was dropped may go on.
const DROPPED_RETENTION: Duration = Duration::from_secs(3600);

/// Removes the files of tables that were being made when the server ended. Only at the start: later, a
/// staged location is one that is being written.
pub async fn staged(lake: &Lake) {
    sweep(lake, |loose| loose.reason == LooseReason::Staged).await;
}

/// Removes the files of tables that were dropped long enough ago.
pub async fn dropped(lake: &Lake) {
    let now = chrono::Utc::now().timestamp_micros();
    let retention = i64::try_from(DROPPED_RETENTION.as_micros()).unwrap_or(i64::MAX);
    let is_due = |loose: &LooseLocation| {
        loose.reason == LooseReason::Dropped && now.saturating_sub(loose.since) >= retention
    };
    sweep(lake, is_due).await;
}

async fn sweep(lake: &Lake, is_due: impl Fn(&LooseLocation) -> bool) {
    let loose = match lake.metastore.loose_locations().await {
        Ok(loose) => loose,
        Err(error) => {
            tracing::error!(%error, "files that no table owns cannot be listed");
            return;
        }
    };
    for loose in loose.iter().filter(|loose| is_due(loose)) {
        if let Err(error) = remove(lake, loose).await {
            tracing::warn!(?error, location = loose.location, "files that no table owns stay");
        }
    }
}

async fn remove(lake: &Lake, loose: &LooseLocation) -> Result<()> {
    let location = Location::parse(&loose.location)?;
    if lake.managed_root.covers(&location) && location != lake.managed_root {
        match location.url().to_file_path() {
            Ok(folder) if location.scheme() == Scheme::File => remove_folder(&folder).await?,
            _ => lake.engine.stores().remove_all(&location).await?,
        }
    }
    lake.metastore.forget_location(&loose.location).await
}

async fn remove_folder(folder: &Path) -> Result<()> {
    match tokio::fs::remove_dir_all(folder).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(crate::storage::error_of_io(error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

//! What of tables somebody in this process still needs: versions that are being read, and files that are not
//! part of a version yet. VACUUM asks; nothing else depends on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use chrono::Utc;

use super::version::TableVersion;
use crate::storage::Location;

/// Versions and changes that live.
#[derive(Default)]
pub struct Live {
    versions: Mutex<HashMap<Location, Vec<Weak<TableVersion>>>>,
    changes: Mutex<Changes>,
}

/// Changes that run, each by a number, with when it began in milliseconds since the epoch.
#[derive(Default)]
struct Changes {
    last: u64,
    running: BTreeMap<u64, i64>,
}

/// While it is held, files that were written since it was made belong to a change that may yet be committed.
pub struct Writing {
    live: Arc<Live>,
    number: u64,
}

impl Drop for Writing {
    fn drop(&mut self) {
        held(&self.live.changes).running.remove(&self.number);
    }
}

impl Live {
    /// Notes a version that was read from its log.
    pub fn note(&self, version: &Arc<TableVersion>) {
        let mut versions = held(&self.versions);
        let known = versions.entry(version.location().clone()).or_default();
        known.retain(|version| version.strong_count() > 0);
        known.push(Arc::downgrade(version));
    }

    /// The versions of a table that somebody has.
    pub fn versions(&self, location: &Location) -> Vec<Arc<TableVersion>> {
        let versions = held(&self.versions);
        versions.get(location).into_iter().flatten().filter_map(Weak::upgrade).collect()
    }

    /// A change begins.
    pub fn writing(self: &Arc<Self>) -> Writing {
        let mut changes = held(&self.changes);
        changes.last += 1;
        let number = changes.last;
        changes.running.insert(number, Utc::now().timestamp_millis());
        Writing { live: Arc::clone(self), number }
    }

    /// When the oldest change that runs began, in milliseconds since the epoch.
    pub fn writing_since(&self) -> Option<i64> {
        held(&self.changes).running.values().min().copied()
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! COPY FROM and COPY INTO that are running: how far each has come, for `pg_stat_progress_copy`. What is counted
//! here is never used for anything else.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::SecurableId;

/// Where the rows of a COPY come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopySource {
    /// The client.
    Pipe,
    /// Files of a place.
    File,
}

impl CopySource {
    /// PostgreSQL's name.
    pub const fn name(self) -> &'static str {
        match self {
            CopySource::Pipe => "PIPE",
            CopySource::File => "FILE",
        }
    }
}

/// One COPY, and how far it has come.
#[derive(Debug)]
pub struct RunningCopy {
    pub backend_pid: i32,
    pub relation: SecurableId,
    pub source: CopySource,
    bytes: AtomicU64,
    /// Of all files; 0 where nobody knows.
    bytes_total: AtomicU64,
    rows: AtomicU64,
}

impl RunningCopy {
    pub fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn add_rows(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
    }

    /// Counts from the beginning, up to as many bytes.
    pub fn restart(&self, bytes_total: u64) {
        self.bytes.store(0, Ordering::Relaxed);
        self.rows.store(0, Ordering::Relaxed);
        self.bytes_total.store(bytes_total, Ordering::Relaxed);
    }

    /// Bytes so far, all bytes, rows so far.
    pub fn counts(&self) -> [u64; 3] {
        [&self.bytes, &self.bytes_total, &self.rows].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Every COPY of this process that is running.
#[derive(Debug, Default)]
pub struct RunningCopies {
    by_start: Mutex<BTreeMap<u64, Arc<RunningCopy>>>,
    started: AtomicU64,
}

impl RunningCopies {
    fn copies(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<RunningCopy>>> {
        self.by_start.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A COPY has begun, and runs until the guard is dropped.
    pub fn begin(
        self: &Arc<Self>,
        backend_pid: i32,
        relation: SecurableId,
        source: CopySource,
    ) -> CopyGuard {
        let copy = Arc::new(RunningCopy {
            backend_pid,
            relation,
            source,
            bytes: AtomicU64::default(),
            bytes_total: AtomicU64::default(),
            rows: AtomicU64::default(),
        });
        let start = self.started.fetch_add(1, Ordering::Relaxed);
        self.copies().insert(start, Arc::clone(&copy));
        CopyGuard { copies: Arc::clone(self), start, copy }
    }

    /// Every one, the oldest first.
    pub fn list(&self) -> Vec<Arc<RunningCopy>> {
        self.copies().values().map(Arc::clone).collect()
    }
}

/// A COPY that is running.
#[derive(Debug)]
pub struct CopyGuard {
    copies: Arc<RunningCopies>,
    start: u64,
    pub copy: Arc<RunningCopy>,
}

impl Drop for CopyGuard {
    fn drop(&mut self) {
        self.copies.copies().remove(&self.start);
    }
}

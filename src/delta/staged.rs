//! The commits that a transaction has made for itself alone: a log in memory on top of each table's log as
//! the transaction first saw it. Everybody else's later commits are hidden. It never writes to a log that
//! others read.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error as StoreError, GetOptions, GetResult, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result as StoreResult,
};
use url::Url;

use super::history::commit_path;
use crate::base::Result;
use crate::storage::{Location, error_of_store};

/// The folder of a table's log.
const LOG_FOLDER: &str = "_delta_log";

/// A hint to readers of the log, which may lead them to what is hidden.
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Digits of the version that the names of a log's files begin with.
const VERSION_DIGITS: usize = 20;

/// The logs that a transaction has read or written.
#[derive(Default)]
pub struct StagedLogs {
    logs: Mutex<HashMap<Location, StagedLog>>,
    /// Commits in memory, by the root of their store.
    commits: Mutex<HashMap<Url, Arc<InMemory>>>,
}

/// One table's log as the transaction sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagedLog {
    /// The version that the transaction reads; `None` for a table that it has made.
    pub base: Option<u64>,
    /// How many commits of its own follow.
    pub commits: u64,
    /// Whether the transaction counts on nobody else changing the table.
    pub locked: bool,
}

impl StagedLog {
    /// The version of the commit after all.
    fn next(self) -> u64 {
        self.base.map_or(0, |base| base + 1) + self.commits
    }

    /// The newest version, if there is one.
    pub fn version(self) -> Option<u64> {
        self.next().checked_sub(1)
    }

    fn hides(self, version: u64) -> bool {
        self.base.is_none_or(|base| version > base)
    }
}

impl StagedLogs {
    fn logs(&self) -> MutexGuard<'_, HashMap<Location, StagedLog>> {
        self.logs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes which version of a table the transaction reads, unless it is noted already.
    pub fn read(&self, location: &Location, base: u64) -> StagedLog {
        let new = StagedLog { base: Some(base), commits: 0, locked: false };
        *self.logs().entry(location.clone()).or_insert(new)
    }

    /// Counts on nobody else changing a table, which has been read, until the end of the transaction.
    pub fn lock_rows(&self, location: &Location) {
        if let Some(log) = self.logs().get_mut(location) {
            log.locked = true;
        }
    }

    pub fn get(&self, location: &Location) -> Option<StagedLog> {
        self.logs().get(location).copied()
    }

    /// Every table that was read or changed, ordered by location.
    pub fn all(&self) -> Vec<(Location, StagedLog)> {
        let mut all: Vec<_> =
            self.logs().iter().map(|(location, log)| (location.clone(), *log)).collect();
        all.sort_by(|(a, _), (b, _)| a.url().cmp(b.url()));
        all
    }

    /// Forgets the tables that were only read, which are to be read anew; gives them.
    pub fn forget_unchanged(&self) -> Vec<Location> {
        let mut logs = self.logs();
        let unchanged =
            logs.extract_if(|_, log| log.commits == 0 && log.base.is_some() && !log.locked);
        unchanged.map(|(location, _)| location).collect()
    }

    /// Goes back to an earlier state of the transaction; what was first read since stays as it was read.
    pub async fn rewind(&self, to: &[(Location, StagedLog)]) -> Result<Vec<Location>> {
        let mut changed = Vec::new();
        for (location, log) in self.all() {
            let before = to.iter().find(|(known, _)| *known == location).map(|(_, log)| *log);
            let kept = before.map_or(0, |before| before.commits);
            if let Some(log) = self.logs().get_mut(&location) {
                log.locked = before.is_some_and(|before| before.locked);
            }
            if log.commits == kept && log.base.is_some() {
                continue;
            }
            let first = log.base.map_or(0, |base| base + 1);
            let memory = self.memory(&location);
            for version in first + kept..first + log.commits {
                let deleted = memory.delete(&commit_path(&location, version)).await;
                deleted.map_err(error_of_store)?;
            }
            let mut logs = self.logs();
            if kept == 0 && log.base.is_none() {
                logs.remove(&location);
            } else if let Some(log) = logs.get_mut(&location) {
                log.commits = kept;
            }
            changed.push(location);
        }
        Ok(changed)
    }

    /// The commits of the transaction's own, in order, as the log has them.
    pub async fn commits(&self, location: &Location) -> Result<Vec<Bytes>> {
        let Some(log) = self.get(location) else { return Ok(Vec::new()) };
        let memory = self.memory(location);
        let first = log.base.map_or(0, |base| base + 1);
        let mut commits = Vec::new();
        for version in first..first + log.commits {
            let read = memory.get(&commit_path(location, version)).await;
            let read = read.map_err(error_of_store)?;
            commits.push(read.bytes().await.map_err(error_of_store)?);
        }
        Ok(commits)
    }

    fn memory(&self, location: &Location) -> Arc<InMemory> {
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(commits.entry(location.store_url()).or_default())
    }

    /// The store that `inner` is to the transaction.
    pub fn overlay(
        self: &Arc<Self>,
        location: &Location,
        inner: Arc<dyn ObjectStore>,
    ) -> Arc<dyn ObjectStore> {
        Arc::new(StagedStore {
            inner,
            memory: self.memory(location),
            location: location.clone(),
            logs: Arc::clone(self),
        })
    }
}

/// One table's store as a transaction sees it.
struct StagedStore {
    inner: Arc<dyn ObjectStore>,
    memory: Arc<InMemory>,
    location: Location,
    logs: Arc<StagedLogs>,
}

/// Where a path leads.
enum Side {
    Inner,
    Memory,
    Nowhere,
}

impl StagedStore {
    /// The name of a file of the table's log.
    fn log_file<'a>(&self, path: &'a Path) -> Option<&'a str> {
        let name = path.filename()?;
        let folder = path.as_ref().strip_suffix(name)?.strip_suffix('/')?;
        let root = folder.strip_suffix(LOG_FOLDER)?.trim_end_matches('/');
        (root == self.location.path().as_ref()).then_some(name)
    }

    fn side(&self, path: &Path) -> Side {
        let Some(name) = self.log_file(path) else { return Side::Inner };
        let Some(log) = self.logs.get(&self.location) else { return Side::Inner };
        match version_of(name) {
            Some(version) if log.hides(version) => Side::Memory,
            None if name == LAST_CHECKPOINT => Side::Nowhere,
            Some(_) | None => Side::Inner,
        }
    }

    fn is_visible(&self, path: &Path) -> bool {
        matches!(self.side(path), Side::Inner)
    }

    /// What the inner store lists, without what is hidden, and the commits in memory; by path.
    fn merged(
        &self,
        inner: BoxStream<'static, StoreResult<ObjectMeta>>,
        own: BoxStream<'static, StoreResult<ObjectMeta>>,
    ) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        let store = self.same();
        let listed = async move {
            let visible =
                inner.try_filter(|file| std::future::ready(store.is_visible(&file.location)));
            let mut files: Vec<ObjectMeta> = visible.try_collect().await?;
            let own: Vec<ObjectMeta> = own.try_collect().await?;
            files.extend(own);
            files.sort_by(|a, b| a.location.cmp(&b.location));
            Ok::<_, StoreError>(stream::iter(files.into_iter().map(Ok)))
        };
        stream::once(listed).try_flatten().boxed()
    }

    fn same(&self) -> StagedStore {
        StagedStore {
            inner: Arc::clone(&self.inner),
            memory: Arc::clone(&self.memory),
            location: self.location.clone(),
            logs: Arc::clone(&self.logs),
        }
    }

    /// Takes a commit of the transaction's own.
    async fn commit(
        &self,
        path: &Path,
        version: u64,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        let expected = self.logs.get(&self.location).map_or(0, StagedLog::next);
        if version != expected {
            let source = format!("version {expected} is next").into();
            return Err(StoreError::AlreadyExists { path: path.to_string(), source });
        }
        if version == 0
            && let Ok(folder) = self.location.url().to_file_path()
        {
            // The kernel reads no table in a folder that is not there, and a table without rows has put none.
            let made = tokio::fs::create_dir_all(&folder).await;
            made.map_err(|error| StoreError::Generic {
                store: "StagedStore",
                source: error.into(),
            })?;
        }
        let put = self.memory.put_opts(path, payload, options).await?;
        let mut logs = self.logs.logs();
        let log = logs.entry(self.location.clone()).or_insert(StagedLog {
            base: None,
            commits: 0,
            locked: false,
        });
        log.commits += 1;
        Ok(put)
    }
}

/// The version that the name of a log's file begins with.
fn version_of(name: &str) -> Option<u64> {
    name.get(..VERSION_DIGITS)?.parse().ok()
}

fn not_found(path: &Path) -> StoreError {
    StoreError::NotFound {
        path: path.to_string(),
        source: "the transaction does not see it".into(),
    }
}

#[async_trait]
impl ObjectStore for StagedStore {
    async fn put_opts(
        &self,
        path: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> StoreResult<PutResult> {
        let version = self.log_file(path).and_then(version_of);
        match version {
            Some(version) => self.commit(path, version, payload, options).await,
            None => self.inner.put_opts(path, payload, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> StoreResult<GetResult> {
        match self.side(path) {
            Side::Inner => self.inner.get_opts(path, options).await,
            Side::Memory => self.memory.get_opts(path, options).await,
            Side::Nowhere => Err(not_found(path)),
        }
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> StoreResult<Vec<Bytes>> {
        match self.side(path) {
            Side::Inner => self.inner.get_ranges(path, ranges).await,
            Side::Memory => self.memory.get_ranges(path, ranges).await,
            Side::Nowhere => Err(not_found(path)),
        }
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, StoreResult<Path>>,
    ) -> BoxStream<'static, StoreResult<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.merged(self.inner.list(prefix), self.memory.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.merged(
            self.inner.list_with_offset(prefix, offset),
            self.memory.list_with_offset(prefix, offset),
        )
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        let inner = self.inner.list_with_delimiter(prefix).await?;
        let own = self.memory.list_with_delimiter(prefix).await?;
        let mut objects: Vec<ObjectMeta> =
            inner.objects.into_iter().filter(|file| self.is_visible(&file.location)).collect();
        objects.extend(own.objects);
        objects.sort_by(|a, b| a.location.cmp(&b.location));
        let mut common_prefixes = inner.common_prefixes;
        common_prefixes.extend(own.common_prefixes);
        common_prefixes.sort();
        common_prefixes.dedup();
        Ok(ListResult { common_prefixes, objects })
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> StoreResult<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

impl fmt::Debug for StagedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StagedStore").field("location", &self.location).finish_non_exhaustive()
    }
}

impl fmt::Display for StagedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StagedStore({})", self.inner)
    }
}

impl fmt::Debug for StagedLogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.all()).finish()
    }
}

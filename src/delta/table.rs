//! The tables in use, each with its newest version and those that were asked for. It never decides who
//! may see one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use chrono::{DateTime, SecondsFormat};
use delta_kernel::Snapshot;
use delta_kernel::history_manager::error::LogHistoryError;
use delta_kernel::history_manager::{HistoryCommitType, get_earliest_commit, latest_version_as_of};
use deltalake::DeltaTable;
use deltalake::logstore::LogStoreRef;
use futures::StreamExt;
use moka::future::Cache;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};
use tokio::sync::OwnedMutexGuard;

use super::deletion_vector::DeletionVectors;
use super::error::{error_of_deltalake, error_of_kernel, no_table, same};
use super::footer::Footers;
use super::history::{CommitInfo, commit_path, read_history};
use super::live::Writing;
use super::log_store::log_store;
use super::staged::{StagedLog, StagedLogs};
use super::version::{ScanCaches, TableVersion};
use super::visibility::{Moment, Visibility};
use crate::base::{Error, ErrorKind, Result};
use crate::storage::{Location, Stores, error_of_store};

/// Tables whose log need not be read whole again for a next change.
const CHANGED_TABLES_MAX: u64 = 64;

/// How long a table is kept so after its last change.
const CHANGED_TABLE_KEPT: Duration = Duration::from_secs(300);

/// Bounds of what is kept of tables.
#[derive(Debug, Clone)]
pub struct TablesOptions {
    /// Tables whose newest version is kept.
    pub tables_max: u64,
    /// Older versions that are kept of one table.
    pub versions_max: u64,
    /// Footers of data files.
    pub footer_bytes_max: u64,
    /// Decoded deletion vectors.
    pub deletion_vector_bytes_max: u64,
}

impl Default for TablesOptions {
    fn default() -> Self {
        TablesOptions {
            tables_max: 10_000,
            versions_max: 16,
            footer_bytes_max: 512 << 20,
            deletion_vector_bytes_max: 256 << 20,
        }
    }
}

/// Which version of a table is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeTravel {
    /// The version of that number.
    Version(u64),
    /// The newest version at that time, in microseconds since the epoch.
    Timestamp(i64),
}

/// A lock for each table. Never evicted: two locks on one table would be none.
#[derive(Default)]
struct Locks(Mutex<HashMap<Location, Arc<tokio::sync::Mutex<()>>>>);

impl Locks {
    async fn lock(&self, location: &Location) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(location.clone()).or_default())
        };
        lock.lock_owned().await
    }
}

/// All tables in use, by location.
pub struct Tables {
    stores: Arc<Stores>,
    caches: Arc<ScanCaches>,
    entries: moka::sync::Cache<Location, Arc<Entry>>,
    /// Tables as deltalake has them, of those that were changed lately.
    changed: moka::sync::Cache<Location, DeltaTable>,
    turns: Locks,
    leases: Locks,
    versions_max: u64,
    /// Which commits count.
    visibility: Arc<Visibility>,
    /// Set where these are the tables as one transaction sees them.
    transaction: Option<Private>,
}

/// What a transaction has of its own.
struct Private {
    shared: Arc<Tables>,
    logs: Arc<StagedLogs>,
    /// As of when it reads tables that it has not read before; none before it has read any.
    moment: Mutex<Option<Arc<Moment>>>,
    /// From its first change on: its files are no garbage before it has ended.
    writing: Mutex<Option<Writing>>,
}

impl Private {
    /// As of when tables are read; now, if nothing was read yet.
    fn moment(&self, visibility: &Arc<Visibility>) -> Arc<Moment> {
        let mut moment = self.moment.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(moment.get_or_insert_with(|| Arc::new(visibility.now())))
    }
}

/// What is kept of one table.
struct Entry {
    newest: ArcSwapOption<Newest>,
    /// Held while the log is looked at.
    check: tokio::sync::Mutex<()>,
    checks_begun: AtomicU64,
    /// The number of the last check that succeeded.
    check_done: AtomicU64,
    versions: Cache<u64, Arc<TableVersion>>,
}

/// The newest version that is known, and the commit that made it.
struct Newest {
    version: Arc<TableVersion>,
    /// The commit's file; a table that was made anew at the same location has another.
    commit: Option<ObjectMeta>,
}

impl Tables {
    pub fn new(stores: Arc<Stores>, options: TablesOptions) -> Self {
        Tables {
            stores,
            caches: Arc::new(ScanCaches {
                footers: Arc::new(Footers::new(options.footer_bytes_max)),
                deletion_vectors: DeletionVectors::new(options.deletion_vector_bytes_max),
                live: Arc::default(),
            }),
            entries: moka::sync::Cache::new(options.tables_max),
            changed: changed_tables(),
            turns: Locks::default(),
            leases: Locks::default(),
            versions_max: options.versions_max,
            visibility: Arc::default(),
            transaction: None,
        }
    }

    /// The tables as a transaction sees them: each as of when it is first opened, with the changes that the
    /// transaction makes. Nobody else sees those.
    pub fn for_transaction(self: &Arc<Self>) -> Self {
        Tables {
            stores: Arc::clone(&self.stores),
            caches: Arc::clone(&self.caches),
            entries: moka::sync::Cache::builder().build(),
            changed: changed_tables(),
            turns: Locks::default(),
            leases: Locks::default(),
            versions_max: self.versions_max,
            visibility: Arc::clone(&self.visibility),
            transaction: Some(Private {
                shared: Arc::clone(self),
                logs: Arc::default(),
                moment: Mutex::default(),
                writing: Mutex::default(),
            }),
        }
    }

    /// Which commits count for whom.
    pub fn visibility(&self) -> &Arc<Visibility> {
        &self.visibility
    }

    /// Has the transaction read from now on what is there by then, of tables that it has not changed.
    pub fn refresh(&self) {
        let Some(private) = &self.transaction else { return };
        for location in private.logs.forget_unchanged() {
            self.entries.invalidate(&location);
            self.changed.invalidate(&location);
        }
        *private.moment.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Undoes what the transaction has changed since its logs were as given.
    pub async fn rewind(&self, to: &[(Location, StagedLog)]) -> Result<()> {
        let Some(private) = &self.transaction else { return Ok(()) };
        for location in private.logs.rewind(to).await? {
            self.entries.invalidate(&location);
            self.changed.invalidate(&location);
        }
        Ok(())
    }

    /// The logs of the transaction whose tables these are.
    pub fn staged(&self) -> Option<&Arc<StagedLogs>> {
        self.transaction.as_ref().map(|private| &private.logs)
    }

    /// The store of a table, as whoever uses these tables sees it.
    pub fn store(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        let store = self.stores.store(location)?;
        Ok(match &self.transaction {
            Some(private) => private.logs.overlay(location, store),
            None => store,
        })
    }

    /// The version that the transaction reads, with its own changes.
    async fn open_private(
        &self,
        location: &Location,
        private: &Private,
    ) -> Result<Arc<TableVersion>> {
        let entry = self.entry(location);
        let _checking = entry.check.lock().await;
        let Some(log) = private.logs.get(location) else {
            let moment = private.moment(&self.visibility);
            let version = private.shared.open_as_of(location, &moment).await?;
            private.logs.read(location, version.version());
            let newest = Newest { version: Arc::clone(&version), commit: None };
            entry.newest.store(Some(Arc::new(newest)));
            return Ok(version);
        };
        let newest = match (entry.newest.load_full(), log.base) {
            (Some(newest), _) => Some(Arc::clone(&newest.version)),
            (None, Some(base)) => {
                let at = TimeTravel::Version(base);
                Some(Box::pin(private.shared.open_at(location, at)).await?)
            }
            (None, None) => None,
        };
        if let Some(newest) = &newest
            && log.version() == Some(newest.version())
        {
            return Ok(Arc::clone(newest));
        }
        let version = self.load_after(location, newest).await?;
        let newest = Newest { version: Arc::clone(&version), commit: None };
        entry.newest.store(Some(Arc::new(newest)));
        Ok(version)
    }

    /// The newest version, with every commit that was there when this was called.
    ///
    /// Callers at the same time share one look at the log, one that began after they asked. A location
    /// without a table is 42704; a log that cannot be read is XX001.
    pub async fn open(&self, location: &Location) -> Result<Arc<TableVersion>> {
        if let Some(private) = &self.transaction {
            return Box::pin(self.open_private(location, private)).await;
        }
        self.open_counting(location, None).await
    }

    /// The newest version that was seen, without a look at the log.
    pub fn known_version(&self, location: &Location) -> Option<u64> {
        let newest = self.entries.get(location)?.newest.load_full()?;
        Some(newest.version.version())
    }

    /// The newest version as of a moment, or the one that the transaction reads.
    pub async fn open_as_of(
        &self,
        location: &Location,
        moment: &Moment,
    ) -> Result<Arc<TableVersion>> {
        if let Some(private) = &self.transaction {
            return Box::pin(self.open_private(location, private)).await;
        }
        self.open_counting(location, Some(moment)).await
    }

    async fn open_counting(
        &self,
        location: &Location,
        moment: Option<&Moment>,
    ) -> Result<Arc<TableVersion>> {
        let newest = self.newest(location).await?;
        match self.visibility.hidden_from(location, moment) {
            Some(hidden) if newest.version() >= hidden && hidden > 0 => {
                Box::pin(self.open_at(location, TimeTravel::Version(hidden - 1))).await
            }
            Some(_) | None => Ok(newest),
        }
    }

    /// The newest version that the log has, whether or not it counts already.
    pub async fn newest(&self, location: &Location) -> Result<Arc<TableVersion>> {
        if let Some(private) = &self.transaction {
            return Box::pin(self.open_private(location, private)).await;
        }
        let entry = self.entry(location);
        // A check that begins from now on sees what is there now.
        let begun = entry.checks_begun.load(Ordering::SeqCst);
        let checking = entry.check.lock().await;
        if entry.check_done.load(Ordering::SeqCst) > begun
            && let Some(newest) = entry.newest.load_full()
        {
            return Ok(Arc::clone(&newest.version));
        }
        let number = entry.checks_begun.fetch_add(1, Ordering::SeqCst) + 1;
        let newest = self.check(location, &entry).await;
        if newest.is_ok() {
            entry.check_done.store(number, Ordering::SeqCst);
        }
        drop(checking);
        newest
    }

    /// The version that time travel names. One that the table has not is 22023, with those that it has.
    pub async fn open_at(
        &self,
        location: &Location,
        time_travel: TimeTravel,
    ) -> Result<Arc<TableVersion>> {
        let number = match time_travel {
            TimeTravel::Version(number) => number,
            TimeTravel::Timestamp(micros) => {
                let newest = self.open(location).await?;
                self.version_at(&newest, micros).await?
            }
        };
        if let Some(private) = &self.transaction
            && private.logs.get(location).is_none_or(|log| log.base >= Some(number))
        {
            return Box::pin(private.shared.open_at(location, time_travel)).await;
        }
        let entry = self.entry(location);
        if let Some(newest) = entry.newest.load_full()
            && newest.version.version() == number
        {
            return Ok(Arc::clone(&newest.version));
        }
        let version = entry.versions.try_get_with(number, self.load(location, Some(number))).await;
        match version {
            Ok(version) => Ok(version),
            Err(error) => Err(self.no_such_version(location, number, &error).await),
        }
    }

    /// Whether there is a table at a location.
    pub async fn exists(&self, location: &Location) -> Result<bool> {
        let store = self.store(location)?;
        let log = location.path().clone().join("_delta_log");
        let mut files = store.list(Some(&log));
        while let Some(file) = files.next().await {
            match file {
                Ok(file) if is_log_file(&file) => return Ok(true),
                Ok(_) => {}
                Err(object_store::Error::NotFound { .. }) => return Ok(false),
                Err(error) => return Err(error_of_store(error)),
            }
        }
        Ok(false)
    }

    /// Makes a commit of our own the newest version at once. Gives the newest version, which is
    /// `version` or one that others have committed since.
    pub async fn publish(&self, location: &Location, version: u64) -> Result<Arc<TableVersion>> {
        let newest = self.open(location).await?;
        if newest.version() < version {
            return Err(Error::internal("a commit of the table is not in its log"));
        }
        Ok(newest)
    }

    /// To be held while files are written that are not part of a version yet.
    pub fn writing(&self) -> Writing {
        if let Some(private) = &self.transaction {
            let mut writing = private.writing.lock().unwrap_or_else(PoisonError::into_inner);
            writing.get_or_insert_with(|| self.caches.live.writing());
        }
        self.caches.live.writing()
    }

    /// When the oldest change that runs began, in milliseconds since the epoch.
    pub fn writing_since(&self) -> Option<i64> {
        self.caches.live.writing_since()
    }

    /// The versions of a table that are in use; older ones that are only kept are let go.
    pub async fn versions_in_use(&self, location: &Location) -> Vec<Arc<TableVersion>> {
        let entry = self.entry(location);
        entry.versions.invalidate_all();
        entry.versions.run_pending_tasks().await;
        self.caches.live.versions(location)
    }

    /// Drops what is kept of a table: it was dropped.
    pub fn forget(&self, location: &Location) {
        self.entries.invalidate(location);
        self.changed.invalidate(location);
    }

    /// The turn of the one statement in this process that changes rows of the table. Held from reading the version
    /// that the change is based on until its commit, for which it takes the lease as well.
    pub async fn turn(&self, location: &Location) -> OwnedMutexGuard<()> {
        self.turns.lock(location).await
    }

    /// The lease of the table's log. Held for a commit, and by a transaction for all of its commits; who holds it
    /// never waits for a turn.
    pub async fn lease(&self, location: &Location) -> OwnedMutexGuard<()> {
        self.leases.lock(location).await
    }

    /// The log of a table for deltalake's operations, also where there is no table yet.
    pub fn log_store(&self, location: &Location) -> Result<LogStoreRef> {
        Ok(log_store(location, self.store(location)?))
    }

    /// A version for deltalake's operations.
    pub async fn delta_table_at(&self, location: &Location, version: u64) -> Result<DeltaTable> {
        let kept = self.changed.get(location);
        let kept = kept.filter(|kept| kept.version().is_some_and(|known| known <= version));
        let mut table = match kept {
            Some(kept) => kept,
            None => DeltaTable::new(self.log_store(location)?),
        };
        if let Err(error) = table.load_version(version).await {
            self.changed.invalidate(location);
            return Err(error_of_deltalake(error, location));
        }
        self.changed.insert(location.clone(), table.clone());
        Ok(table)
    }

    /// The commits from the newest back.
    pub async fn history(
        &self,
        location: &Location,
        limit: Option<usize>,
    ) -> Result<Vec<CommitInfo>> {
        let newest = self.open(location).await?;
        let store = self.store(location)?;
        read_history(&store, location, newest.version(), limit).await
    }

    fn entry(&self, location: &Location) -> Arc<Entry> {
        self.entries.get_with_by_ref(location, || {
            Arc::new(Entry {
                newest: ArcSwapOption::empty(),
                check: tokio::sync::Mutex::default(),
                checks_begun: AtomicU64::new(0),
                check_done: AtomicU64::new(0),
                versions: Cache::new(self.versions_max),
            })
        })
    }

    /// Looks at the log, and loads what is new in it.
    async fn check(&self, location: &Location, entry: &Entry) -> Result<Arc<TableVersion>> {
        let store = self.store(location)?;
        let known = entry.newest.load_full();
        let mut base = None;
        if let Some(known) = &known
            && known.commit.is_some()
        {
            let number = known.version.version();
            let (commit, next) = tokio::try_join!(
                find(&store, location, number),
                find(&store, location, number + 1),
            )?;
            if is_same_file(commit.as_ref(), known.commit.as_ref()) {
                if next.is_none() {
                    return Ok(Arc::clone(&known.version));
                }
                base = Some(Arc::clone(&known.version));
            }
        }
        let is_new_table = base.is_none();
        let version = match self.load_after(location, base).await {
            Ok(version) => version,
            Err(error) => {
                entry.newest.store(None);
                return Err(error);
            }
        };
        if is_new_table {
            entry.versions.invalidate_all();
            self.changed.invalidate(location);
        } else if let Some(known) = known {
            let old = Arc::clone(&known.version);
            entry.versions.insert(old.version(), old).await;
        }
        let commit = find(&store, location, version.version()).await?;
        entry.newest.store(Some(Arc::new(Newest { version: Arc::clone(&version), commit })));
        Ok(version)
    }

    async fn load_after(
        &self,
        location: &Location,
        base: Option<Arc<TableVersion>>,
    ) -> Result<Arc<TableVersion>> {
        match base {
            None => self.load(location, None).await,
            Some(base) => {
                let snapshot = Arc::clone(base.snapshot());
                let builder = move || Snapshot::builder_from(snapshot);
                self.build(location, Some(base), builder).await
            }
        }
    }

    /// Reads a version from the whole log: the newest one without a number.
    async fn load(&self, location: &Location, version: Option<u64>) -> Result<Arc<TableVersion>> {
        let url = location.url().clone();
        let loaded = self
            .build(location, None, move || {
                let builder = Snapshot::builder_for(url);
                match version {
                    Some(version) => builder.at_version(version),
                    None => builder,
                }
            })
            .await;
        match loaded {
            Err(_) if !self.exists(location).await? => Err(no_table()),
            loaded => loaded,
        }
    }

    async fn build(
        &self,
        location: &Location,
        base: Option<Arc<TableVersion>>,
        builder: impl FnOnce() -> delta_kernel::snapshot::SnapshotBuilder + Send + 'static,
    ) -> Result<Arc<TableVersion>> {
        let log_store = self.log_store(location)?;
        let caches = Arc::clone(&self.caches);
        let location = location.clone();
        blocking(move || {
            let engine = log_store.engine(None);
            let snapshot = builder()
                .build(engine.as_ref())
                .map_err(|error| error_of_kernel(error, &location))?;
            let base = base.as_deref();
            TableVersion::load(location, snapshot, base, engine.as_ref(), log_store, caches)
                .map(Arc::new)
        })
        .await
        .inspect(|version| self.caches.live.note(version))
    }

    async fn version_at(&self, newest: &Arc<TableVersion>, micros: i64) -> Result<u64> {
        let version = Arc::clone(newest);
        blocking(move || {
            let engine = version.log_store.engine(None);
            let millis = micros.div_euclid(1000);
            let recreatable = HistoryCommitType::Recreatable;
            let found =
                latest_version_as_of(version.snapshot(), engine.as_ref(), millis, recreatable);
            match found {
                Ok(commit) => Ok(commit.version),
                Err(error) => Err(error_of_time(error, &version)),
            }
        })
        .await
    }

    /// The error for a version that could not be loaded.
    async fn no_such_version(&self, location: &Location, number: u64, error: &Error) -> Error {
        let Ok(newest) = self.open(location).await else { return same(error) };
        let version = Arc::clone(&newest);
        let earliest = blocking(move || {
            let engine = version.log_store.engine(None);
            let log = &version.snapshot().log_segment().log_root;
            get_earliest_commit(engine.as_ref(), log, None, HistoryCommitType::Recreatable)
                .map_err(|error| error_of_kernel(error, version.location()))
        })
        .await;
        let Ok(earliest) = earliest else { return same(error) };
        if (earliest..=newest.version()).contains(&number) {
            return same(error);
        }
        let what = format!("version {number} of the table does not exist");
        Error::new(ErrorKind::InvalidParameterValue, what)
            .with_detail(format!("The table has versions {earliest} to {}.", newest.version()))
    }
}

/// Changed tables have their files in memory a second time, so they are kept for a while only.
fn changed_tables() -> moka::sync::Cache<Location, DeltaTable> {
    moka::sync::Cache::builder()
        .max_capacity(CHANGED_TABLES_MAX)
        .time_to_idle(CHANGED_TABLE_KEPT)
        .build()
}

/// Runs what waits for storage where waiting is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|cause| Error::internal("reading a table's log did not end").caused_by(cause))?
}

/// The file of a commit, if it is there.
async fn find(
    store: &Arc<dyn ObjectStore>,
    location: &Location,
    version: u64,
) -> Result<Option<ObjectMeta>> {
    match store.head(&commit_path(location, version)).await {
        Ok(file) => Ok(Some(file)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error_of_store(error)),
    }
}

fn is_same_file(found: Option<&ObjectMeta>, known: Option<&ObjectMeta>) -> bool {
    let (Some(found), Some(known)) = (found, known) else { return false };
    found.last_modified == known.last_modified
        && found.size == known.size
        && found.e_tag == known.e_tag
}

/// Whether a file below `_delta_log` makes a table: a commit or a checkpoint.
fn is_log_file(file: &ObjectMeta) -> bool {
    let name = file.location.filename().unwrap_or_default();
    let numbered = name.get(..20).is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
    numbered && (name.ends_with(".json") || name.ends_with(".parquet"))
}

fn error_of_time(error: delta_kernel::Error, version: &TableVersion) -> Error {
    use delta_kernel::history_manager::error::NearestTimestamp;
    let delta_kernel::Error::LogHistory(history) = &error else {
        return error_of_kernel(error, version.location());
    };
    let LogHistoryError::TimestampOutOfRange { nearest_timestamp, .. } = history.as_ref() else {
        return error_of_kernel(error, version.location());
    };
    let refused = Error::new(
        ErrorKind::InvalidParameterValue,
        "the table has no version as old as this timestamp",
    );
    match nearest_timestamp {
        NearestTimestamp::Earliest(millis) | NearestTimestamp::Latest(millis) => {
            let earliest = DateTime::from_timestamp_millis(*millis).unwrap_or_default();
            let earliest = earliest.to_rfc3339_opts(SecondsFormat::Millis, true);
            refused.with_detail(format!("The oldest version it has is of {earliest}."))
        }
        _ => refused,
    }
}

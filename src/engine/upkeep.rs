//! What the server does for managed tables by itself, while nobody runs a query: small files are written
//! together, deleted rows left out, what no version needs any more is deleted, and tables whose rows have
//! changed are analyzed. It changes no row, and
//! an error stops nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use chrono::Utc;

use crate::base::{Error, Result, SecurableId};
use crate::catalog::maintenance::{MAINTENANCE_RUNS_MAX, MaintenanceOperation, MaintenanceRun};
use crate::catalog::{Relation, Snapshot};
use crate::delta::TableVersion;
use crate::delta::change::{self, ChangeContext, Committer, Optimization, Vacuum};
use crate::storage::Location;

use super::Engine;
use super::facts::Facts;
use super::open::location_of;

/// Who the log says has made the commits.
const COMMITTER: &str = "lakegate maintenance";

/// The property that keeps a table's small files.
const AUTO_COMPACT: &str = "delta.autoOptimize.autoCompact";

/// The property that keeps the identities of rows.
const ROW_TRACKING: &str = "delta.enableRowTracking";

/// How long a table that nobody has changed here is left alone: others may have changed it.
const UNCHANGED_LEFT_ALONE: Duration = Duration::from_secs(3600);

/// How often, and from when on, files are looked after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpkeepPolicy {
    pub enabled: bool,
    /// From the end of one look at all tables to the next.
    pub interval: Duration,
    /// Small files of one partition from which they are written together.
    pub small_files_min: usize,
    /// From one VACUUM of a table to the next.
    pub vacuum_interval: Duration,
}

impl Default for UpkeepPolicy {
    fn default() -> Self {
        UpkeepPolicy {
            enabled: true,
            interval: Duration::from_secs(60),
            small_files_min: 50,
            vacuum_interval: Duration::from_secs(24 * 3600),
        }
    }
}

/// What is known of earlier runs.
#[derive(Debug, Default)]
pub(super) struct Upkeep {
    runs: RwLock<Arc<[MaintenanceRun]>>,
    seen: Mutex<HashMap<SecurableId, Seen>>,
}

/// The version of a table that was last looked at, and when.
#[derive(Debug, Clone, Copy)]
struct Seen {
    version: u64,
    at: Instant,
}

/// What a run did.
#[derive(Default)]
struct Done {
    files_added: u64,
    files_removed: u64,
    bytes_added: u64,
    bytes_removed: u64,
    /// Whether the rows were looked at.
    analyzed: bool,
}

impl Engine {
    /// The runs of maintenance, the oldest first.
    pub fn maintenance_runs(&self) -> Arc<[MaintenanceRun]> {
        Arc::clone(&self.upkeep.runs.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads what earlier processes have done.
    pub async fn load_maintenance_runs(&self) -> Result<()> {
        let runs = self.metastore.maintenance_runs().await?;
        *self.upkeep.runs.write().unwrap_or_else(PoisonError::into_inner) = runs.into();
        Ok(())
    }

    /// Looks after every managed table once. Begins nothing while a query or a change runs, nor when
    /// `is_over`.
    pub async fn look_after_tables(
        self: &Arc<Self>,
        policy: &UpkeepPolicy,
        is_over: impl Fn() -> bool,
    ) {
        let snapshot = self.metastore.snapshot();
        let managed = snapshot
            .relations()
            .filter(|relation| relation.as_table().is_some_and(|table| table.managed));
        for relation in managed {
            if is_over() || self.is_in_use() {
                return;
            }
            if let Err(error) = self.look_after(relation, &snapshot, policy, &is_over).await {
                tracing::warn!(?error, table = relation.name, "a table cannot be looked after");
            }
        }
    }

    /// Whether somebody would have to wait, or lose a race, for maintenance.
    fn is_in_use(&self) -> bool {
        self.admission.is_busy() || self.tables.writing_since().is_some()
    }

    async fn look_after(
        self: &Arc<Self>,
        relation: &Arc<Relation>,
        snapshot: &Snapshot,
        policy: &UpkeepPolicy,
        is_over: &impl Fn() -> bool,
    ) -> Result<()> {
        let location = location_of(relation)?;
        let seen = self.seen(relation.id);
        if seen.is_some_and(|seen| {
            self.tables.known_version(&location).is_none_or(|known| known == seen.version)
                && seen.at.elapsed() < UNCHANGED_LEFT_ALONE
        }) {
            // Looking is requests to the storage, for each table.
            return Ok(());
        }
        let version = self.tables.open(&location).await?;
        if version.check_writable().is_err() {
            return Ok(());
        }
        let name = full_name(snapshot, relation);
        let is_new = seen.is_none_or(|seen| seen.version != version.version());
        let files = version.files();
        let may_be_untidy =
            files.len() >= policy.small_files_min || !files.deletion_vectors.is_empty();
        if is_new && may_be_untidy && !is_off(&version) {
            let wanted = Optimization {
                predicate: None,
                order: Vec::new(),
                full: false,
                purge: false,
                target_file_bytes: self.limits.data_file_bytes,
                files_min: policy.small_files_min.max(2),
            };
            let place = location.clone();
            let work = |ctx: ChangeContext| async move {
                let done = change::optimize(&ctx, &place, &wanted).await?;
                Ok(Done {
                    files_added: done.files_added,
                    files_removed: done.files_removed,
                    bytes_added: done.bytes_added,
                    bytes_removed: done.bytes_removed,
                    analyzed: false,
                })
            };
            self.run_maintenance(relation, &name, MaintenanceOperation::Optimize, work).await;
        }
        if !is_over() && !self.is_in_use() && self.is_vacuum_due(relation.id, &version, policy) {
            self.clean(relation, &name, &location).await;
        }
        let newest = self.tables.open(&location).await?;
        if is_new && !is_over() && !self.is_in_use() {
            let (engine, table) = (Arc::clone(self), Arc::clone(relation));
            let version = Arc::clone(&newest);
            let analyze = |_: ChangeContext| async move {
                let analyzed = engine.analyze_if_stale(&table, &version).await?;
                Ok(Done { analyzed, ..Done::default() })
            };
            self.run_maintenance(relation, &name, MaintenanceOperation::Analyze, analyze).await;
        }
        let mut seen = self.upkeep.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(relation.id, Seen { version: newest.version(), at: Instant::now() });
        Ok(())
    }

    /// Deletes files, then commits, that are older than the table keeps them.
    async fn clean(self: &Arc<Self>, relation: &Relation, name: &str, location: &Location) {
        let (place, clones) = (location.clone(), self.clones_of(relation));
        let vacuum = |ctx: ChangeContext| async move {
            let wanted =
                Vacuum { is_retention_checked: true, clones: clones?, ..Vacuum::default() };
            let vacuumed = change::vacuum(&ctx, &place, &wanted).await?;
            let files_removed = vacuumed.files.len() as u64;
            Ok(Done { files_removed, bytes_removed: vacuumed.bytes, ..Done::default() })
        };
        self.run_maintenance(relation, name, MaintenanceOperation::Vacuum, vacuum).await;
        let place = location.clone();
        let clean = |ctx: ChangeContext| async move {
            let commits = change::clean_log(&ctx, &place).await?;
            Ok(Done { files_removed: commits as u64, ..Done::default() })
        };
        self.run_maintenance(relation, name, MaintenanceOperation::LogCleanup, clean).await;
    }

    fn seen(&self, id: SecurableId) -> Option<Seen> {
        let seen = self.upkeep.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&id).copied()
    }

    /// A table that never was vacuumed is as good as one that was when it was made.
    fn is_vacuum_due(
        &self,
        id: SecurableId,
        version: &TableVersion,
        policy: &UpkeepPolicy,
    ) -> bool {
        let runs = self.maintenance_runs();
        let last = runs
            .iter()
            .rev()
            .find(|run| run.relation == id && run.operation == MaintenanceOperation::Vacuum);
        let interval = i64::try_from(policy.vacuum_interval.as_micros()).unwrap_or(i64::MAX);
        let made = || version.details().created_at.unwrap_or_default().saturating_mul(1000);
        let last = last.map_or_else(made, |run| run.started_at);
        Utc::now().timestamp_micros().saturating_sub(last) >= interval
    }

    /// Runs one operation, and records it unless there was nothing to do. A VACUUM is recorded always: it
    /// tells when the next one is due.
    async fn run_maintenance<F>(
        self: &Arc<Self>,
        relation: &Relation,
        name: &str,
        operation: MaintenanceOperation,
        work: impl FnOnce(ChangeContext) -> F,
    ) where
        F: Future<Output = Result<Done>> + Send + 'static,
    {
        let started_at = Utc::now().timestamp_micros();
        let outcome = self.cpu.run(work(self.upkeep_context())).await;
        let error = outcome.as_ref().err().map(Error::to_string);
        if let Some(error) = &error {
            let operation = operation.name();
            tracing::warn!(error, operation, table = name, "maintenance of a table has failed");
        }
        let done = outcome.unwrap_or_default();
        let changes_files = done.files_added > 0 || done.files_removed > 0;
        let is_idle = !changes_files && !done.analyzed && error.is_none();
        if is_idle && operation != MaintenanceOperation::Vacuum {
            return;
        }
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let run = MaintenanceRun {
            relation: relation.id,
            name: name.to_owned(),
            operation,
            started_at,
            ended_at: Utc::now().timestamp_micros(),
            files_added: count(done.files_added),
            files_removed: count(done.files_removed),
            bytes_added: count(done.bytes_added),
            bytes_removed: count(done.bytes_removed),
            error,
        };
        if let Err(error) = self.metastore.record_maintenance(&run).await {
            tracing::warn!(?error, table = name, "a run of maintenance could not be recorded");
        }
        let mut runs = self.upkeep.runs.write().unwrap_or_else(PoisonError::into_inner);
        let forgotten = (runs.len() + 1).saturating_sub(MAINTENANCE_RUNS_MAX);
        *runs = runs.iter().skip(forgotten).cloned().chain([run]).collect();
    }

    fn upkeep_context(&self) -> ChangeContext {
        ChangeContext {
            state: Arc::new(self.context.statement(&Facts::default())),
            tables: Arc::clone(&self.tables),
            committer: Committer { user_name: Some(COMMITTER.to_owned()), statement_id: None },
            planned_version: None,
            isolation: change::Isolation::ReadCommitted,
            returned: None,
        }
    }
}

/// Whether the table keeps its files: because it says so, or because rows that are written again would lose
/// their identities.
fn is_off(version: &TableVersion) -> bool {
    let says = |key: &str, wanted: &str| {
        version.properties().get(key).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    says(AUTO_COMPACT, "false") || says(ROW_TRACKING, "true")
}

fn full_name(snapshot: &Snapshot, relation: &Relation) -> String {
    let schema = snapshot.schema_by_id(relation.schema);
    let catalog = schema.and_then(|schema| snapshot.catalog_by_id(schema.catalog));
    let above = [catalog.map(|c| c.name.as_str()), schema.map(|s| s.name.as_str())];
    let parts: Vec<&str> = above.into_iter().flatten().chain([relation.name.as_str()]).collect();
    parts.join(".")
}

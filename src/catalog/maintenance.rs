//! What the server has done to the files of tables by itself: a record of every run. It runs none.

use sqlx::{query, query_as};
use uuid::Uuid;

use crate::base::{Result, SecurableId};

use super::load::{unreadable, uuid};
use super::metastore::Metastore;
use super::sqlite::database_error;

/// Runs that are kept.
pub const MAINTENANCE_RUNS_MAX: usize = 10_000;

/// One run on one table.
#[derive(Debug, Clone, PartialEq)]
pub struct MaintenanceRun {
    /// It need not exist any more.
    pub relation: SecurableId,
    /// `catalog.schema.table`, as it was called then.
    pub name: String,
    pub operation: MaintenanceOperation,
    /// Microseconds since 1970-01-01 UTC.
    pub started_at: i64,
    pub ended_at: i64,
    pub files_added: i64,
    pub files_removed: i64,
    pub bytes_added: i64,
    pub bytes_removed: i64,
    /// Why it has failed, if it has.
    pub error: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaintenanceOperation {
    /// Small files were written together, deleted rows left out.
    Optimize,
    /// Files that no version needs any more were deleted.
    Vacuum,
    /// Commits that a checkpoint stands for were deleted.
    LogCleanup,
    /// It was counted what the rows are like.
    Analyze,
}

impl MaintenanceOperation {
    /// As it is stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            MaintenanceOperation::Optimize => "optimize",
            MaintenanceOperation::Vacuum => "vacuum",
            MaintenanceOperation::LogCleanup => "log cleanup",
            MaintenanceOperation::Analyze => "analyze",
        }
    }

    fn parse(name: &str) -> Result<Self> {
        use MaintenanceOperation::{Analyze, LogCleanup, Optimize, Vacuum};
        let known = [Optimize, Vacuum, LogCleanup, Analyze];
        known
            .into_iter()
            .find(|operation| operation.name() == name)
            .ok_or_else(|| unreadable("operation", "an unknown word"))
    }
}

type Row = (String, String, String, i64, i64, i64, i64, i64, i64, Option<String>);

impl Metastore {
    /// Keeps a run, and forgets the oldest where there are too many.
    pub async fn record_maintenance(&self, run: &MaintenanceRun) -> Result<()> {
        let mut writer = self.writer().await;
        query(
            "INSERT INTO maintenance_run (id, relation, name, operation, started_at, ended_at,
                 files_added, files_removed, bytes_added, bytes_removed, error)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(Uuid::new_v4().to_string())
        .bind(run.relation.to_string())
        .bind(&run.name)
        .bind(run.operation.name())
        .bind(run.started_at)
        .bind(run.ended_at)
        .bind(run.files_added)
        .bind(run.files_removed)
        .bind(run.bytes_added)
        .bind(run.bytes_removed)
        .bind(&run.error)
        .execute(&mut *writer)
        .await
        .map_err(database_error)?;
        query(
            "DELETE FROM maintenance_run WHERE id NOT IN
                 (SELECT id FROM maintenance_run ORDER BY started_at DESC, id LIMIT $1)",
        )
        .bind(i64::try_from(MAINTENANCE_RUNS_MAX).unwrap_or(i64::MAX))
        .execute(&mut *writer)
        .await
        .map_err(database_error)?;
        Ok(())
    }

    /// Every run that is kept, the oldest first.
    pub async fn maintenance_runs(&self) -> Result<Vec<MaintenanceRun>> {
        let rows = query_as::<_, Row>(
            "SELECT relation, name, operation, started_at, ended_at,
                 files_added, files_removed, bytes_added, bytes_removed, error
             FROM maintenance_run ORDER BY started_at, id",
        )
        .fetch_all(&mut *self.writer().await)
        .await
        .map_err(database_error)?;
        rows.into_iter().map(run).collect()
    }
}

fn run(row: Row) -> Result<MaintenanceRun> {
    let (relation, name, operation, started_at, ended_at, ..) = &row;
    let (started_at, ended_at) = (*started_at, *ended_at);
    let (relation, operation, name) = (uuid(relation)?, operation.as_str(), name.clone());
    let operation = MaintenanceOperation::parse(operation)?;
    let (.., files_added, files_removed, bytes_added, bytes_removed, error) = row;
    Ok(MaintenanceRun {
        relation: SecurableId(relation),
        name,
        operation,
        started_at,
        ended_at,
        files_added,
        files_removed,
        bytes_added,
        bytes_removed,
        error,
    })
}

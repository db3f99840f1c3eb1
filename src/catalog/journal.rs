//! The journal of commits over several tables: written before the first table's log, erased together with
//! the transaction's changes of the catalog. It touches no table.

use sqlx::sqlite::SqliteConnection;
use sqlx::{query, query_as};
use uuid::Uuid;

use crate::base::{Error, ErrorKind, Result};

use super::load::{unreadable, uuid};
use super::metastore::{Metastore, execute};
use super::sqlite::database_error;

/// One table of a commit that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenCommit {
    /// The id that the commit has in the table's log.
    pub id: Uuid,
    /// The URL of the table's root.
    pub location: String,
    /// The version that the transaction has read; `None` for a table that it makes.
    pub base: Option<u64>,
}

impl Metastore {
    /// Notes that a commit begins. Until [`Metastore::commit`] or [`Metastore::forget_commit`] of the same id,
    /// a crash means that it has not happened.
    pub async fn begin_commit(&self, tables: &[OpenCommit]) -> Result<()> {
        let mut writer = self.writer().await;
        execute(&mut writer, "BEGIN IMMEDIATE").await?;
        let outcome = match write(&mut writer, tables).await {
            Ok(()) => execute(&mut writer, "COMMIT").await,
            Err(error) => Err(error),
        };
        if outcome.is_err() {
            // Fails when SQLite has ended the transaction already.
            let _ = execute(&mut writer, "ROLLBACK").await;
        }
        outcome
    }

    /// Every commit that had begun and neither ended nor was taken back.
    pub async fn open_commits(&self) -> Result<Vec<OpenCommit>> {
        let rows = query_as::<_, (String, String, Option<i64>)>(
            "SELECT id, location, base FROM open_commit ORDER BY id, location",
        )
        .fetch_all(&mut *self.writer().await)
        .await
        .map_err(database_error)?;
        rows.into_iter()
            .map(|(id, location, base)| {
                let base = base.map(u64::try_from).transpose();
                let base = base.map_err(|_| unreadable("base", "a negative version"))?;
                Ok(OpenCommit { id: uuid(&id)?, location, base })
            })
            .collect()
    }

    /// Forgets a commit that has been taken back.
    pub async fn forget_commit(&self, id: Uuid) -> Result<()> {
        erase(&mut *self.writer().await, id).await
    }
}

async fn write(connection: &mut SqliteConnection, tables: &[OpenCommit]) -> Result<()> {
    for table in tables {
        let base = table.base.map(i64::try_from).transpose().map_err(|cause| {
            Error::new(ErrorKind::ProgramLimitExceeded, "the table's version is too large")
                .caused_by(cause)
        })?;
        query("INSERT INTO open_commit (id, location, base) VALUES ($1, $2, $3)")
            .bind(table.id.to_string())
            .bind(&table.location)
            .bind(base)
            .execute(&mut *connection)
            .await
            .map_err(database_error)?;
    }
    Ok(())
}

/// Ends a commit: it has happened when the transaction around this is committed.
pub(super) async fn erase(connection: &mut SqliteConnection, id: Uuid) -> Result<()> {
    query("DELETE FROM open_commit WHERE id = $1")
        .bind(id.to_string())
        .execute(connection)
        .await
        .map_err(database_error)?;
    Ok(())
}

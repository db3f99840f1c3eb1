//! Locations that hold files but belong to no table: not yet, or not any more. Written in the same
//! database as the tables, so that a crash never leaves files that nobody knows of. It removes no file.

use sqlx::{query, query_as};

use crate::base::{Error, ErrorKind, Result, SecurableId};

use super::draft::overlap;
use super::load::{unreadable, uuid};
use super::metastore::{Metastore, microseconds_now};
use super::sqlite::database_error;

/// A location that no table owns.
#[derive(Debug, Clone, PartialEq)]
pub struct LooseLocation {
    /// The URL of the root of the files.
    pub location: String,
    /// The table that the files were made for or belonged to; it need not exist.
    pub relation: SecurableId,
    pub reason: LooseReason,
    /// Microseconds since 1970-01-01 UTC.
    pub since: i64,
}

/// Why nobody owns the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LooseReason {
    /// They are being written for a table that is not created yet. After a restart: never will be.
    Staged,
    /// Their managed table was dropped or replaced.
    Dropped,
}

impl Metastore {
    /// Notes that files are going to be written at `location` for the managed table `relation`. The
    /// change that creates the table ends the note.
    pub async fn stage_location(&self, location: &str, relation: SecurableId) -> Result<()> {
        let mut writer = self.writer().await;
        let snapshot = self.snapshot();
        let mut tables = snapshot.relations().filter_map(|relation| relation.as_table());
        if tables.any(|table| overlap(&table.location, location)) {
            let message = format!("location \"{location}\" overlaps the files of a table");
            return Err(Error::new(ErrorKind::InvalidTableDefinition, message));
        }
        let staged = query(
            "INSERT INTO loose_location (location, relation, reason, since)
             VALUES ($1, $2, 'staged', $3)
             ON CONFLICT (location) DO NOTHING",
        )
        .bind(location)
        .bind(relation.to_string())
        .bind(microseconds_now())
        .execute(&mut *writer)
        .await
        .map_err(database_error)?;
        if staged.rows_affected() == 0 {
            let message = format!("location \"{location}\" is in use already");
            return Err(Error::new(ErrorKind::ObjectInUse, message));
        }
        Ok(())
    }

    /// Notes that the table for which a location was staged will not be made. Without effect when it is not
    /// staged.
    pub async fn abandon_location(&self, location: &str) -> Result<()> {
        query(
            "UPDATE loose_location SET reason = 'dropped', since = $2
             WHERE location = $1 AND reason = 'staged'",
        )
        .bind(location)
        .bind(microseconds_now())
        .execute(&mut *self.writer().await)
        .await
        .map_err(database_error)?;
        Ok(())
    }

    /// As [`Metastore::abandon_location`], for files that nobody reads any more: they may go at once.
    pub async fn expire_location(&self, location: &str) -> Result<()> {
        query(
            "UPDATE loose_location SET reason = 'dropped', since = 0
             WHERE location = $1 AND reason = 'staged'",
        )
        .bind(location)
        .execute(&mut *self.writer().await)
        .await
        .map_err(database_error)?;
        Ok(())
    }

    /// Every location that no table owns, the oldest first.
    pub async fn loose_locations(&self) -> Result<Vec<LooseLocation>> {
        type Row = (String, String, String, i64);
        let rows = query_as::<_, Row>(
            "SELECT location, relation, reason, since FROM loose_location ORDER BY since, location",
        )
        .fetch_all(&mut *self.writer().await)
        .await
        .map_err(database_error)?;
        rows.into_iter()
            .map(|(location, relation, reason, since)| {
                let reason = match reason.as_str() {
                    "staged" => LooseReason::Staged,
                    "dropped" => LooseReason::Dropped,
                    other => return Err(unreadable("reason", other)),
                };
                let relation = SecurableId(uuid(&relation)?);
                Ok(LooseLocation { location, relation, reason, since })
            })
            .collect()
    }

    /// Forgets a loose location whose files are gone. Without effect when it is not loose.
    pub async fn forget_location(&self, location: &str) -> Result<()> {
        query("DELETE FROM loose_location WHERE location = $1")
            .bind(location)
            .execute(&mut *self.writer().await)
            .await
            .map_err(database_error)?;
        Ok(())
    }
}

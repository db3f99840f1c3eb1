//! What is known of the rows of tables: the findings of ANALYZE, kept until the next one. It counts nothing, and
//! nothing in it is exact.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::{query, query_as};

use crate::base::{Result, SecurableId};

use super::load::uuid;
use super::metastore::Metastore;
use super::sqlite::database_error;

/// The findings by table.
pub type AnalyzedTables = HashMap<SecurableId, Arc<TableStatistics>>;

/// What ANALYZE has found in a table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableStatistics {
    pub relation: SecurableId,
    /// The version of the table that was read.
    pub version: u64,
    /// Microseconds since 1970-01-01 UTC.
    pub analyzed_at: i64,
    /// Whether nobody has asked for it.
    pub automatic: bool,
    pub rows: u64,
    /// Of all data files.
    pub bytes: u64,
    /// By the column's id.
    pub columns: HashMap<SecurableId, ColumnStatistics>,
}

/// What ANALYZE has found in a column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStatistics {
    /// The share of rows in which it is NULL.
    pub null_fraction: f64,
    /// The average size of its values in bytes.
    pub average_bytes: u32,
    /// How many different values there are; below zero, as a share of the rows (as in PostgreSQL's
    /// `pg_stats.n_distinct`). Zero is not known.
    pub distinct_count: f64,
    /// The least and the greatest value as text.
    pub least: Option<String>,
    pub greatest: Option<String>,
}

impl ColumnStatistics {
    /// How many different values there are among so many rows, if known.
    pub fn distinct_among(&self, rows: u64) -> Option<u64> {
        let count = match self.distinct_count {
            0.0 => return None,
            share if share < 0.0 => -share * rows as f64,
            count => count,
        };
        Some((count.round() as u64).clamp(1, rows.max(1)))
    }
}

type TableRow = (String, i64, i64, bool, i64, i64);
type ColumnRow = (String, String, f64, i64, f64, Option<String>, Option<String>);

impl Metastore {
    /// Keeps the findings in the place of those before. A table that is gone by now has none.
    pub async fn record_statistics(&self, found: &TableStatistics) -> Result<()> {
        let relation = found.relation.to_string();
        let mut writer = self.writer().await;
        let mut change = sqlx::Connection::begin(&mut *writer).await.map_err(database_error)?;
        query("DELETE FROM table_statistics WHERE relation = $1")
            .bind(&relation)
            .execute(&mut *change)
            .await
            .map_err(database_error)?;
        let kept = query(
            "INSERT INTO table_statistics (relation, version, analyzed_at, automatic, rows, bytes)
             SELECT id, $2, $3, $4, $5, $6 FROM relation WHERE id = $1",
        )
        .bind(&relation)
        .bind(signed(found.version))
        .bind(found.analyzed_at)
        .bind(found.automatic)
        .bind(signed(found.rows))
        .bind(signed(found.bytes))
        .execute(&mut *change)
        .await
        .map_err(database_error)?;
        let columns = found.columns.iter().filter(|_| kept.rows_affected() > 0);
        for (column, statistics) in columns {
            query(
                "INSERT INTO column_statistics (relation, column_id, null_fraction, average_bytes,
                     distinct_count, least, greatest)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)",
            )
            .bind(&relation)
            .bind(column.to_string())
            .bind(statistics.null_fraction)
            .bind(i64::from(statistics.average_bytes))
            .bind(statistics.distinct_count)
            .bind(&statistics.least)
            .bind(&statistics.greatest)
            .execute(&mut *change)
            .await
            .map_err(database_error)?;
        }
        change.commit().await.map_err(database_error)
    }

    /// All findings that are kept.
    pub async fn table_statistics(&self) -> Result<AnalyzedTables> {
        let mut writer = self.writer().await;
        let tables = query_as::<_, TableRow>(
            "SELECT relation, version, analyzed_at, automatic, rows, bytes FROM table_statistics",
        )
        .fetch_all(&mut *writer)
        .await
        .map_err(database_error)?;
        let columns = query_as::<_, ColumnRow>(
            "SELECT relation, column_id, null_fraction, average_bytes, distinct_count, least, greatest
             FROM column_statistics",
        )
        .fetch_all(&mut *writer)
        .await
        .map_err(database_error)?;
        let mut by_table: HashMap<String, HashMap<SecurableId, ColumnStatistics>> = HashMap::new();
        for (relation, column, null_fraction, bytes, distinct_count, least, greatest) in columns {
            let average_bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            let found =
                ColumnStatistics { null_fraction, average_bytes, distinct_count, least, greatest };
            by_table.entry(relation).or_default().insert(SecurableId(uuid(&column)?), found);
        }
        let tables = tables.into_iter().map(|row| {
            let (id, version, analyzed_at, automatic, rows, bytes) = row;
            let columns = by_table.remove(&id).unwrap_or_default();
            let relation = SecurableId(uuid(&id)?);
            let (version, rows, bytes) = (unsigned(version), unsigned(rows), unsigned(bytes));
            let found =
                TableStatistics { relation, version, analyzed_at, automatic, rows, bytes, columns };
            Ok((relation, Arc::new(found)))
        });
        tables.collect()
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::ColumnStatistics;

    #[test]
    fn shares_grow_with_the_table_and_counts_do_not() {
        let column = |distinct_count| ColumnStatistics {
            null_fraction: 0.0,
            average_bytes: 4,
            distinct_count,
            least: None,
            greatest: None,
        };
        assert_eq!(column(-0.5).distinct_among(1000), Some(500));
        assert_eq!(column(7.0).distinct_among(1000), Some(7));
        assert_eq!(column(7.0).distinct_among(3), Some(3));
        assert_eq!(column(0.0).distinct_among(3), None);
    }
}

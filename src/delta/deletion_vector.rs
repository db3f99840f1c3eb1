//! Deletion vectors as selections of the rows that are left, kept once read. It never applies one.

use std::sync::Arc;

use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use delta_kernel::Engine;
use delta_kernel::actions::deletion_vector::{DeletionVectorDescriptor, DeletionVectorStorageType};
use moka::sync::Cache;

use super::error::error_of_kernel;
use crate::base::{Error, ErrorKind, Result};
use crate::storage::Location;

/// The deleted rows of one data file.
#[derive(Debug, Clone)]
pub struct DeletionVector {
    pub descriptor: DeletionVectorDescriptor,
}

impl DeletionVector {
    /// The number of deleted rows.
    pub fn cardinality(&self) -> u64 {
        u64::try_from(self.descriptor.cardinality).unwrap_or_default()
    }
}

/// What tells selections apart: table, deletion vector and the rows of the data file. Deletion vectors
/// inside the log are named by their content, which files of different lengths can share.
type Key = (Location, String, u64);

/// Selections of the rows that deletion vectors leave, by least recent use.
pub struct DeletionVectors {
    selections: Cache<Key, Arc<RowSelection>>,
}

impl DeletionVectors {
    /// A cache of about `bytes_max` bytes.
    pub fn new(bytes_max: u64) -> Self {
        let weigh = |_: &Key, selection: &Arc<RowSelection>| {
            let bytes = selection.iter().count() * size_of::<RowSelector>();
            u32::try_from(bytes).unwrap_or(u32::MAX)
        };
        let selections = Cache::builder().max_capacity(bytes_max).weigher(weigh).build();
        DeletionVectors { selections }
    }

    /// The rows that a deletion vector leaves of a data file with `rows` rows. Blocks on storage when
    /// the vector is not known yet.
    pub fn selection(
        &self,
        engine: &dyn Engine,
        location: &Location,
        vector: &DeletionVector,
        rows: u64,
    ) -> Result<Arc<RowSelection>> {
        let key = (location.clone(), vector.descriptor.unique_id(), rows);
        if let Some(selection) = self.selections.get(&key) {
            return Ok(selection);
        }
        let deleted = read(engine, location, &vector.descriptor)?;
        if deleted.len() as u64 != vector.cardinality() {
            return Err(corrupted("has another number of rows than the table's log says"));
        }
        let selection = Arc::new(selection_without(&deleted, rows)?);
        self.selections.insert(key, Arc::clone(&selection));
        Ok(selection)
    }
}

fn read(
    engine: &dyn Engine,
    location: &Location,
    descriptor: &DeletionVectorDescriptor,
) -> Result<Vec<u64>> {
    let outside = match descriptor.storage_type {
        DeletionVectorStorageType::PersistedAbsolute => {
            location.file(&descriptor.path_or_inline_dv).is_none()
        }
        DeletionVectorStorageType::PersistedRelative => {
            // The prefix before the identifier names a folder.
            descriptor.path_or_inline_dv.contains("..")
        }
        DeletionVectorStorageType::Inline => false,
    };
    if outside {
        return Err(Error::unsupported("a deletion vector outside of the table's location"));
    }
    descriptor
        .row_indexes(engine.storage_handler(), location.url())
        .map_err(|error| error_of_kernel(error, location))
}

/// The rows but those at `deleted`, which are in ascending order. The selection covers each of
/// `rows`, as the Parquet reader demands.
fn selection_without(deleted: &[u64], rows: u64) -> Result<RowSelection> {
    let mut selectors = Vec::with_capacity(deleted.len() * 2 + 1);
    let mut next = 0;
    for &row in deleted {
        if row < next || row >= rows {
            return Err(corrupted("deletes a row that its data file does not have"));
        }
        selectors.push(RowSelector::select(row_count(row - next)?));
        selectors.push(RowSelector::skip(1));
        next = row + 1;
    }
    selectors.push(RowSelector::select(row_count(rows - next)?));
    // Neighbours of one kind become one, and empty ones none.
    Ok(selectors.into_iter().collect())
}

fn row_count(rows: u64) -> Result<usize> {
    usize::try_from(rows).map_err(|cause| corrupted("is too long").caused_by(cause))
}

fn corrupted(what: &str) -> Error {
    Error::new(ErrorKind::DataCorrupted, format!("a deletion vector of the table {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_cover_every_row_once() {
        let selectors = |deleted: &[u64], rows| -> Vec<RowSelector> {
            selection_without(deleted, rows).unwrap().into()
        };
        let (select, skip) = (RowSelector::select, RowSelector::skip);
        assert_eq!(selectors(&[], 3), [select(3)]);
        assert_eq!(selectors(&[0, 1, 4], 6), [skip(2), select(2), skip(1), select(1)]);
        assert_eq!(selectors(&[5], 6), [select(5), skip(1)]);
        assert_eq!(selectors(&[0, 1], 2), [skip(2)]);
        assert!(selection_without(&[6], 6).is_err());
        assert!(selection_without(&[2, 2], 6).is_err());
    }
}

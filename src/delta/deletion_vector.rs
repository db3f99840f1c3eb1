//! Deletion vectors: the deleted rows of data files, as the log keeps them and as selections of the rows
//! that are left. It never decides which rows those are.

use std::sync::Arc;

use datafusion::parquet::arrow::arrow_reader::{RowSelection, RowSelector};
use delta_kernel::Engine;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use moka::sync::Cache;
use object_store::path::Path;
use roaring::RoaringTreemap;
use uuid::Uuid;

use super::error::error_of_kernel;
use super::listing::outside;
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

    /// The deleted rows, as positions in the data file. Blocks on storage.
    pub fn rows(&self, engine: &dyn Engine, location: &Location) -> Result<RoaringTreemap> {
        let rows = read(engine, location, &self.descriptor)?;
        if rows.len() != self.cardinality() {
            return Err(corrupted("has another number of rows than the table's log says"));
        }
        Ok(rows)
    }
}

/// The name of the file that a deletion vector with an identifier is in, below the table's location.
pub fn file_name(id: Uuid) -> String {
    format!("deletion_vector_{id}.bin")
}

/// What the log calls the file of that identifier (Delta protocol, "Deletion Vector Descriptor Schema").
pub fn encoded_id(id: Uuid) -> String {
    z85::encode(id.as_bytes())
}

/// The file of a deletion vector, below the table's location, from how the log calls it. `None` for what
/// Lakegate does not write: files in a folder of their own.
pub fn file_of(encoded: &str) -> Option<String> {
    let id = z85::decode(encoded).ok()?;
    Uuid::from_slice(&id).ok().map(file_name)
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
        let deleted = vector.rows(engine, location)?;
        let selection = Arc::new(selection_without(&deleted, rows)?);
        self.selections.insert(key, Arc::clone(&selection));
        Ok(selection)
    }
}

/// The file that a deletion vector is in; `None` for one that is in the log. Errors: 0A000 for one that lies
/// outside of the table's location.
pub fn vector_file(
    location: &Location,
    descriptor: &DeletionVectorDescriptor,
) -> Result<Option<Path>> {
    let url = descriptor.absolute_path(location.url());
    let url = url.map_err(|error| error_of_kernel(error, location))?;
    url.map(|url| location.file(url.as_str()).ok_or_else(outside)).transpose()
}

fn read(
    engine: &dyn Engine,
    location: &Location,
    descriptor: &DeletionVectorDescriptor,
) -> Result<RoaringTreemap> {
    // One that lies elsewhere is refused.
    vector_file(location, descriptor)?;
    descriptor
        .read(engine.storage_handler(), location.url())
        .map_err(|error| error_of_kernel(error, location))
}

/// The rows but those at `deleted`. The selection covers each of `rows`, as the Parquet reader demands.
pub fn selection_without(deleted: &RoaringTreemap, rows: u64) -> Result<RowSelection> {
    selection(deleted, rows, RowSelector::select, RowSelector::skip)
}

/// The rows at `wanted` alone, out of `rows`.
pub fn selection_of(wanted: &RoaringTreemap, rows: u64) -> Result<RowSelection> {
    selection(wanted, rows, RowSelector::skip, RowSelector::select)
}

fn selection(
    marked: &RoaringTreemap,
    rows: u64,
    other: fn(usize) -> RowSelector,
    mark: fn(usize) -> RowSelector,
) -> Result<RowSelection> {
    let mut selectors = Vec::new();
    let mut next = 0;
    for row in marked {
        if row >= rows {
            return Err(corrupted("deletes a row that its data file does not have"));
        }
        selectors.push(other(row_count(row - next)?));
        selectors.push(mark(1));
        next = row + 1;
    }
    selectors.push(other(row_count(rows - next)?));
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
    use delta_kernel::actions::deletion_vector::DeletionVectorStorageType;

    use super::*;

    #[test]
    fn selections_cover_every_row_once() {
        let rows = |rows: &[u64]| rows.iter().copied().collect::<RoaringTreemap>();
        let without = |deleted: &[u64], count| -> Vec<RowSelector> {
            selection_without(&rows(deleted), count).unwrap().into()
        };
        let (select, skip) = (RowSelector::select, RowSelector::skip);
        assert_eq!(without(&[], 3), [select(3)]);
        assert_eq!(without(&[0, 1, 4], 6), [skip(2), select(2), skip(1), select(1)]);
        assert_eq!(without(&[5], 6), [select(5), skip(1)]);
        assert_eq!(without(&[0, 1], 2), [skip(2)]);
        let only: Vec<RowSelector> = selection_of(&rows(&[1, 2]), 4).unwrap().into();
        assert_eq!(only, [skip(1), select(2), skip(1)]);
        assert!(selection_without(&rows(&[6]), 6).is_err());
    }

    #[test]
    fn dots_of_an_identifier_lead_nowhere_and_those_of_a_folder_are_followed() {
        let location = Location::parse("file:///lake/table").unwrap();
        // z85 has the dot among its digits.
        let id = Uuid::from_slice(&z85::decode("a..b0123456789012345").unwrap()).unwrap();
        let file = |prefix: &str| {
            let path = format!("{prefix}{}", encoded_id(id));
            let kind = DeletionVectorStorageType::PersistedRelative;
            let vector = DeletionVectorDescriptor::try_new(kind, path, Some(1), 10, 1).unwrap();
            vector_file(&location, &vector)
        };
        let path = file("").unwrap().unwrap();
        assert_eq!(path.as_ref(), format!("lake/table/{}", file_name(id)));
        assert!(file("folder").unwrap().unwrap().as_ref().starts_with("lake/table/folder/"));
        assert!(file("../other").is_err());
    }

    #[test]
    fn files_are_found_by_what_the_log_calls_them() {
        let id = Uuid::new_v4();
        assert_eq!(encoded_id(id).len(), 20);
        assert_eq!(file_of(&encoded_id(id)), Some(file_name(id)));
        assert_eq!(file_of("too short"), None);
    }
}

//! The live data files of a table version: from the whole log, or from a version before it and the
//! commits since. It never opens a data file.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::record_batch::RecordBatch;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::scan::{Scan, ScanMetadata, StatsOptions};
use delta_kernel::{DeltaResult, Engine, SnapshotRef};
use object_store::path::Path;

use super::change::without_last_number;
use super::error::error_of_kernel;
use super::index::FileIndex;
use super::schema::Columns;
use super::version::TableVersion;
use crate::base::{Error, Result};
use crate::storage::Location;

/// Batches of files that are made one.
const JOINED_BATCHES: usize = 256;

/// A data file and its deletion vector, as the log adds and removes them.
type FileKey = (Path, Option<String>);

/// The files of a version, read from its log. Blocks on storage.
pub fn list_files(
    snapshot: &SnapshotRef,
    columns: &Columns,
    location: &Location,
    engine: &dyn Engine,
) -> Result<FileIndex> {
    if columns.schema.fields().is_empty() {
        // The kernel does not scan a table without columns; such a table has no data.
        return FileIndex::try_new(&[], columns, location);
    }
    let batches = scan(snapshot).and_then(|scan| collect(scan.scan_metadata(engine)?));
    let batches = batches.map_err(|error| error_of_kernel(error, location))?;
    FileIndex::try_new(&batches, columns, location)
}

/// The files of a version from those of `base` and the commits since; `None` where the log can only be
/// read whole: the table's columns or properties have changed, or the commits are in a checkpoint. Blocks on storage.
pub fn list_files_since(
    base: &TableVersion,
    snapshot: &SnapshotRef,
    engine: &dyn Engine,
) -> Result<Option<FileIndex>> {
    let checkpoint = snapshot.log_segment().checkpoint_version;
    if !has_columns_of(base.snapshot(), snapshot)
        || base.columns().schema.fields().is_empty()
        || checkpoint.is_some_and(|checkpoint| checkpoint > base.version())
    {
        return Ok(None);
    }
    let location = base.location();
    let failed = |error| error_of_kernel(error, location);
    let Some(gone) = changed_files(base, snapshot, engine)? else { return Ok(None) };
    let added = scan(snapshot).and_then(|scan| {
        collect(scan.scan_metadata_from(engine, base.version(), std::iter::empty(), None)?)
    });
    let added = FileIndex::try_new(&added.map_err(failed)?, base.columns(), location)?;
    let files = base.files();
    let keep: BooleanArray = files
        .paths
        .iter()
        .enumerate()
        .map(|(file, path)| {
            let vector = files.deletion_vectors.get(&file);
            let vector = vector.map(|vector| vector.descriptor.unique_id());
            Some(!gone.contains(&(path.clone(), vector)))
        })
        .collect();
    files.advance(&keep, &added).map(Some)
}

/// Whether two versions of a table have the same columns and properties. Identity columns may have given numbers: every
/// INSERT says so in the metadata.
fn has_columns_of(old: &SnapshotRef, new: &SnapshotRef) -> bool {
    let (before, now) =
        (old.table_configuration().metadata(), new.table_configuration().metadata());
    if before == now {
        return true;
    }
    let (before_schema, schema) = (old.schema(), new.schema());
    before.id() == now.id()
        && before.partition_columns() == now.partition_columns()
        && before.configuration() == now.configuration()
        && before_schema.num_fields() == schema.num_fields()
        && before_schema
            .fields()
            .zip(schema.fields())
            .all(|(before, now)| without_last_number(before) == without_last_number(now))
}

/// The files that commits since `base` have removed or added again.
fn changed_files(
    base: &TableVersion,
    snapshot: &SnapshotRef,
    engine: &dyn Engine,
) -> Result<Option<HashSet<FileKey>>> {
    let location = base.location();
    let changes = Arc::clone(snapshot).incremental_scan_builder(base.version()).build(engine);
    let Some(changes) = changes.map_err(|error| error_of_kernel(error, location))? else {
        return Ok(None);
    };
    let changes = changes.into_summary().map_err(|error| error_of_kernel(error, location))?;
    let keys = changes.removes.iter().chain(&changes.live_adds).map(|key| {
        let path = location.file(key.path()).ok_or_else(outside)?;
        Ok((path, key.dv_unique_id().map(str::to_owned)))
    });
    keys.collect::<Result<_>>().map(Some)
}

/// A file of the log is not below the table's location.
pub fn outside() -> Error {
    Error::unsupported("a table with files outside of its location")
        .with_detail("Shallow clones that other engines have made are such tables.")
}

fn scan(snapshot: &SnapshotRef) -> DeltaResult<Scan> {
    Arc::clone(snapshot)
        .scan_builder()
        .with_stats(StatsOptions::all_struct())
        .without_row_transforms()
        .build()
}

/// The files of what the kernel gives, which begins with the newest commit; those of the oldest come first here, so that
/// rows are read about in the order in which they were inserted.
fn collect(
    metadata: impl Iterator<Item = DeltaResult<ScanMetadata>>,
) -> DeltaResult<Vec<RecordBatch>> {
    let mut batches: Vec<RecordBatch> = Vec::new();
    let mut small: Vec<RecordBatch> = Vec::new();
    for metadata in metadata {
        let files = metadata?.scan_files.apply_selection_vector()?;
        let files = RecordBatch::from(ArrowEngineData::try_from_engine_data(files)?);
        if small.len() == JOINED_BATCHES
            || small.first().is_some_and(|first| first.schema() != files.schema())
        {
            join(&mut small, &mut batches)?;
        }
        if files.num_rows() > 0 {
            small.push(files);
        }
    }
    join(&mut small, &mut batches)?;
    batches.reverse();
    Ok(batches)
}

/// Small batches take much more memory than their rows: each commit gives one.
fn join(small: &mut Vec<RecordBatch>, batches: &mut Vec<RecordBatch>) -> DeltaResult<()> {
    if let Some(first) = small.first() {
        batches.push(concat_batches(&first.schema(), small.iter().rev())?);
    }
    small.clear();
    Ok(())
}

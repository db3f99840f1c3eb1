//! The data files of a table version, column by column, with what the log knows of each. It never
//! opens one.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, MapArray, StringArray, StructArray,
    UInt64Array, new_null_array,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::{cast, concat, filter};
use datafusion::arrow::datatypes::{DataType, Field, Int32Type, Int64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::{ScalarValue, Statistics};
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use object_store::path::Path;

use super::deletion_vector::DeletionVector;
use super::listing::outside;
use super::partition::parse_partition_value;
use super::schema::Columns;
use super::statistics::widen_bounds;
use crate::base::{Error, ErrorKind, Result};
use crate::storage::Location;

/// The data files of a table version.
#[derive(Debug)]
pub struct FileIndex {
    /// Paths below the root of the bucket or file system.
    pub paths: Vec<Path>,
    /// Bytes.
    pub sizes: Int64Array,
    /// Milliseconds since the epoch.
    pub modification_times: Int64Array,
    /// Rows in the file, deleted ones too; NULL where the log does not say.
    pub physical_rows: UInt64Array,
    /// Deleted rows, by position of the file.
    pub deletion_vectors: HashMap<usize, DeletionVector>,
    /// Whether the statistics describe exactly the rows that are left: no deletion vector, and no
    /// `tightBounds` that says otherwise.
    pub tight: BooleanArray,
    /// Values of the partition columns, in the order of [`Columns::partition`].
    pub partition_values: Vec<ArrayRef>,
    /// What is known of each column's values, by its position in the schema; `None` for partition
    /// columns and nested ones.
    pub bounds: Vec<Option<ColumnBounds>>,
    /// Statistics of a file as scans give them to the optimiser, made when first asked for.
    pub(super) statistics: Vec<OnceLock<Arc<Statistics>>>,
}

/// For every file, what is known of one column's values.
#[derive(Debug, Clone)]
pub struct ColumnBounds {
    /// No value is less. NULL where not known.
    pub min: ArrayRef,
    /// No value is greater. NULL where not known.
    pub max: ArrayRef,
    /// NULL where not known.
    pub null_count: UInt64Array,
}

impl FileIndex {
    /// The index of the files in the kernel's scan metadata.
    pub fn try_new(
        batches: &[RecordBatch],
        columns: &Columns,
        location: &Location,
    ) -> Result<Self> {
        let parts: Result<Vec<Part>> =
            batches.iter().map(|batch| Part::try_new(batch, columns, location)).collect();
        let parts = parts?;
        let sizes = concat_parts(&parts, &DataType::Int64, |part| &part.sizes)?;
        let times = concat_parts(&parts, &DataType::Int64, |part| &part.modification_times)?;
        let rows = concat_parts(&parts, &DataType::UInt64, |part| &part.physical_rows)?;
        let tight = concat_parts(&parts, &DataType::Boolean, |part| &part.tight)?;
        let mut partition_values = Vec::with_capacity(columns.partition.len());
        for (at, field) in columns.fields_at(&columns.partition).iter().enumerate() {
            let values: Vec<ScalarValue> = parts
                .iter()
                .flat_map(|part| part.partition_values.get(at))
                .flatten()
                .cloned()
                .collect();
            partition_values.push(array_of(values, field)?);
        }
        let mut bounds = Vec::with_capacity(columns.schema.fields().len());
        for at in 0..columns.schema.fields().len() {
            bounds.push(concat_bounds(&parts, at, columns)?);
        }
        let mut paths = Vec::new();
        let mut deletion_vectors = HashMap::new();
        for part in parts {
            let first = paths.len();
            deletion_vectors
                .extend(part.deletion_vectors.into_iter().map(|(at, vector)| (first + at, vector)));
            paths.extend(part.paths);
        }
        Ok(FileIndex {
            statistics: paths.iter().map(|_| OnceLock::new()).collect(),
            paths,
            sizes: sizes.as_primitive::<Int64Type>().clone(),
            modification_times: times.as_primitive::<Int64Type>().clone(),
            physical_rows: rows.as_primitive().clone(),
            deletion_vectors,
            tight: tight.as_boolean().clone(),
            partition_values,
            bounds,
        })
    }

    /// The index of the files to keep of this one, and of those added since.
    pub fn advance(&self, keep: &BooleanArray, added: &FileIndex) -> Result<Self> {
        let join = |old: &dyn Array, new: &dyn Array| -> Result<ArrayRef> {
            let kept = filter(old, keep).map_err(unreadable)?;
            concat(&[kept.as_ref(), new]).map_err(unreadable)
        };
        let kept: Vec<usize> =
            keep.values().set_indices().filter(|&file| file < self.len()).collect();
        let both = |column: fn(&FileIndex) -> &dyn Array| join(column(self), column(added));
        let mut bounds = Vec::with_capacity(self.bounds.len());
        for (old, new) in self.bounds.iter().zip(&added.bounds) {
            bounds.push(match (old, new) {
                (Some(old), Some(new)) => Some(ColumnBounds {
                    min: join(&old.min, &new.min)?,
                    max: join(&old.max, &new.max)?,
                    null_count: join(&old.null_count, &new.null_count)?.as_primitive().clone(),
                }),
                _ => None,
            });
        }
        let partition_values = self.partition_values.iter().zip(&added.partition_values);
        let partition_values: Result<_> =
            partition_values.map(|(old, new)| join(old, new)).collect();
        let renumbered = kept
            .iter()
            .enumerate()
            .filter_map(|(file, old)| Some((file, self.deletion_vectors.get(old)?.clone())));
        let new = added.deletion_vectors.iter();
        let deletion_vectors = renumbered
            .chain(new.map(|(file, vector)| (kept.len() + file, vector.clone())))
            .collect();
        fn pick<T: Clone>(old: &[T], kept: &[usize], new: &[T]) -> Vec<T> {
            kept.iter().filter_map(|&file| old.get(file)).chain(new).cloned().collect()
        }
        Ok(FileIndex {
            paths: pick(&self.paths, &kept, &added.paths),
            sizes: both(|index| &index.sizes)?.as_primitive().clone(),
            modification_times: both(|index| &index.modification_times)?.as_primitive().clone(),
            physical_rows: both(|index| &index.physical_rows)?.as_primitive().clone(),
            deletion_vectors,
            tight: both(|index| &index.tight)?.as_boolean().clone(),
            partition_values: partition_values?,
            bounds,
            statistics: pick(&self.statistics, &kept, &added.statistics),
        })
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// The rows of a file in storage, if the log says.
    pub fn physical_rows_of(&self, file: usize) -> Option<u64> {
        (file < self.len() && self.physical_rows.is_valid(file))
            .then(|| self.physical_rows.value(file))
    }

    /// The rows of a file that are not deleted, if the log says.
    pub fn rows_of(&self, file: usize) -> Option<u64> {
        let deleted = self.deletion_vectors.get(&file).map_or(0, DeletionVector::cardinality);
        Some(self.physical_rows_of(file)?.saturating_sub(deleted))
    }

    /// The rows of all files that are not deleted, if the log says.
    pub fn row_count(&self) -> Option<u64> {
        (0..self.len()).map(|file| self.rows_of(file)).sum()
    }

    /// Bytes of all files.
    pub fn size_in_bytes(&self) -> u64 {
        self.sizes.iter().flatten().filter_map(|size| u64::try_from(size).ok()).sum()
    }
}

/// The files of one batch of scan metadata.
struct Part {
    paths: Vec<Path>,
    sizes: ArrayRef,
    modification_times: ArrayRef,
    physical_rows: ArrayRef,
    deletion_vectors: Vec<(usize, DeletionVector)>,
    tight: ArrayRef,
    partition_values: Vec<Vec<ScalarValue>>,
    bounds: Vec<Option<ColumnBounds>>,
}

impl Part {
    fn try_new(batch: &RecordBatch, columns: &Columns, location: &Location) -> Result<Self> {
        let root = StructArray::from(batch.clone());
        let files = root.len();
        let paths = strings(&root, &["path"])?;
        let paths: Result<Vec<Path>> = paths
            .iter()
            .map(|path| {
                let path = path.ok_or_else(|| unexpected("a file has no path"))?;
                location.file(path).ok_or_else(outside)
            })
            .collect();
        let deletion_vectors = deletion_vectors(&root)?;
        let tight = tight(&root, &deletion_vectors);
        let bounds = (0..columns.schema.fields().len())
            .map(|at| column_bounds(&root, at, columns))
            .collect::<Result<_>>()?;
        let optional = |path: &[&str], data_type: &DataType| match leaf(&root, path) {
            Some(values) => Ok(cast(&values, data_type).map_err(unreadable)?),
            None => Ok::<_, Error>(new_null_array(data_type, files)),
        };
        Ok(Part {
            paths: paths?,
            sizes: optional(&["size"], &DataType::Int64)?,
            modification_times: optional(&["modificationTime"], &DataType::Int64)?,
            physical_rows: physical_rows(&root)?,
            deletion_vectors,
            tight: Arc::new(tight),
            partition_values: partition_values(&root, columns)?,
            bounds,
        })
    }
}

/// The values at a path of struct fields, NULL where any struct on the way is.
fn leaf(root: &StructArray, path: &[&str]) -> Option<ArrayRef> {
    let (first, rest) = path.split_first()?;
    let mut values = Arc::clone(root.column_by_name(first)?);
    let mut nulls: Option<NullBuffer> = None;
    for name in rest {
        nulls = NullBuffer::union(nulls.as_ref(), values.nulls());
        values = Arc::clone(values.as_struct_opt()?.column_by_name(name)?);
    }
    let Some(outer) = nulls else { return Some(values) };
    let nulls = NullBuffer::union(Some(&outer), values.nulls());
    let data = values.to_data().into_builder().nulls(nulls).build().ok()?;
    Some(datafusion::arrow::array::make_array(data))
}

fn strings(root: &StructArray, path: &[&str]) -> Result<StringArray> {
    let values = leaf(root, path).ok_or_else(|| unexpected(&path.join(".")))?;
    Ok(cast(&values, &DataType::Utf8).map_err(unreadable)?.as_string::<i32>().clone())
}

/// `numRecords` of the statistics, parsed or as JSON.
fn physical_rows(root: &StructArray) -> Result<ArrayRef> {
    if let Some(rows) = leaf(root, &["stats_parsed", "numRecords"]) {
        return cast(&rows, &DataType::UInt64).map_err(unreadable);
    }
    let rows: UInt64Array = strings(root, &["stats"])?
        .iter()
        .map(|json| {
            let stats: serde_json::Value = serde_json::from_str(json?).ok()?;
            stats.get("numRecords")?.as_u64()
        })
        .collect();
    Ok(Arc::new(rows))
}

fn tight(root: &StructArray, deletion_vectors: &[(usize, DeletionVector)]) -> BooleanArray {
    let declared = leaf(root, &["stats_parsed", "tightBounds"]);
    let declared = declared.as_ref().and_then(|values| values.as_boolean_opt());
    let mut tight: Vec<bool> = (0..root.len())
        .map(|file| declared.is_none_or(|tight| tight.is_null(file) || tight.value(file)))
        .collect();
    for (file, _) in deletion_vectors {
        if let Some(tight) = tight.get_mut(*file) {
            *tight = false;
        }
    }
    tight.into()
}

fn deletion_vectors(root: &StructArray) -> Result<Vec<(usize, DeletionVector)>> {
    let storage_types = strings(root, &["deletionVector", "storageType"])?;
    if storage_types.null_count() == storage_types.len() {
        return Ok(Vec::new());
    }
    let places = strings(root, &["deletionVector", "pathOrInlineDv"])?;
    let integers = |name, data_type: &DataType| -> Result<ArrayRef> {
        let values =
            leaf(root, &["deletionVector", name]).ok_or_else(|| unexpected("deletionVector"))?;
        cast(&values, data_type).map_err(unreadable)
    };
    let offsets = integers("offset", &DataType::Int32)?;
    let sizes = integers("sizeInBytes", &DataType::Int32)?;
    let cardinalities = integers("cardinality", &DataType::Int64)?;
    let offsets = offsets.as_primitive::<Int32Type>();
    let mut vectors = Vec::new();
    for (file, storage_type) in storage_types.iter().enumerate() {
        let Some(storage_type) = storage_type else { continue };
        let descriptor = storage_type.parse().and_then(|storage_type| {
            DeletionVectorDescriptor::try_new(
                storage_type,
                places.value(file),
                offsets.is_valid(file).then(|| offsets.value(file)),
                sizes.as_primitive::<Int32Type>().value(file),
                cardinalities.as_primitive::<Int64Type>().value(file),
            )
        });
        let descriptor = descriptor.map_err(|cause| {
            Error::new(ErrorKind::DataCorrupted, "a deletion vector of the table is not valid")
                .caused_by(cause)
        })?;
        vectors.push((file, DeletionVector { descriptor }));
    }
    Ok(vectors)
}

/// For each partition column its value in every file.
fn partition_values(root: &StructArray, columns: &Columns) -> Result<Vec<Vec<ScalarValue>>> {
    if columns.partition.is_empty() {
        return Ok(Vec::new());
    }
    let values = leaf(root, &["fileConstantValues", "partitionValues"])
        .ok_or_else(|| unexpected("partitionValues"))?;
    let values = values.as_map_opt().ok_or_else(|| unexpected("partitionValues"))?;
    let maps: Result<Vec<HashMap<String, Option<String>>>> =
        (0..values.len()).map(|file| entries(values, file)).collect();
    let maps = maps?;
    let column = |&at: &usize| -> Result<Vec<ScalarValue>> {
        let field = columns.schema.field(at);
        let name = columns.physical.get(at).map_or(field.name(), |physical| &physical.name);
        maps.iter()
            .map(|values| {
                let text = values.get(name).and_then(Option::as_deref);
                parse_partition_value(text, field)
            })
            .collect()
    };
    columns.partition.iter().map(column).collect()
}

fn entries(map: &MapArray, file: usize) -> Result<HashMap<String, Option<String>>> {
    if map.is_null(file) {
        return Ok(HashMap::new());
    }
    let entries = map.value(file);
    let [keys, values] = entries.columns() else { return Err(unexpected("partitionValues")) };
    let keys = cast(keys, &DataType::Utf8).map_err(unreadable)?;
    let values = cast(values, &DataType::Utf8).map_err(unreadable)?;
    let pairs = keys.as_string::<i32>().iter().zip(values.as_string::<i32>());
    Ok(pairs.filter_map(|(key, value)| Some((key?.to_owned(), value.map(str::to_owned)))).collect())
}

/// Whether the log can have bounds of a column. Those of nested columns are of their leaves, those of
/// variants of their fields, and say nothing of the column itself; those of intervals are of their texts.
fn has_bounds(at: usize, columns: &Columns) -> bool {
    let data_type = columns.schema.field(at).data_type();
    !columns.partition.contains(&at)
        && !data_type.is_nested()
        && !matches!(data_type, DataType::Interval(_))
        && columns.physical.get(at).is_some_and(|physical| !physical.is_variant)
}

/// What a batch knows of one column; `None` where it cannot know.
fn column_bounds(root: &StructArray, at: usize, columns: &Columns) -> Result<Option<ColumnBounds>> {
    let field = columns.schema.field(at);
    let Some(physical) = columns.physical.get(at) else { return Ok(None) };
    if !has_bounds(at, columns) {
        return Ok(None);
    }
    let files = root.len();
    let values = |kind: &str| match leaf(root, &["stats_parsed", kind, &physical.name]) {
        Some(values) => Ok(cast(&values, field.data_type()).map_err(unreadable)?),
        None => Ok::<_, Error>(new_null_array(field.data_type(), files)),
    };
    let null_count = match leaf(root, &["stats_parsed", "nullCount", &physical.name]) {
        Some(counts) => cast(&counts, &DataType::UInt64).map_err(unreadable)?,
        None => new_null_array(&DataType::UInt64, files),
    };
    let (min, max) = widen_bounds(values("minValues")?, values("maxValues")?);
    let null_count = null_count.as_primitive().clone();
    Ok(Some(ColumnBounds { min, max, null_count }))
}

fn concat_parts(
    parts: &[Part],
    data_type: &DataType,
    column: impl Fn(&Part) -> &ArrayRef,
) -> Result<ArrayRef> {
    let arrays: Vec<&dyn Array> = parts.iter().map(|part| column(part).as_ref()).collect();
    match arrays.as_slice() {
        [] => Ok(new_null_array(data_type, 0)),
        arrays => concat(arrays).map_err(unreadable),
    }
}

fn concat_bounds(parts: &[Part], at: usize, columns: &Columns) -> Result<Option<ColumnBounds>> {
    let data_type = columns.schema.field(at).data_type();
    let bounds: Vec<&ColumnBounds> =
        parts.iter().filter_map(|part| part.bounds.get(at)?.as_ref()).collect();
    let all = |array: fn(&ColumnBounds) -> &dyn Array, data_type: &DataType| -> Result<ArrayRef> {
        let arrays: Vec<&dyn Array> = bounds.iter().map(|bounds| array(bounds)).collect();
        match arrays.as_slice() {
            [] => Ok(new_null_array(data_type, 0)),
            arrays => concat(arrays).map_err(unreadable),
        }
    };
    if !has_bounds(at, columns) {
        return Ok(None);
    }
    let null_count = all(|bounds| &bounds.null_count, &DataType::UInt64)?;
    Ok(Some(ColumnBounds {
        min: all(|bounds| bounds.min.as_ref(), data_type)?,
        max: all(|bounds| bounds.max.as_ref(), data_type)?,
        null_count: null_count.as_primitive().clone(),
    }))
}

fn array_of(values: Vec<ScalarValue>, field: &Field) -> Result<ArrayRef> {
    if values.is_empty() {
        return Ok(new_null_array(field.data_type(), 0));
    }
    ScalarValue::iter_to_array(values)
        .map_err(|cause| unexpected("partition values").caused_by(cause))
}

fn unreadable(cause: ArrowError) -> Error {
    unexpected("a type in the scan metadata").caused_by(cause)
}

fn unexpected(what: &str) -> Error {
    Error::new(ErrorKind::DataCorrupted, "the table's transaction log cannot be read")
        .with_detail(format!("Unexpected: {what}."))
}

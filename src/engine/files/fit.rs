//! What a file holds, made to fit the columns that are read: values converted, what does not fit kept as
//! rescued data, records that cannot be read dropped or refused. It opens no file.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatchOptions, StringArray, new_null_array,
};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::array_value_to_string;
use serde_json::{Map, Value};

use super::listing::ForeignFile;
use super::metadata::metadata_column;
use super::options::{FileOptions, Mode};
use super::shape::{Shape, Source};
use super::skipping::Skipping;
use super::values::{TextReader, converted, of_arrow};
use crate::base::{Error, ErrorKind, Result};

/// The name under which a record that is none is rescued.
pub const CORRUPT_RECORD: &str = "_corrupt_record";

/// The name under which rescued data say which file they are from.
const FILE_PATH: &str = "_file_path";

/// A column as the file has it.
#[derive(Debug)]
pub enum Raw {
    /// The file has none, or nobody asks for it.
    Missing,
    Texts(StringArray),
    Values(ArrayRef),
}

/// Some records of a file.
#[derive(Debug)]
pub struct RawBatch {
    pub rows: usize,
    /// By the columns of the shape.
    pub columns: Vec<Raw>,
    pub rescued: Vec<Rescued>,
    /// Rows that are no record of the format.
    pub malformed: BTreeSet<usize>,
}

/// Something that a record has and no column takes.
#[derive(Debug)]
pub struct Rescued {
    pub row: usize,
    pub name: String,
    pub value: Value,
}

/// How the files of one scan are made to fit.
#[derive(Debug)]
pub struct Fit {
    pub shape: Shape,
    pub options: FileOptions,
    pub texts: TextReader,
    /// The columns that are asked for.
    wanted: Vec<usize>,
    schema: SchemaRef,
    /// The column of rescued data is asked for.
    pub rescues: bool,
    /// What the query asks of the rows.
    pub skipping: Option<Skipping>,
}

impl Fit {
    pub fn new(shape: Shape, options: FileOptions, texts: TextReader, wanted: Vec<usize>) -> Self {
        let columns = wanted.iter().filter_map(|at| shape.columns.get(*at));
        let rescues = columns.clone().any(|(_, source)| *source == Source::Rescued);
        let fields: Vec<FieldRef> = columns.map(|(field, _)| Arc::clone(field)).collect();
        let (schema, skipping) = (Arc::new(Schema::new(fields)), None);
        Fit { shape, options, texts, wanted, schema, rescues, skipping }
    }

    /// The same for rows of which a query asks something.
    pub fn skipping(self, skipping: Option<Skipping>) -> Self {
        Fit { skipping, ..self }
    }

    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether a column's values are looked at.
    pub fn needs(&self, column: usize) -> bool {
        self.rescues || self.options.mode != Mode::Permissive || self.wanted.contains(&column)
    }

    /// Whether nobody is told of what does not fit, so that the record counts as malformed.
    pub fn is_strict(&self) -> bool {
        !self.shape.has_rescued()
    }

    /// The records as they are asked for.
    pub fn batch(&self, mut raw: RawBatch, file: &ForeignFile) -> Result<RecordBatch> {
        let taken = std::mem::take(&mut raw.columns);
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(taken.len());
        for (column, (field, source)) in taken.into_iter().zip(&self.shape.columns) {
            columns.push(match source {
                Source::Data => self.data(column, field, &mut raw)?,
                Source::Partition(place) => self.partition(*place, field, raw.rows, file)?,
                // Made once all others are.
                Source::Rescued => new_null_array(field.data_type(), 0),
                Source::Metadata => metadata_column(file, raw.rows),
            });
        }
        if self.options.mode == Mode::FailFast && !raw.malformed.is_empty() {
            return Err(malformed(file));
        }
        let rescued = self.rescues.then(|| rescued_column(&raw, file));
        let wanted = self.wanted.iter().map(|at| {
            let source = self.shape.columns.get(*at).map(|(_, source)| *source);
            match (source, &rescued, columns.get(*at)) {
                (Some(Source::Rescued), Some(rescued), _) => Ok(Arc::clone(rescued)),
                (_, _, Some(column)) => Ok(Arc::clone(column)),
                _ => Err(Error::internal("a column of files is not there")),
            }
        });
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(raw.rows));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), wanted, &options);
        let batch = batch.map_err(of_arrow)?;
        if self.options.mode == Mode::DropMalformed && !raw.malformed.is_empty() {
            let kept = (0..raw.rows).map(|row| Some(!raw.malformed.contains(&row)));
            return filter_record_batch(&batch, &kept.collect::<BooleanArray>()).map_err(of_arrow);
        }
        Ok(batch)
    }

    fn data(&self, column: Raw, field: &FieldRef, raw: &mut RawBatch) -> Result<ArrayRef> {
        match column {
            Raw::Missing => Ok(new_null_array(field.data_type(), raw.rows)),
            Raw::Texts(texts) => {
                let values = self.texts.column(&texts, field)?;
                if values.null_count() > texts.null_count() {
                    let lost = |row: &usize| {
                        values.is_null(*row)
                            && texts.is_valid(*row)
                            && !texts.value(*row).is_empty()
                    };
                    let lost: Vec<usize> = (0..raw.rows).filter(lost).collect();
                    self.lose(raw, field.name(), lost, |row| Value::from(texts.value(row)));
                }
                Ok(values)
            }
            Raw::Values(given) => {
                let values = converted(&given, field.data_type())?
                    .unwrap_or_else(|| new_null_array(field.data_type(), raw.rows));
                if values.null_count() > given.null_count() {
                    let lost = |row: &usize| values.is_null(*row) && given.is_valid(*row);
                    let lost: Vec<usize> = (0..raw.rows).filter(lost).collect();
                    self.lose(raw, field.name(), lost, |row| value_of(&given, row));
                }
                Ok(values)
            }
        }
    }

    /// Values that do not fit into their column.
    fn lose(
        &self,
        raw: &mut RawBatch,
        name: &str,
        rows: Vec<usize>,
        value: impl Fn(usize) -> Value,
    ) {
        if self.is_strict() {
            raw.malformed.extend(rows);
        } else if self.rescues {
            let lost = rows.into_iter();
            let lost = lost.map(|row| Rescued { row, name: name.to_owned(), value: value(row) });
            raw.rescued.extend(lost);
        }
    }

    fn partition(
        &self,
        place: usize,
        field: &FieldRef,
        rows: usize,
        file: &ForeignFile,
    ) -> Result<ArrayRef> {
        let text = file.partition.get(place).and_then(Option::as_deref);
        let text = StringArray::from(vec![text]);
        let value = self.texts.column(&text, field)?;
        if value.null_count() > text.null_count() {
            let message =
                format!("the name of a folder is no value of column \"{}\"", field.name());
            return Err(Error::new(ErrorKind::InvalidTextRepresentation, message)
                .with_hint("Give the column another type with schemaHints."));
        }
        let repeated = datafusion::common::ScalarValue::try_from_array(&value, 0)
            .and_then(|value| value.to_array_of_size(rows));
        repeated.map_err(crate::engine::error::from_datafusion)
    }
}

/// A value as JSON, or as text where JSON has none.
pub fn value_of(values: &ArrayRef, row: usize) -> Value {
    match array_value_to_string(values, row) {
        Ok(text) => Value::from(text),
        Err(_) => Value::Null,
    }
}

/// What was rescued of each row, as a JSON object; NULL where there is nothing.
fn rescued_column(raw: &RawBatch, file: &ForeignFile) -> ArrayRef {
    let mut rows: BTreeMap<usize, Map<String, Value>> = BTreeMap::new();
    for Rescued { row, name, value } in &raw.rescued {
        rows.entry(*row).or_default().insert(name.clone(), value.clone());
    }
    let text = |row: usize| {
        let mut members = rows.remove(&row)?;
        members.insert(FILE_PATH.to_owned(), Value::from(file.url.clone()));
        Some(Value::Object(members).to_string())
    };
    Arc::new((0..raw.rows).map(text).collect::<StringArray>())
}

fn malformed(file: &ForeignFile) -> Error {
    let name = file.meta.location.filename().unwrap_or_default();
    Error::new(ErrorKind::BadCopyFileFormat, "a record of a file cannot be read")
        .with_detail(format!("The file is \"{name}\", and the mode FAILFAST."))
        .with_hint("Mend the file, or use the mode PERMISSIVE or DROPMALFORMED.")
}

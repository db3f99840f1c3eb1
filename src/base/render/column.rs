//! One column of a batch with its form chosen: the null test and the function that writes a value. It looks
//! at types once, when it is made, never per value.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Int16Type, Int32Type, Int64Type};

use super::{Format, array, binary_column, json, record, text_column};
use crate::base::datatype::{BaseType, PgType, character_length, pg_type_of};
use crate::base::text_style::TextStyle;
use crate::base::{Error, Result};

/// Writes the value of a row, which must not be null, at the end of the buffer.
pub type ValueWriter<'a> = Box<dyn Fn(usize, &mut BytesMut) -> Result<()> + Send + Sync + 'a>;

/// Where the value of a row lies in the values of an encoded array.
pub type RowOf<'a> = Box<dyn Fn(usize) -> usize + Send + Sync + 'a>;

/// Writes the values of one Arrow column in one form.
pub struct ColumnWriter<'a> {
    pg_type: PgType,
    nulls: Option<NullBuffer>,
    rows: usize,
    write: ValueWriter<'a>,
}

impl<'a> ColumnWriter<'a> {
    /// A writer for a column whose PostgreSQL type is what [`pg_type_of`] says about its field.
    pub fn new(
        array: &'a dyn Array,
        field: &Field,
        format: Format,
        style: &TextStyle,
    ) -> Result<ColumnWriter<'a>> {
        let (pg_type, typmod) = pg_type_of(field)?;
        let writer = ColumnWriter::of_type(array, field, pg_type, format, style)?;
        Ok(match (pg_type, character_length(typmod)) {
            (PgType::Scalar(BaseType::Bpchar), Some(length)) => writer.padded(length),
            _ => writer,
        })
    }

    /// Blanks up to a number of characters: values of `char(n)` are stored without them.
    fn padded(self, length: usize) -> ColumnWriter<'a> {
        let inner = self.write;
        let write = move |row: usize, out: &mut BytesMut| {
            let start = out.len();
            inner(row, out)?;
            let written = String::from_utf8_lossy(out.get(start..).unwrap_or_default());
            let missing = length.saturating_sub(written.chars().count());
            out.put_bytes(b' ', missing);
            Ok(())
        };
        ColumnWriter { write: Box::new(write), ..self }
    }

    /// A writer for a column as `pg_type`; the field tells about nested fields only.
    pub(super) fn of_type(
        array: &'a dyn Array,
        field: &Field,
        pg_type: PgType,
        format: Format,
        style: &TextStyle,
    ) -> Result<ColumnWriter<'a>> {
        let write = match decoded(array) {
            Some((values, row_of)) => {
                let field = field.clone().with_data_type(values.data_type().clone());
                let inner = ColumnWriter::of_type(values, &field, pg_type, format, style)?;
                Box::new(move |row, out: &mut BytesMut| inner.write(row_of(row), out))
            }
            None => value_writer(array, field, pg_type, format, style)?,
        };
        Ok(ColumnWriter { pg_type, nulls: array.logical_nulls(), rows: array.len(), write })
    }

    /// The type that clients see.
    pub fn pg_type(&self) -> PgType {
        self.pg_type
    }

    /// Whether the value of a row is null; a row that does not exist is.
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        row >= self.rows || self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
    }

    /// Writes the value of a row, without its length. A null value writes nothing.
    #[inline]
    pub fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        if self.is_null(row) { Ok(()) } else { (self.write)(row, out) }
    }
}

/// A writer for each column of a batch. One format stands for all columns, none for text.
pub fn columns_of<'a>(
    batch: &'a RecordBatch,
    formats: &[Format],
    style: &TextStyle,
) -> Result<Vec<ColumnWriter<'a>>> {
    let columns = batch.num_columns();
    if formats.len() > 1 && formats.len() != columns {
        return Err(Error::internal(format!(
            "{} result formats for {columns} columns",
            formats.len()
        )));
    }
    let common = if formats.len() == 1 { formats.first().copied() } else { None };
    let each = formats.iter().copied().map(Some).chain(std::iter::repeat(None));
    let schema = batch.schema_ref();
    batch
        .columns()
        .iter()
        .zip(schema.fields())
        .zip(each)
        .map(|((array, field), own)| {
            let format = common.or(own).unwrap_or(Format::Text);
            ColumnWriter::new(array.as_ref(), field, format, style)
        })
        .collect()
}

fn value_writer<'a>(
    array: &'a dyn Array,
    field: &Field,
    pg_type: PgType,
    format: Format,
    style: &TextStyle,
) -> Result<ValueWriter<'a>> {
    let base = match pg_type {
        PgType::Array(base) => return array::writer(array, field, base, format, style),
        PgType::Scalar(base) => base,
    };
    match (base, array.data_type()) {
        (BaseType::Int2Vector, _) => array::vector_writer(array, BaseType::Int2, format, style),
        (BaseType::OidVector, _) => array::vector_writer(array, BaseType::Oid, format, style),
        (BaseType::Record, DataType::Struct(fields)) => {
            record::writer(array.as_struct(), fields, format, style)
        }
        (_, DataType::Struct(_) | DataType::Map(_, _)) => {
            let write = json::writer(array, field, style)?;
            Ok(if base == BaseType::Jsonb && format == Format::Binary {
                binary_column::jsonb(write)
            } else {
                write
            })
        }
        _ => match format {
            Format::Text => text_column::writer(array, base, style),
            Format::Binary => binary_column::writer(array, base, style),
        },
    }
}

/// The values behind a dictionary or a run-end encoding, and where each row finds its own.
pub(super) fn decoded<'a>(array: &'a dyn Array) -> Option<(&'a dyn Array, RowOf<'a>)> {
    match array.data_type() {
        DataType::Dictionary(_, _) => {
            let dictionary = array.as_any_dictionary_opt()?;
            let values = dictionary.values().as_ref();
            let keys = if values.is_empty() { Vec::new() } else { dictionary.normalized_keys() };
            Some((values, Box::new(move |row| keys.get(row).copied().unwrap_or(0))))
        }
        DataType::RunEndEncoded(run_ends, _) => match run_ends.data_type() {
            DataType::Int16 => {
                let runs = array.as_run_opt::<Int16Type>()?;
                Some((runs.values().as_ref(), Box::new(move |row| runs.get_physical_index(row))))
            }
            DataType::Int32 => {
                let runs = array.as_run_opt::<Int32Type>()?;
                Some((runs.values().as_ref(), Box::new(move |row| runs.get_physical_index(row))))
            }
            _ => {
                let runs = array.as_run_opt::<Int64Type>()?;
                Some((runs.values().as_ref(), Box::new(move |row| runs.get_physical_index(row))))
            }
        },
        _ => None,
    }
}

/// XX000: the declared type and the Arrow type of a column do not fit.
pub(super) fn mismatch(array: &dyn Array, base: BaseType) -> Error {
    Error::internal(format!(
        "a column of Arrow type {} cannot be sent as {}",
        array.data_type(),
        base.name()
    ))
}

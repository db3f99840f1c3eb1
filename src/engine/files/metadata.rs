//! `_metadata`: what is known of the file that a row is from, in Databricks' names. It reads no file.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Int64Array, StringArray, StructArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};

use super::listing::ForeignFile;

/// The column of every file, of its path, name, size in bytes and time.
pub fn metadata_field() -> FieldRef {
    Arc::new(Field::new(crate::sql::files::METADATA, DataType::Struct(fields()), true))
}

fn fields() -> Fields {
    let time = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    Fields::from(vec![
        Field::new("file_path", DataType::Utf8, true),
        Field::new("file_name", DataType::Utf8, true),
        Field::new("file_size", DataType::Int64, true),
        Field::new("file_modification_time", time, true),
    ])
}

/// The same for each of so many rows.
pub fn metadata_column(file: &ForeignFile, rows: usize) -> ArrayRef {
    let name = file.meta.location.filename().unwrap_or_default();
    let size = i64::try_from(file.meta.size).unwrap_or(i64::MAX);
    let time = file.meta.last_modified.timestamp_micros();
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(file.url.as_str(), rows))),
        Arc::new(StringArray::from_iter_values(std::iter::repeat_n(name, rows))),
        Arc::new(Int64Array::from_value(size, rows)),
        Arc::new(TimestampMicrosecondArray::from_value(time, rows).with_timezone("UTC")),
    ];
    Arc::new(StructArray::new(fields(), columns, None))
}

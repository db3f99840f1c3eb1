//! Values on their way between Rust and Arrow, one at a time: what system relations put into columns, and
//! what PostgreSQL functions take and give. It knows types, never their meaning.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanBuilder, Float32Builder, Float64Builder, Int16Builder, Int32Builder,
    Int64Builder, IntervalMonthDayNanoBuilder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::array::{AsArray, Date32Builder, new_null_array};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNano, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{Result, exec_err, internal_err};

use crate::base::Oid;

/// One value. OIDs are [`Cell::Int8`], as their columns are.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    Null,
    Bool(bool),
    Int2(i16),
    Int4(i32),
    Int8(i64),
    Float4(f32),
    Float8(f64),
    Text(Cow<'a, str>),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01.
    Timestamp(i64),
    Interval(IntervalMonthDayNano),
    Int2s(Vec<i16>),
    Int8s(Vec<i64>),
    Texts(Vec<String>),
}

impl Cell<'_> {
    pub fn is_null(&self) -> bool {
        matches!(self, Cell::Null)
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Cell::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Cell::Text(Cow::Owned(text))
    }
}

impl From<bool> for Cell<'_> {
    fn from(value: bool) -> Self {
        Cell::Bool(value)
    }
}

impl From<i16> for Cell<'_> {
    fn from(value: i16) -> Self {
        Cell::Int2(value)
    }
}

impl From<i32> for Cell<'_> {
    fn from(value: i32) -> Self {
        Cell::Int4(value)
    }
}

impl From<i64> for Cell<'_> {
    fn from(value: i64) -> Self {
        Cell::Int8(value)
    }
}

impl From<Oid> for Cell<'_> {
    fn from(Oid(oid): Oid) -> Self {
        Cell::Int8(i64::from(oid))
    }
}

impl<'a, T: Into<Cell<'a>>> From<Option<T>> for Cell<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A column being filled. The variants are the Arrow types of `field::data_type_of` that cells occur in.
pub enum Column {
    Bool(BooleanBuilder),
    Int2(Int16Builder),
    Int4(Int32Builder),
    Int8(Int64Builder),
    Float4(Float32Builder),
    Float8(Float64Builder),
    Text(StringBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder, DataType),
    Interval(IntervalMonthDayNanoBuilder),
    Int2s(ListBuilder<Int16Builder>),
    Int8s(ListBuilder<Int64Builder>),
    Texts(ListBuilder<StringBuilder>),
    Bools(ListBuilder<BooleanBuilder>),
    Float4s(ListBuilder<Float32Builder>),
    /// A type that only ever holds NULL here: its count.
    Nulls(usize, DataType),
}

impl Column {
    pub fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Column::Bool(BooleanBuilder::new()),
            DataType::Int16 => Column::Int2(Int16Builder::new()),
            DataType::Int32 => Column::Int4(Int32Builder::new()),
            DataType::Int64 => Column::Int8(Int64Builder::new()),
            DataType::Float32 => Column::Float4(Float32Builder::new()),
            DataType::Float64 => Column::Float8(Float64Builder::new()),
            DataType::Utf8 => Column::Text(StringBuilder::new()),
            DataType::Date32 => Column::Date(Date32Builder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, _) => Column::Timestamp(
                TimestampMicrosecondBuilder::new().with_data_type(data_type.clone()),
                data_type.clone(),
            ),
            DataType::Interval(IntervalUnit::MonthDayNano) => {
                Column::Interval(IntervalMonthDayNanoBuilder::new())
            }
            DataType::List(element) => match element.data_type() {
                DataType::Int16 => Column::Int2s(ListBuilder::new(Int16Builder::new())),
                DataType::Int64 => Column::Int8s(ListBuilder::new(Int64Builder::new())),
                DataType::Utf8 => Column::Texts(ListBuilder::new(StringBuilder::new())),
                DataType::Boolean => Column::Bools(ListBuilder::new(BooleanBuilder::new())),
                DataType::Float32 => Column::Float4s(ListBuilder::new(Float32Builder::new())),
                _ => Column::Nulls(0, data_type.clone()),
            },
            _ => Column::Nulls(0, data_type.clone()),
        }
    }

    /// Appends one value; a value of another type than the column's is a bug of the caller.
    pub fn push(&mut self, cell: &Cell<'_>) -> Result<()> {
        if cell.is_null() {
            self.push_null();
            return Ok(());
        }
        match (self, cell) {
            (Column::Bool(column), Cell::Bool(value)) => column.append_value(*value),
            (Column::Int2(column), Cell::Int2(value)) => column.append_value(*value),
            (Column::Int4(column), Cell::Int4(value)) => column.append_value(*value),
            (Column::Int8(column), Cell::Int8(value)) => column.append_value(*value),
            (Column::Float4(column), Cell::Float4(value)) => column.append_value(*value),
            (Column::Float8(column), Cell::Float8(value)) => column.append_value(*value),
            (Column::Text(column), Cell::Text(value)) => column.append_value(value),
            (Column::Date(column), Cell::Date(value)) => column.append_value(*value),
            (Column::Timestamp(column, _), Cell::Timestamp(value)) => column.append_value(*value),
            (Column::Interval(column), Cell::Interval(value)) => column.append_value(*value),
            (Column::Int2s(column), Cell::Int2s(values)) => {
                column.append_value(values.iter().copied().map(Some));
            }
            (Column::Int8s(column), Cell::Int8s(values)) => {
                column.append_value(values.iter().copied().map(Some));
            }
            (Column::Texts(column), Cell::Texts(values)) => {
                column.append_value(values.iter().map(|value| Some(value.as_str())));
            }
            (_, cell) => return internal_err!("{cell:?} does not belong in this column"),
        }
        Ok(())
    }

    fn push_null(&mut self) {
        match self {
            Column::Bool(column) => column.append_null(),
            Column::Int2(column) => column.append_null(),
            Column::Int4(column) => column.append_null(),
            Column::Int8(column) => column.append_null(),
            Column::Float4(column) => column.append_null(),
            Column::Float8(column) => column.append_null(),
            Column::Text(column) => column.append_null(),
            Column::Date(column) => column.append_null(),
            Column::Timestamp(column, _) => column.append_null(),
            Column::Interval(column) => column.append_null(),
            Column::Int2s(column) => column.append_null(),
            Column::Int8s(column) => column.append_null(),
            Column::Texts(column) => column.append_null(),
            Column::Bools(column) => column.append_null(),
            Column::Float4s(column) => column.append_null(),
            Column::Nulls(count, _) => *count += 1,
        }
    }

    /// The values so far as an array; the column is empty afterwards.
    pub fn finish(&mut self) -> ArrayRef {
        match self {
            Column::Bool(column) => Arc::new(column.finish()),
            Column::Int2(column) => Arc::new(column.finish()),
            Column::Int4(column) => Arc::new(column.finish()),
            Column::Int8(column) => Arc::new(column.finish()),
            Column::Float4(column) => Arc::new(column.finish()),
            Column::Float8(column) => Arc::new(column.finish()),
            Column::Text(column) => Arc::new(column.finish()),
            Column::Date(column) => Arc::new(column.finish()),
            Column::Timestamp(column, data_type) => {
                // `finish` forgets the zone of the next batch.
                let next = TimestampMicrosecondBuilder::new().with_data_type(data_type.clone());
                let mut full = std::mem::replace(column, next);
                Arc::new(full.finish())
            }
            Column::Interval(column) => Arc::new(column.finish()),
            Column::Int2s(column) => Arc::new(column.finish()),
            Column::Int8s(column) => Arc::new(column.finish()),
            Column::Texts(column) => Arc::new(column.finish()),
            Column::Bools(column) => Arc::new(column.finish()),
            Column::Float4s(column) => Arc::new(column.finish()),
            Column::Nulls(count, data_type) => new_null_array(data_type, std::mem::take(count)),
        }
    }
}

/// The value of `array` at `row`, for the types that functions take.
pub fn cell_at(array: &dyn Array, row: usize) -> Result<Cell<'_>> {
    if array.data_type() == &DataType::Null || array.is_null(row) {
        return Ok(Cell::Null);
    }
    Ok(match array.data_type() {
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Int16 => Cell::Int2(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => Cell::Int4(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Cell::Int8(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float32 => Cell::Float4(array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Cell::Float8(array.as_primitive::<Float64Type>().value(row)),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Utf8View => array.as_string_view().value(row).into(),
        DataType::Date32 => Cell::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Cell::Timestamp(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        other => return exec_err!("an argument of type {other} is not supported"),
    })
}

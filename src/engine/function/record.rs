//! Rows as values: `ROW(…)` and whole-row references, structs that are declared as `record`. They are compared
//! and written elsewhere.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StructArray, UInt64Array};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer};
use datafusion::arrow::compute::{nullif, take};
use datafusion::arrow::datatypes::{DataType, Field, Fields};

use crate::base::datatype::{BaseType, TYPE_METADATA};
use crate::base::{Error, Result};
use crate::sql::ALL_FIELDS;

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, broken};

/// A row that is NULL where all its fields are: what an outer join gives for a relation without a row.
pub const RECORD_OR_NULL: &str = "record_or_null";

const ROW: Returns = Returns::Computed(row_field);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("record", &[of_pairs(|a| row(a, false))]),
    Kernel::immutable(RECORD_OR_NULL, &[of_pairs(|a| row(a, true))]),
];

const fn of_pairs(body: super::kernel::Body) -> Overload {
    Overload::new(&[], ROW, body).variadic(Kind::Any).sees_null()
}

/// Names and values in turn.
fn row_field(shape: &Shape<'_>) -> Result<Field> {
    let mut fields = Vec::with_capacity(shape.fields.len() / 2);
    let mut numbered = false;
    for (index, field) in shape.fields.iter().enumerate().skip(1).step_by(2) {
        let name = shape.text(index - 1).unwrap_or_default().to_owned();
        let parts = if name == ALL_FIELDS { members(field.data_type()) } else { None };
        numbered |= name == ALL_FIELDS;
        match parts {
            Some(parts) => fields.extend(parts.iter().map(|part| part.as_ref().clone())),
            None => fields.push(field.as_ref().clone().with_name(name).with_nullable(true)),
        }
    }
    if numbered {
        let named = fields.into_iter().enumerate();
        fields = named.map(|(index, field)| field.with_name(format!("f{}", index + 1))).collect();
    }
    let metadata = [(TYPE_METADATA.to_owned(), BaseType::Record.name().to_owned())];
    let row = Field::new("row", DataType::Struct(Fields::from(fields)), true);
    Ok(row.with_metadata(metadata.into()))
}

fn members(data_type: &DataType) -> Option<&Fields> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        _ => None,
    }
}

fn row(a: &Arguments<'_>, or_null: bool) -> Result<ArrayRef> {
    let DataType::Struct(fields) = a.returns.data_type() else {
        return Err(Error::internal("a row has another type"));
    };
    let mut columns = Vec::with_capacity(fields.len());
    for index in (1..a.count()).step_by(2) {
        let column = column(a, index)?;
        match column.as_struct_opt().filter(|_| is_all_fields(a, index - 1)) {
            Some(row) => {
                // A row that is NULL has fields that are.
                let (_, parts, nulls) = row.clone().into_parts();
                let masked = parts.iter().map(|part| match &nulls {
                    Some(nulls) => {
                        let absent = BooleanArray::new(!nulls.inner(), None);
                        nullif(part, &absent).map_err(broken)
                    }
                    None => Ok(Arc::clone(part)),
                });
                columns.extend(masked.collect::<Result<Vec<_>>>()?);
            }
            None => columns.push(column),
        }
    }
    let nulls = or_null.then(|| {
        let masks: Vec<Option<NullBuffer>> =
            columns.iter().map(|column| column.logical_nulls()).collect();
        let is_value = |row: usize| {
            masks.iter().any(|mask| mask.as_ref().is_none_or(|mask| mask.is_valid(row)))
        };
        NullBuffer::new(BooleanBuffer::collect_bool(a.rows, is_value))
    });
    let made = match fields.is_empty() {
        true => StructArray::new_empty_fields(a.rows, nulls),
        false => StructArray::try_new(fields.clone(), columns, nulls).map_err(broken)?,
    };
    Ok(Arc::new(made))
}

fn is_all_fields(a: &Arguments<'_>, index: usize) -> bool {
    a.texts(index).is_ok_and(|name| name.constant() == Some(ALL_FIELDS))
}

/// The argument, a constant repeated.
fn column(a: &Arguments<'_>, index: usize) -> Result<ArrayRef> {
    let (array, constant) = a.raw(index)?;
    match constant && a.rows != 1 {
        true => take(array, &UInt64Array::from(vec![0; a.rows]), None).map_err(broken),
        false => Ok(Arc::clone(array)),
    }
}

//! Arrays of several dimensions: slices, `a[1:2][2:3]`, from which what lies beyond the array is left out, and all
//! elements in one dimension, as `unnest` gives them.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, new_empty_array};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::concat;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Int32Type};

use crate::base::{Error, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, broken};

/// `array_slices(array, lower, upper, lower, upper, …)` has a pair of bounds for each dimension.
pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        "array_slices",
        &[Overload::new(&[Kind::Array], Returns::Argument(0), slices).variadic(Kind::Int4)],
    ),
    Kernel::immutable(
        "array_elements",
        &[Overload::new(&[Kind::Array], Returns::Computed(elements_field), elements)],
    ),
];

fn innermost(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::List(element) if matches!(element.data_type(), DataType::List(_)) => {
            innermost(element.data_type())
        }
        other => other,
    }
}

fn elements_field(shape: &Shape<'_>) -> Result<Field> {
    let field = shape.fields.first().ok_or_else(mistyped)?;
    Ok(field.as_ref().clone().with_data_type(innermost(field.data_type()).clone()))
}

/// `{{1,2},{3,4}}` as `{1,2,3,4}`.
fn elements(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (array, _) = a.raw(0)?;
    let mut lists = array.as_list_opt::<i32>().ok_or_else(mistyped)?.clone();
    while let Some(inner) = lists.values().as_list_opt::<i32>().cloned() {
        let DataType::List(element) = inner.data_type() else { return Err(mistyped()) };
        let offsets = inner.offsets();
        let ends = lists.offsets().iter().map(|&at| {
            usize::try_from(at).ok().and_then(|at| offsets.get(at)).copied().unwrap_or(0)
        });
        let offsets = OffsetBuffer::new(ends.collect());
        let (values, nulls) = (Arc::clone(inner.values()), lists.nulls().cloned());
        lists = ListArray::try_new(Arc::clone(element), offsets, values, nulls).map_err(broken)?;
    }
    Ok(Arc::new(lists))
}

/// The first and the last element of a dimension, counted from 1.
type Bounds = (i32, i32);

fn slices(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (lists, constant) = a.raw(0)?;
    let lists = lists.as_list_opt::<i32>().ok_or_else(mistyped)?;
    let mut bounds = Vec::with_capacity(a.count() / 2);
    for index in (1..a.count()).step_by(2) {
        bounds.push((a.values::<Int32Type>(index)?, a.values::<Int32Type>(index + 1)?));
    }
    let DataType::List(element) = a.returns.data_type() else { return Err(mistyped()) };
    let mut rows: Vec<Option<ArrayRef>> = Vec::with_capacity(a.rows);
    for row in 0..a.rows {
        let at = if constant { 0 } else { row };
        if a.is_null(row) || lists.is_null(at) {
            rows.push(None);
            continue;
        }
        let of_row: Vec<Bounds> =
            bounds.iter().map(|(lower, upper)| (lower.at(row), upper.at(row))).collect();
        let part = slice(&lists.value(at), &of_row)?;
        rows.push(Some(part.unwrap_or_else(|| new_empty_array(element.data_type()))));
    }
    let nulls: NullBuffer = rows.iter().map(Option::is_some).collect();
    let made = joined(element, rows.iter().map(|row| row.as_ref()), Some(nulls))?;
    Ok(Arc::new(made))
}

fn mistyped() -> Error {
    Error::internal("an array has another type")
}

/// The part of a dimension and of those inside it; `None` where there is nothing.
fn slice(elements: &ArrayRef, bounds: &[Bounds]) -> Result<Option<ArrayRef>> {
    let Some(((lower, upper), inner)) = bounds.split_first() else {
        return Ok(Some(Arc::clone(elements)));
    };
    let first = usize::try_from((*lower).max(1)).unwrap_or(1);
    let last = usize::try_from(*upper).unwrap_or(0).min(elements.len());
    if first > last {
        return Ok(None);
    }
    let part = elements.slice(first - 1, last + 1 - first);
    if inner.is_empty() {
        return Ok(Some(part));
    }
    let (Some(lists), DataType::List(element)) = (part.as_list_opt::<i32>(), part.data_type())
    else {
        return Ok(None);
    };
    let mut parts = Vec::with_capacity(lists.len());
    for row in 0..lists.len() {
        match slice(&lists.value(row), inner)? {
            Some(part) => parts.push(part),
            None => return Ok(None),
        }
    }
    Ok(Some(Arc::new(joined(element, parts.iter().map(Some), None)?)))
}

/// An array of arrays.
fn joined<'p>(
    element: &FieldRef,
    parts: impl Iterator<Item = Option<&'p ArrayRef>> + Clone,
    nulls: Option<NullBuffer>,
) -> Result<ListArray> {
    let lengths = parts.clone().map(|part| part.map_or(0, |part| part.len()));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let values: Vec<&dyn Array> = parts.flatten().map(AsRef::as_ref).collect();
    let values = match values.is_empty() {
        true => new_empty_array(element.data_type()),
        false => concat(&values).map_err(broken)?,
    };
    ListArray::try_new(Arc::clone(element), offsets, values, nulls).map_err(broken)
}

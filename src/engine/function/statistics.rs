//! What ordered-set aggregates make of the array of their values: `mode`, `percentile_disc` and `percentile_cont`.
//! <https://www.postgresql.org/docs/16/functions-aggregate.html>

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Builder, ListArray, ListBuilder, UInt64Array, make_comparator,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{SortOptions, cast, take};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type};

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, broken};

const FLOAT: Returns = Returns::Type(BaseType::Float8);
const ELEMENT: Returns = Returns::Computed(element_field);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("mode_of", &[Overload::new(&[Kind::Array], ELEMENT, mode)]),
    Kernel::immutable(
        "percentile_disc_of",
        &[
            Overload::new(&[Kind::Array, Kind::Float8, Kind::Bool], ELEMENT, percentile),
            Overload::new(&[Kind::Array, Kind::Array, Kind::Bool], ELEMENTS, percentiles),
        ],
    ),
    Kernel::immutable(
        "percentile_cont_of",
        &[
            Overload::new(&[Kind::Array, Kind::Float8, Kind::Bool], FLOAT, interpolated),
            Overload::new(
                &[Kind::Array, Kind::Array, Kind::Bool],
                Returns::ArrayOf(BaseType::Float8),
                all_interpolated,
            ),
        ],
    ),
];

fn element_field(shape: &Shape<'_>) -> Result<Field> {
    match shape.fields.first().map(|field| field.data_type()) {
        Some(DataType::List(element)) => Ok(element.as_ref().clone().with_nullable(true)),
        _ => Err(Error::internal("an array has another type")),
    }
}

const ELEMENTS: Returns = Returns::Computed(|shape| match shape.fields.first() {
    Some(field) => Ok(field.as_ref().clone().with_nullable(true)),
    None => Err(Error::internal("an array has another type")),
});

fn lists<'a>(a: &'a Arguments<'_>, index: usize) -> Result<(&'a ListArray, bool)> {
    let (array, constant) = a.raw(index)?;
    let lists =
        array.as_list_opt::<i32>().ok_or_else(|| Error::internal("an array has another type"))?;
    Ok((lists, constant))
}

/// The fractions of a row; `None` for one that is NULL.
fn fractions(a: &Arguments<'_>, row: usize) -> Result<Vec<Option<f64>>> {
    let (lists, constant) = lists(a, 1)?;
    let values = lists.value(if constant { 0 } else { row });
    if values.data_type().is_nested() {
        return Err(Error::unsupported("a percentile of an array of several dimensions"));
    }
    let values = cast(&values, &DataType::Float64).map_err(broken)?;
    let values = values.as_primitive::<Float64Type>();
    values.iter().map(|fraction| fraction.map(checked).transpose()).collect()
}

fn checked(fraction: f64) -> Result<f64> {
    if (0.0..=1.0).contains(&fraction) {
        return Ok(fraction);
    }
    let message = format!("percentile value {fraction} is not between 0 and 1");
    Err(Error::new(ErrorKind::NumericValueOutOfRange, message))
}

/// Elements of an array that are not NULL, sorted.
fn sorted(values: &ArrayRef, descending: bool) -> Result<Vec<usize>> {
    let compare = make_comparator(values, values, SortOptions::default()).map_err(broken)?;
    let mut places: Vec<usize> = (0..values.len()).filter(|at| values.is_valid(*at)).collect();
    places.sort_by(|one, other| compare(*one, *other));
    if descending {
        places.reverse();
    }
    Ok(places)
}

/// `percentile_disc` of several fractions.
fn percentiles(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, constant) = lists(a, 0)?;
    let descending = a.flags(2)?;
    let (mut places, mut lengths) = (Vec::new(), Vec::new());
    let mut validity = Vec::new();
    for row in 0..a.rows {
        let list = if constant { 0 } else { row };
        let first = values.value_offsets().get(list).copied().unwrap_or(0) as u64;
        let of_row = values.value(list);
        let sorted = sorted(&of_row, descending.at(row))?;
        let fractions = fractions(a, row)?;
        let is_value = values.is_valid(list) && !sorted.is_empty();
        validity.push(is_value);
        lengths.push(if is_value { fractions.len() } else { 0 });
        for fraction in fractions.into_iter().filter(|_| is_value) {
            let place = fraction.and_then(|fraction| {
                let place = (fraction * sorted.len() as f64).ceil() as usize;
                sorted.get(place.saturating_sub(1)).map(|at| first + *at as u64)
            });
            places.push(place);
        }
    }
    let chosen = take(values.values(), &UInt64Array::from(places), None).map_err(broken)?;
    let DataType::List(element) = values.data_type() else {
        return Err(Error::internal("an array has another type"));
    };
    let (offsets, nulls) = (OffsetBuffer::from_lengths(lengths), NullBuffer::from(validity));
    let made = ListArray::try_new(Arc::clone(element), offsets, chosen, Some(nulls));
    Ok(Arc::new(made.map_err(broken)?))
}

/// The numbers of an array, sorted.
fn numbers(values: &ArrayRef, descending: bool) -> Result<Vec<f64>> {
    let values = cast(values, &DataType::Float64).map_err(broken)?;
    let sorted = sorted(&values, descending)?;
    let values = values.as_primitive::<Float64Type>();
    Ok(sorted.into_iter().map(|at| values.value(at)).collect())
}

/// What stands at a fraction of the numbers: between two of them in proportion. `None` where there are none.
fn between(numbers: &[f64], fraction: f64) -> Option<f64> {
    let place = fraction * (numbers.len() as f64 - 1.0);
    let at = |place: f64| numbers.get(place as usize).copied();
    let (below, above) = (at(place.floor())?, at(place.ceil())?);
    Some(below + (place - place.floor()) * (above - below))
}

/// `percentile_cont` of one fraction.
fn interpolated(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, constant) = lists(a, 0)?;
    let (fractions, descending) = (a.values::<Float64Type>(1)?, a.flags(2)?);
    a.make::<Float64Type>(|row| {
        let values = values.value(if constant { 0 } else { row });
        let numbers = numbers(&values, descending.at(row))?;
        Ok(between(&numbers, checked(fractions.at(row))?))
    })
}

/// `percentile_cont` of several fractions.
fn all_interpolated(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, constant) = lists(a, 0)?;
    let descending = a.flags(2)?;
    let mut made = ListBuilder::new(Float64Builder::new());
    for row in 0..a.rows {
        let list = if constant { 0 } else { row };
        let numbers = numbers(&values.value(list), descending.at(row))?;
        let fractions = fractions(a, row)?;
        let is_value = values.is_valid(list) && !numbers.is_empty();
        for fraction in fractions.into_iter().filter(|_| is_value) {
            made.values().append_option(fraction.and_then(|fraction| between(&numbers, fraction)));
        }
        made.append(is_value);
    }
    Ok(Arc::new(made.finish()))
}

/// For each row, the place of the chosen one among the sorted elements that are not NULL.
fn chosen(
    a: &Arguments<'_>,
    descending: impl Fn(usize) -> bool,
    choose: impl Fn(usize, &[usize], &dyn Fn(usize, usize) -> bool) -> Result<Option<usize>>,
) -> Result<ArrayRef> {
    let (array, constant) = a.raw(0)?;
    let lists =
        array.as_list_opt::<i32>().ok_or_else(|| Error::internal("an array has another type"))?;
    let values = lists.values();
    let compare = make_comparator(values, values, SortOptions::default()).map_err(broken)?;
    let is_same = |one: usize, other: usize| compare(one, other).is_eq();
    let offsets = lists.value_offsets();
    let place =
        |index: usize| offsets.get(index).and_then(|at| usize::try_from(*at).ok()).unwrap_or(0);
    let mut found = Vec::with_capacity(a.rows);
    for row in 0..a.rows {
        let list = if constant { 0 } else { row };
        if lists.is_null(list) {
            found.push(None);
            continue;
        }
        let mut elements: Vec<usize> =
            (place(list)..place(list + 1)).filter(|at| values.is_valid(*at)).collect();
        elements.sort_by(|one, other| compare(*one, *other));
        if descending(row) {
            elements.reverse();
        }
        found.push(choose(row, &elements, &is_same)?.map(|at| at as u64));
    }
    take(values, &UInt64Array::from(found), None).map_err(broken)
}

/// The first of the most frequent values.
fn mode(a: &Arguments<'_>) -> Result<ArrayRef> {
    chosen(
        a,
        |_| false,
        |_, elements, is_same| {
            let mut best: Option<(usize, usize)> = None;
            let mut rest = elements;
            while let Some(first) = rest.first() {
                let count = rest.iter().take_while(|element| is_same(*first, **element)).count();
                if best.is_none_or(|(most, _)| count > most) {
                    best = Some((count, *first));
                }
                rest = rest.get(count..).unwrap_or_default();
            }
            Ok(best.map(|(_, element)| element))
        },
    )
}

/// The first value whose share of the values up to it reaches a fraction.
fn percentile(a: &Arguments<'_>) -> Result<ArrayRef> {
    let fractions = a.values::<Float64Type>(1)?;
    let descending = a.flags(2)?;
    chosen(
        a,
        |row| descending.at(row),
        |row, elements, _| {
            let fraction = fractions.at(row);
            if !(0.0..=1.0).contains(&fraction) {
                let message = format!("percentile value {fraction} is not between 0 and 1");
                return Err(Error::new(ErrorKind::NumericValueOutOfRange, message));
            }
            let place = (fraction * elements.len() as f64).ceil() as usize;
            Ok(elements.get(place.saturating_sub(1)).copied())
        },
    )
}

//! What ordered-set aggregates make of the array of their values: `mode` and `percentile_disc`.
//! <https://www.postgresql.org/docs/16/functions-aggregate.html>

use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt64Array, make_comparator};
use datafusion::arrow::compute::{SortOptions, take};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type};

use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, broken};

const ELEMENT: Returns = Returns::Computed(element_field);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("mode_of", &[Overload::new(&[Kind::Array], ELEMENT, mode)]),
    Kernel::immutable(
        "percentile_disc_of",
        &[Overload::new(&[Kind::Array, Kind::Float8, Kind::Bool], ELEMENT, percentile)],
    ),
];

fn element_field(shape: &Shape<'_>) -> Result<Field> {
    match shape.fields.first().map(|field| field.data_type()) {
        Some(DataType::List(element)) => Ok(element.as_ref().clone().with_nullable(true)),
        _ => Err(Error::internal("an array has another type")),
    }
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

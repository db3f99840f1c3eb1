//! Functions of arrays with PostgreSQL's types and NULLs: an empty array has no dimensions, elements are found
//! and removed by equality that takes NULL for a value. <https://www.postgresql.org/docs/16/functions-array.html>

use std::sync::Arc;

use bytes::BytesMut;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DynComparator, Int32Builder, ListArray, ListBuilder, UInt64Array,
    make_comparator,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{SortOptions, cast, take};
use datafusion::arrow::datatypes::{
    DataType, Decimal128Type, Field, Float32Type, Float64Type, Int32Type,
};

use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::render::{ColumnWriter, Format};
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, broken};

use Kind::{Any, Int4, Text};

const INTEGER: Returns = Returns::Type(BaseType::Int4);
const INTEGERS: Returns = Returns::ArrayOf(BaseType::Int4);
const TEXT: Returns = Returns::Type(BaseType::Text);
const BOOL: Returns = Returns::Type(BaseType::Bool);
const SAME: Returns = Returns::Argument(0);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("array_length", &[Overload::new(&[Kind::Array, Int4], INTEGER, length)]),
    Kernel::immutable("array_lower", &[Overload::new(&[Kind::Array, Int4], INTEGER, lower)]),
    Kernel::immutable("array_upper", &[Overload::new(&[Kind::Array, Int4], INTEGER, upper)]),
    Kernel::immutable(
        "cardinality",
        &[Overload::new(&[Kind::Array], INTEGER, |a| {
            let lists = list(a)?;
            a.make::<Int32Type>(|row| Ok(i32::try_from(count(&lists.at(row))).ok()))
        })],
    ),
    Kernel::immutable(
        "array_ndims",
        &[Overload::new(&[Kind::Array], INTEGER, |a| {
            let lists = list(a)?;
            a.make::<Int32Type>(|row| {
                let dimensions = dimensions(&lists.at(row));
                Ok(i32::try_from(dimensions.len()).ok().filter(|count| *count > 0))
            })
        })],
    ),
    Kernel::immutable(
        "array_dims",
        &[Overload::new(&[Kind::Array], TEXT, |a| {
            let (lists, first) = (list(a)?, first_subscript(a));
            a.make_texts(|row, out| {
                let dimensions = dimensions(&lists.at(row));
                let bounds = |length: &usize| format!("[{first}:{}]", length + first - 1);
                out.extend(dimensions.iter().map(bounds));
                Ok(!dimensions.is_empty())
            })
        })],
    ),
    Kernel::immutable(
        "array_subscripts",
        &[Overload::new(&[Kind::Array, Int4], INTEGERS, subscripts)],
    ),
    Kernel::immutable(
        "array_position",
        &[Overload::new(&[Kind::Array, Any, Int4], INTEGER, position).optional(1).sees_null()],
    ),
    Kernel::immutable(
        "array_positions",
        &[Overload::new(&[Kind::Array, Any], INTEGERS, positions).sees_null()],
    ),
    Kernel::immutable(
        "array_remove",
        &[Overload::new(&[Kind::Array, Any], SAME, remove).sees_null()],
    ),
    Kernel::immutable("trim_array", &[Overload::new(&[Kind::Array, Int4], SAME, trim)]),
    Kernel::immutable(
        "row_numbers",
        &[Overload::new(&[], BIGINTS, row_numbers).variadic(Kind::Array).sees_null()],
    ),
    Kernel::immutable("any_true", &[Overload::new(&[Kind::Array], BOOL, |a| truths(a, true))]),
    Kernel::immutable("all_true", &[Overload::new(&[Kind::Array], BOOL, |a| truths(a, false))]),
    Kernel::immutable(ROUNDED_ELEMENTS, &[Overload::new(&[Kind::Array], SAME, rounded)]),
    Kernel::stable(
        "array_to_string",
        &[Overload::new(&[Kind::Array, Text, Text], TEXT, to_string).optional(1).sees_null()],
    ),
];

/// Numbers without digits after the point, still of their type: what a cast to integers is made from.
pub const ROUNDED_ELEMENTS: &str = "rounded_elements";

const BIGINTS: Returns = Returns::ArrayOf(BaseType::Int8);
/// `1, 2, …` up to the length of the longest array.
fn row_numbers(a: &Arguments<'_>) -> Result<ArrayRef> {
    let mut made = ListBuilder::new(datafusion::arrow::array::Int64Builder::new());
    for row in 0..a.rows {
        let mut longest = 0;
        for index in 0..a.count() {
            let (array, constant) = a.raw(index)?;
            let at = if constant { 0 } else { row };
            if let Some(lists) = array.as_list_opt::<i32>()
                && lists.is_valid(at)
            {
                longest = longest.max(lists.value_length(at));
            }
        }
        (1..=i64::from(longest)).for_each(|number| made.values().append_value(number));
        made.append(true);
    }
    Ok(Arc::new(made.finish()))
}

/// Whether one element is `decisive`, or all are the other; open where NULL leaves it open.
fn truths(a: &Arguments<'_>, decisive: bool) -> Result<ArrayRef> {
    let lists = list(a)?;
    a.make_flags(|row| {
        let elements = lists.at(row);
        let Some(elements) = elements.as_boolean_opt() else {
            return Err(Error::internal("elements without truths"));
        };
        if elements.iter().any(|truth| truth == Some(decisive)) {
            return Ok(Some(decisive));
        }
        Ok((elements.null_count() == 0).then_some(!decisive))
    })
}

fn rounded(a: &Arguments<'_>) -> Result<ArrayRef> {
    elements(a, &rounded_values)
}

/// The field of [`elements`] that are of a type.
pub(super) fn elements_field(shape: &Shape<'_>, element: &DataType) -> Result<Field> {
    fn lists(given: &DataType, element: &DataType) -> DataType {
        match given {
            DataType::List(inner) => DataType::new_list(lists(inner.data_type(), element), true),
            _ => element.clone(),
        }
    }
    let given = shape.fields.first();
    let given = given.ok_or_else(|| Error::internal("a function lacks an argument"))?;
    Ok(Field::new("", lists(given.data_type(), element), true))
}

/// The arrays of the first argument, of any depth, with what `of` makes of their elements.
pub(super) fn elements(
    arguments: &Arguments<'_>,
    of: &dyn Fn(&ArrayRef) -> Result<ArrayRef>,
) -> Result<ArrayRef> {
    let (lists, constant) = arguments.raw(0)?;
    let made = with_elements(lists, of)?;
    match constant {
        true => take(&made, &UInt64Array::from(vec![0; arguments.rows]), None).map_err(broken),
        false => Ok(made),
    }
}

fn with_elements(array: &ArrayRef, of: &dyn Fn(&ArrayRef) -> Result<ArrayRef>) -> Result<ArrayRef> {
    let Some(lists) = array.as_list_opt::<i32>() else { return of(array) };
    let values = with_elements(lists.values(), of)?;
    let element = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    let (offsets, nulls) = (lists.offsets().clone(), lists.nulls().cloned());
    let made = ListArray::try_new(element, offsets, values, nulls).map_err(broken)?;
    Ok(Arc::new(made))
}

fn rounded_values(values: &ArrayRef) -> Result<ArrayRef> {
    Ok(match values.data_type() {
        DataType::Float32 => Arc::new(
            values.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even),
        ),
        DataType::Float64 => Arc::new(
            values.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even),
        ),
        DataType::Decimal128(precision, scale @ 1..) => {
            let one = 10_i128.pow(scale.unsigned_abs().into());
            // Half away from zero.
            let round = |value: i128| {
                let rest = value % one;
                let away = if rest.abs() * 2 >= one { one * rest.signum() } else { 0 };
                value - rest + away
            };
            let rounded = values.as_primitive::<Decimal128Type>().unary::<_, Decimal128Type>(round);
            Arc::new(rounded.with_precision_and_scale(*precision, *scale).map_err(broken)?)
        }
        _ => Arc::clone(values),
    })
}

/// The lists of the first argument.
struct Lists<'a> {
    lists: &'a ListArray,
    constant: bool,
}

impl Lists<'_> {
    fn row(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    fn is_null(&self, row: usize) -> bool {
        self.lists.is_null(self.row(row))
    }

    fn at(&self, row: usize) -> ArrayRef {
        self.lists.value(self.row(row))
    }

    /// Where the elements of a row lie among all.
    fn range(&self, row: usize) -> std::ops::Range<usize> {
        let offsets = self.lists.value_offsets();
        let at =
            |index: usize| offsets.get(index).and_then(|at| usize::try_from(*at).ok()).unwrap_or(0);
        at(self.row(row))..at(self.row(row) + 1)
    }
}

fn list<'a>(a: &'a Arguments<'_>) -> Result<Lists<'a>> {
    let (array, constant) = a.raw(0)?;
    let lists =
        array.as_list_opt::<i32>().ok_or_else(|| Error::internal("an array has another type"))?;
    Ok(Lists { lists, constant })
}

/// The lengths of an array, dimension by dimension; none for an empty one.
fn dimensions(values: &ArrayRef) -> Vec<usize> {
    if values.is_empty() {
        return Vec::new();
    }
    let mut all = vec![values.len()];
    if let Some(inner) = values.as_list_opt::<i32>()
        && inner.is_valid(0)
    {
        all.extend(dimensions(&inner.value(0)));
    }
    all
}

fn count(values: &ArrayRef) -> usize {
    match values.as_list_opt::<i32>() {
        Some(inner) => inner.iter().flatten().map(|values| count(&values)).sum(),
        None => values.len(),
    }
}

fn dimension(values: &ArrayRef, number: i32) -> Option<usize> {
    let index = usize::try_from(number).ok()?.checked_sub(1)?;
    dimensions(values).get(index).copied()
}

fn length(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (lists, numbers) = (list(a)?, a.values::<Int32Type>(1)?);
    a.make::<Int32Type>(|row| {
        let length = dimension(&lists.at(row), numbers.at(row));
        Ok(length.and_then(|length| i32::try_from(length).ok()))
    })
}

/// Where the subscripts of an array begin: those of `int2vector` and `oidvector` at 0, all others at 1.
fn first_subscript(a: &Arguments<'_>) -> usize {
    let declared = a.fields.first().and_then(|field| pg_type_of(field).ok());
    match declared {
        Some((PgType::Scalar(BaseType::Int2Vector | BaseType::OidVector), _)) => 0,
        _ => 1,
    }
}

fn lower(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (lists, numbers, first) = (list(a)?, a.values::<Int32Type>(1)?, first_subscript(a));
    a.make::<Int32Type>(|row| {
        let length = dimension(&lists.at(row), numbers.at(row));
        Ok(length.and_then(|_| i32::try_from(first).ok()))
    })
}

fn upper(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (lists, numbers, first) = (list(a)?, a.values::<Int32Type>(1)?, first_subscript(a));
    a.make::<Int32Type>(|row| {
        let length = dimension(&lists.at(row), numbers.at(row));
        Ok(length.and_then(|length| i32::try_from(length + first - 1).ok()))
    })
}

fn integer_list() -> ListBuilder<Int32Builder> {
    ListBuilder::new(Int32Builder::new())
}

fn subscripts(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (lists, numbers, first) = (list(a)?, a.values::<Int32Type>(1)?, first_subscript(a));
    let mut made = integer_list();
    for row in 0..a.rows {
        if !lists.is_null(row)
            && let Some(number) = numbers.get(row)
        {
            let length = dimension(&lists.at(row), number).unwrap_or(0);
            for subscript in first..first + length {
                made.values().append_option(i32::try_from(subscript).ok());
            }
        }
        made.append(true);
    }
    Ok(Arc::new(made.finish()))
}

/// Compares all elements with the values of the second argument.
struct Search<'a> {
    lists: Lists<'a>,
    compare: DynComparator,
    constant: bool,
}

impl<'a> Search<'a> {
    fn new(a: &'a Arguments<'_>) -> Result<Search<'a>> {
        let lists = list(a)?;
        let (wanted, constant) = a.raw(1)?;
        let elements = lists.lists.values();
        let wanted = cast(wanted, elements.data_type()).map_err(broken)?;
        let compare = make_comparator(elements, &wanted, SortOptions::default()).map_err(broken)?;
        Ok(Search { lists, compare, constant })
    }

    fn is_found(&self, element: usize, row: usize) -> bool {
        (self.compare)(element, if self.constant { 0 } else { row }).is_eq()
    }
}

fn position(a: &Arguments<'_>) -> Result<ArrayRef> {
    let search = Search::new(a)?;
    let starts = a.optional::<Int32Type>(2)?;
    a.make::<Int32Type>(|row| {
        if search.lists.is_null(row) {
            return Ok(None);
        }
        let start = match &starts {
            Some(starts) => starts.get(row).ok_or_else(|| {
                Error::new(ErrorKind::NullValueNotAllowed, "initial position must not be null")
            })?,
            None => 1,
        };
        let skipped = usize::try_from(start - 1).unwrap_or(0);
        let range = search.lists.range(row);
        let first = range.start;
        let found = range.skip(skipped).find(|element| search.is_found(*element, row));
        Ok(found.and_then(|element| i32::try_from(element - first + 1).ok()))
    })
}

fn positions(a: &Arguments<'_>) -> Result<ArrayRef> {
    let search = Search::new(a)?;
    let mut made = integer_list();
    for row in 0..a.rows {
        let range = search.lists.range(row);
        let first = range.start;
        if !search.lists.is_null(row) {
            for element in range.filter(|element| search.is_found(*element, row)) {
                made.values().append_option(i32::try_from(element - first + 1).ok());
            }
        }
        made.append(!search.lists.is_null(row));
    }
    Ok(Arc::new(made.finish()))
}

/// The lists with the chosen elements only.
fn kept(
    a: &Arguments<'_>,
    lists: &Lists<'_>,
    mut keep: impl FnMut(usize) -> Result<Vec<usize>>,
) -> Result<ArrayRef> {
    let (mut chosen, mut lengths, mut validity) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..a.rows {
        let is_null = lists.is_null(row);
        let elements = if is_null { Vec::new() } else { keep(row)? };
        lengths.push(elements.len());
        validity.push(!is_null);
        chosen.extend(elements.into_iter().map(|element| element as u64));
    }
    let values = take(lists.lists.values(), &UInt64Array::from(chosen), None).map_err(broken)?;
    let DataType::List(element) = lists.lists.data_type() else {
        return Err(Error::internal("an array has another type"));
    };
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(NullBuffer::from(validity));
    let made = ListArray::try_new(Arc::clone(element), offsets, values, nulls).map_err(broken)?;
    Ok(Arc::new(made))
}

fn remove(a: &Arguments<'_>) -> Result<ArrayRef> {
    let search = Search::new(a)?;
    kept(a, &search.lists, |row| {
        let range = search.lists.range(row);
        Ok(range.filter(|element| !search.is_found(*element, row)).collect())
    })
}

fn trim(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (lists, counts) = (list(a)?, a.values::<Int32Type>(1)?);
    kept(a, &lists, |row| {
        let range = lists.range(row);
        let dropped = counts.get(row).and_then(|count| usize::try_from(count).ok());
        let dropped = dropped.filter(|dropped| *dropped <= range.len()).ok_or_else(|| {
            let message =
                format!("number of elements to trim must be between 0 and {}", range.len());
            Error::new(ErrorKind::ArraySubscriptError, message)
        })?;
        Ok((range.start..range.end - dropped).collect())
    })
}

fn to_string(a: &Arguments<'_>) -> Result<ArrayRef> {
    let lists = list(a)?;
    let (separators, nulls) = (a.texts(1)?, a.optional_texts(2)?);
    let style = a.style();
    let mut buffer = BytesMut::new();
    a.make_texts(|row, out| {
        let Some(separator) = separators.get(row) else { return Ok(false) };
        if lists.is_null(row) {
            return Ok(false);
        }
        let null = nulls.as_ref().and_then(|nulls| nulls.get(row));
        let mut joined =
            Joined { separator, null, is_first: true, buffer: &mut buffer, style: &style };
        joined.append(&lists.at(row), out)?;
        Ok(true)
    })
}

/// Elements joined by a separator, through all dimensions.
struct Joined<'a> {
    separator: &'a str,
    /// What stands for NULL, which is left out otherwise.
    null: Option<&'a str>,
    is_first: bool,
    buffer: &'a mut BytesMut,
    style: &'a crate::base::text_style::TextStyle,
}

impl Joined<'_> {
    fn append(&mut self, values: &ArrayRef, out: &mut String) -> Result<()> {
        if let Some(inner) = values.as_list_opt::<i32>() {
            for values in inner.iter().flatten() {
                self.append(&values, out)?;
            }
            return Ok(());
        }
        let field = Field::new("", values.data_type().clone(), true);
        let writer = ColumnWriter::new(values, &field, Format::Text, self.style)?;
        for element in 0..values.len() {
            let is_null = writer.is_null(element);
            if is_null && self.null.is_none() {
                continue;
            }
            if !self.is_first {
                out.push_str(self.separator);
            }
            self.is_first = false;
            if is_null {
                out.push_str(self.null.unwrap_or_default());
                continue;
            }
            self.buffer.clear();
            writer.write(element, self.buffer)?;
            out.push_str(&String::from_utf8_lossy(self.buffer));
        }
        Ok(())
    }
}

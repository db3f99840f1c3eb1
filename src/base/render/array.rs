//! Lists as PostgreSQL's arrays: `{1,NULL,"a b"}` and the binary form with its dimensions, and the two vector
//! types of the catalogs. Lists of lists are one array of several dimensions, as PostgreSQL has no other.

use std::ops::Range;

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{
    Array, AsArray, GenericListArray, GenericListViewArray, OffsetSizeTrait,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field};

use super::Format;
use super::column::{ColumnWriter, ValueWriter, mismatch};
use crate::base::datatype::{BaseType, PgType};
use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Result};

/// PostgreSQL's `MAXDIM`.
const DIMENSIONS_MAX: usize = 6;

/// The elements of each row, as a range in the values of the list.
type RangeOf<'a> = Box<dyn Fn(usize) -> Range<usize> + Send + Sync + 'a>;

struct Level<'a> {
    range_of: RangeOf<'a>,
    nulls: Option<NullBuffer>,
}

/// A list array, all its levels of lists, and the elements in the innermost.
struct Lists<'a> {
    levels: Vec<Level<'a>>,
    elements: ColumnWriter<'a>,
    base: BaseType,
}

/// The lengths of one array's dimensions; all zero for the empty array.
#[derive(Clone, Copy)]
struct Dimensions([usize; DIMENSIONS_MAX]);

/// A writer for lists as arrays of `base`.
pub fn writer<'a>(
    array: &'a dyn Array,
    field: &Field,
    base: BaseType,
    format: Format,
    style: &TextStyle,
) -> Result<ValueWriter<'a>> {
    let lists = Lists::new(array, field, base, format, style)?;
    Ok(match format {
        Format::Text => Box::new(move |row, out| lists.write_text(row, out)),
        Format::Binary => Box::new(move |row, out| lists.write_binary(row, 1, out)),
    })
}

/// A writer for `int2vector` and `oidvector`, whose elements are of `base`.
///
/// A string is written as it is: it has the text form already.
pub fn vector_writer<'a>(
    array: &'a dyn Array,
    base: BaseType,
    format: Format,
    style: &TextStyle,
) -> Result<ValueWriter<'a>> {
    if level_of(array).is_none() && format == Format::Text {
        return super::text_column::writer(array, base, style);
    }
    let field = Field::new("element", array.data_type().clone(), true);
    let lists = Lists::new(array, &field, base, format, style)?;
    Ok(match format {
        Format::Text => Box::new(move |row, out| lists.write_vector(row, out)),
        Format::Binary => Box::new(move |row, out| lists.write_binary(row, 0, out)),
    })
}

impl<'a> Lists<'a> {
    fn new(
        array: &'a dyn Array,
        field: &Field,
        base: BaseType,
        format: Format,
        style: &TextStyle,
    ) -> Result<Lists<'a>> {
        let mut levels = Vec::new();
        let mut values = array;
        let mut element = field.clone();
        while let Some((level, inner, inner_field)) = level_of(values) {
            levels.push(level);
            values = inner;
            element = inner_field.clone();
        }
        if levels.is_empty() {
            return Err(mismatch(array, base));
        }
        if levels.len() > DIMENSIONS_MAX {
            return Err(Error::new(
                ErrorKind::ProgramLimitExceeded,
                format!(
                    "number of array dimensions ({}) exceeds the maximum allowed ({DIMENSIONS_MAX})",
                    levels.len()
                ),
            ));
        }
        let elements =
            ColumnWriter::of_type(values, &element, PgType::Scalar(base), format, style)?;
        Ok(Lists { levels, elements, base })
    }

    /// The dimensions of a row's array; an error when lists beside each other differ in length.
    fn dimensions(&self, row: usize) -> Result<Dimensions> {
        let mut lengths = [None; DIMENSIONS_MAX];
        self.measure(0, row, &mut lengths)?;
        // An array without elements has no dimensions at all.
        let depth = self.levels.len();
        let counts = lengths.map(|length| length.unwrap_or(0));
        let is_empty = counts.iter().take(depth).any(|&count| count == 0);
        Ok(Dimensions(if is_empty { [0; DIMENSIONS_MAX] } else { counts }))
    }

    fn measure(
        &self,
        depth: usize,
        index: usize,
        lengths: &mut [Option<usize>; DIMENSIONS_MAX],
    ) -> Result<()> {
        let (Some(level), Some(length)) = (self.levels.get(depth), lengths.get_mut(depth)) else {
            return Ok(());
        };
        let range = (level.range_of)(index);
        let is_null = level.nulls.as_ref().is_some_and(|nulls| nulls.is_null(index));
        if is_null || length.is_some_and(|length| length != range.len()) {
            return Err(Error::new(
                ErrorKind::InvalidParameterValue,
                "multidimensional arrays must have array expressions with matching dimensions",
            )
            .with_hint("Select the inner lists one by one, or turn the value into json."));
        }
        *length = Some(range.len());
        if depth + 1 < self.levels.len() {
            for inner in range {
                self.measure(depth + 1, inner, lengths)?;
            }
        }
        Ok(())
    }

    fn write_text(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        if self.levels.len() > 1 {
            let Dimensions(counts) = self.dimensions(row)?;
            if counts.first() == Some(&0) {
                out.put_slice(b"{}");
                return Ok(());
            }
        }
        self.write_level(0, row, out)
    }

    fn write_level(&self, depth: usize, index: usize, out: &mut BytesMut) -> Result<()> {
        let Some(level) = self.levels.get(depth) else {
            return self.write_element(index, out);
        };
        out.put_u8(b'{');
        for (position, inner) in (level.range_of)(index).enumerate() {
            if position > 0 {
                out.put_u8(b',');
            }
            self.write_level(depth + 1, inner, out)?;
        }
        out.put_u8(b'}');
        Ok(())
    }

    fn write_element(&self, index: usize, out: &mut BytesMut) -> Result<()> {
        if self.elements.is_null(index) {
            out.put_slice(b"NULL");
            return Ok(());
        }
        let start = out.len();
        self.elements.write(index, out)?;
        quote_element(start, out);
        Ok(())
    }

    fn write_vector(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let Some(level) = self.levels.first() else { return Ok(()) };
        for (position, inner) in (level.range_of)(row).enumerate() {
            if position > 0 {
                out.put_u8(b' ');
            }
            self.elements.write(inner, out)?;
        }
        Ok(())
    }

    /// Writes what `array_send` writes. The vector types count from 0 and keep an empty dimension.
    fn write_binary(&self, row: usize, lower_bound: i32, out: &mut BytesMut) -> Result<()> {
        let Dimensions(counts) = self.dimensions(row)?;
        let is_empty = counts.first() == Some(&0);
        let keeps_dimension = lower_bound == 0;
        let depth = if is_empty && !keeps_dimension { 0 } else { self.levels.len() };
        out.put_i32(depth as i32);
        let has_nulls_at = out.len();
        out.put_i32(0);
        out.put_u32(self.base.oid().0);
        for &count in counts.iter().take(depth) {
            out.put_i32(count as i32);
            out.put_i32(lower_bound);
        }
        let mut has_nulls = false;
        if !is_empty {
            self.write_binary_level(0, row, &mut has_nulls, out)?;
        }
        if let (true, Some(flag)) = (has_nulls, out.get_mut(has_nulls_at + 3)) {
            *flag = 1;
        }
        Ok(())
    }

    fn write_binary_level(
        &self,
        depth: usize,
        index: usize,
        has_nulls: &mut bool,
        out: &mut BytesMut,
    ) -> Result<()> {
        if let Some(level) = self.levels.get(depth) {
            return (level.range_of)(index)
                .try_for_each(|inner| self.write_binary_level(depth + 1, inner, has_nulls, out));
        }
        *has_nulls |= self.elements.is_null(index);
        write_sized(&self.elements, index, out)
    }
}

/// Writes the length of a value and the value; -1 for null.
pub fn write_sized(column: &ColumnWriter<'_>, row: usize, out: &mut BytesMut) -> Result<()> {
    if column.is_null(row) {
        out.put_i32(-1);
        return Ok(());
    }
    let start = out.len();
    out.put_i32(0);
    column.write(row, out)?;
    let length = out.len() - start - 4;
    let length = i32::try_from(length).map_err(|_| value_too_long(length))?;
    if let Some(slot) = out.get_mut(start..start + 4) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn value_too_long(length: usize) -> Error {
    Error::new(
        ErrorKind::ProgramLimitExceeded,
        format!("a value of {length} bytes is longer than the protocol can carry"),
    )
}

/// Quotes the element that begins at `start`, if an array's text needs it.
fn quote_element(start: usize, out: &mut BytesMut) {
    let element = out.get(start..).unwrap_or_default();
    let special =
        |&byte: &u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',' | b' ' | b'\t'..=b'\r');
    let needs_quotes =
        element.is_empty() || element.iter().any(special) || element.eq_ignore_ascii_case(b"NULL");
    if !needs_quotes {
        return;
    }
    let element = element.to_vec();
    out.truncate(start);
    out.put_u8(b'"');
    for byte in element {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(b'\\');
        }
        out.put_u8(byte);
    }
    out.put_u8(b'"');
}

/// The ranges, values and element field of a list array of any kind.
pub(super) fn list_parts(array: &dyn Array) -> Option<(RangeOf<'_>, &dyn Array, &Field)> {
    fn of_list<O: OffsetSizeTrait>(list: &GenericListArray<O>) -> (RangeOf<'_>, &dyn Array) {
        let offsets = list.value_offsets();
        let at = |row: usize| offsets.get(row).map_or(0, |offset| offset.as_usize());
        (Box::new(move |row| at(row)..at(row + 1)), list.values().as_ref())
    }
    fn of_view<O: OffsetSizeTrait>(list: &GenericListViewArray<O>) -> (RangeOf<'_>, &dyn Array) {
        let (offsets, sizes) = (list.value_offsets(), list.value_sizes());
        let range_of = move |row: usize| {
            let start = offsets.get(row).map_or(0, |offset| offset.as_usize());
            start..start + sizes.get(row).map_or(0, |size| size.as_usize())
        };
        (Box::new(range_of), list.values().as_ref())
    }
    let (field, (range_of, values)) = match array.data_type() {
        DataType::List(field) => (field, of_list(array.as_list_opt::<i32>()?)),
        DataType::LargeList(field) => (field, of_list(array.as_list_opt::<i64>()?)),
        DataType::ListView(field) => (field, of_view(array.as_list_view_opt::<i32>()?)),
        DataType::LargeListView(field) => (field, of_view(array.as_list_view_opt::<i64>()?)),
        DataType::FixedSizeList(field, size) => {
            let size = usize::try_from(*size).unwrap_or(0);
            let range_of: RangeOf<'_> = Box::new(move |row| row * size..(row + 1) * size);
            (field, (range_of, array.as_fixed_size_list_opt()?.values().as_ref()))
        }
        _ => return None,
    };
    Some((range_of, values, field))
}

fn level_of(array: &dyn Array) -> Option<(Level<'_>, &dyn Array, &Field)> {
    let (range_of, values, field) = list_parts(array)?;
    Some((Level { range_of, nulls: array.nulls().cloned() }, values, field))
}

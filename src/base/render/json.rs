//! Structs, maps and what is inside them as JSON text, in the forms of PostgreSQL's `to_json`. It parses no
//! JSON and formats none that already is.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{DataType, Field, Float16Type, Float32Type, Float64Type};

use super::Format;
use super::array::list_parts;
use super::column::{ColumnWriter, ValueWriter, decoded};
use super::datetime::write_json_timestamp;
use super::source::Micros;
use super::text_column;
use crate::base::datatype::{BaseType, PgType, pg_type_of};
use crate::base::text_style::{DateLayout, TextStyle};
use crate::base::time_zone::OffsetCache;
use crate::base::{Error, Result};

/// A column inside JSON, where null is a value.
struct Member<'a> {
    nulls: Option<NullBuffer>,
    write: ValueWriter<'a>,
}

impl<'a> Member<'a> {
    fn new(array: &'a dyn Array, field: &Field, style: &TextStyle) -> Result<Member<'a>> {
        Ok(Member { nulls: array.logical_nulls(), write: writer(array, field, style)? })
    }

    fn write(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.put_slice(b"null");
            return Ok(());
        }
        (self.write)(row, out)
    }
}

/// A writer for the JSON of a column's values.
pub fn writer<'a>(
    array: &'a dyn Array,
    field: &Field,
    style: &TextStyle,
) -> Result<ValueWriter<'a>> {
    if let Some((values, row_of)) = decoded(array) {
        let field = field.clone().with_data_type(values.data_type().clone());
        let inner = Member::new(values, &field, style)?;
        return Ok(Box::new(move |row, out| inner.write(row_of(row), out)));
    }
    if let Some((range_of, values, element)) = list_parts(array) {
        let elements = Member::new(values, element, style)?;
        return Ok(Box::new(move |row, out| {
            out.put_u8(b'[');
            for (position, index) in range_of(row).enumerate() {
                if position > 0 {
                    out.put_u8(b',');
                }
                elements.write(index, out)?;
            }
            out.put_u8(b']');
            Ok(())
        }));
    }
    match array.data_type() {
        DataType::Struct(_) => object(array, style),
        DataType::Map(entries, _) => map(array, entries, style),
        _ => scalar(array, field, style),
    }
}

fn object<'a>(array: &'a dyn Array, style: &TextStyle) -> Result<ValueWriter<'a>> {
    let object = array.as_struct();
    let mut members = Vec::with_capacity(object.num_columns());
    for (column, field) in object.columns().iter().zip(object.fields()) {
        // The name is written once, as `{"name":` or `,"name":`.
        let mut name = BytesMut::new();
        name.put_u8(if members.is_empty() { b'{' } else { b',' });
        put_quoted(field.name().as_bytes(), &mut name);
        name.put_u8(b':');
        members.push((name.freeze(), Member::new(column.as_ref(), field, style)?));
    }
    Ok(Box::new(move |row, out| {
        if members.is_empty() {
            out.put_u8(b'{');
        }
        for (name, member) in &members {
            out.put_slice(name);
            member.write(row, out)?;
        }
        out.put_u8(b'}');
        Ok(())
    }))
}

fn map<'a>(array: &'a dyn Array, entries: &Field, style: &TextStyle) -> Result<ValueWriter<'a>> {
    let map = array.as_map();
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(Error::internal("a map whose entries are no struct"));
    };
    let [key_field, value_field] = fields.as_ref() else {
        return Err(Error::internal("a map whose entries are no pairs"));
    };
    let key_style = iso(style);
    let keys = ColumnWriter::new(map.keys().as_ref(), key_field, Format::Text, &key_style)?;
    let values = Member::new(map.values().as_ref(), value_field, style)?;
    let offsets = map.value_offsets();
    Ok(Box::new(move |row, out| {
        let at = |row: usize| offsets.get(row).map_or(0, |&offset| offset as usize);
        out.put_u8(b'{');
        for (position, index) in (at(row)..at(row + 1)).enumerate() {
            if position > 0 {
                out.put_u8(b',');
            }
            let start = out.len();
            keys.write(index, out)?;
            quote(start, out);
            out.put_u8(b':');
            values.write(index, out)?;
        }
        out.put_u8(b'}');
        Ok(())
    }))
}

fn scalar<'a>(array: &'a dyn Array, field: &Field, style: &TextStyle) -> Result<ValueWriter<'a>> {
    let (PgType::Scalar(base) | PgType::Array(base)) = pg_type_of(field)?.0;
    let style = iso(style);
    let text = text_column::writer(array, base, &style)?;
    let bare = match array.data_type() {
        DataType::Boolean => {
            let values = array.as_boolean();
            return Ok(Box::new(move |row, out| {
                out.put_slice(if values.value(row) { b"true" } else { b"false" });
                Ok(())
            }));
        }
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>();
            return Ok(finite_bare(text, move |row| values.value(row).to_f32().is_finite()));
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            return Ok(finite_bare(text, move |row| values.value(row).is_finite()));
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            return Ok(finite_bare(text, move |row| values.value(row).is_finite()));
        }
        DataType::Timestamp(_, zone) => {
            let zone = zone.as_ref().map(|_| OffsetCache::new(style.time_zone));
            return timestamp(array, zone);
        }
        DataType::Date64 => return timestamp(array, None),
        DataType::Decimal32(_, _)
        | DataType::Decimal64(_, _)
        | DataType::Decimal128(_, _)
        | DataType::Decimal256(_, _) => true,
        other => other.is_integer() || matches!(base, BaseType::Json | BaseType::Jsonb),
    };
    Ok(if bare {
        text
    } else {
        Box::new(move |row, out| {
            let start = out.len();
            text(row, out)?;
            quote(start, out);
            Ok(())
        })
    })
}

/// JSON has no number for `NaN` and `Infinity`; they are strings.
fn finite_bare<'a>(
    text: ValueWriter<'a>,
    is_finite: impl Fn(usize) -> bool + Send + Sync + 'a,
) -> ValueWriter<'a> {
    Box::new(move |row, out| {
        let start = out.len();
        text(row, out)?;
        if !is_finite(row) {
            quote(start, out);
        }
        Ok(())
    })
}

fn timestamp<'a>(array: &'a dyn Array, zone: Option<OffsetCache>) -> Result<ValueWriter<'a>> {
    let micros = Micros::of(array)
        .ok_or_else(|| Error::internal("a timestamp column without microseconds"))?;
    Ok(Box::new(move |row, out| {
        out.put_u8(b'"');
        write_json_timestamp(micros.at(row)?, zone.as_ref(), out);
        out.put_u8(b'"');
        Ok(())
    }))
}

/// JSON has ISO dates, whatever the session's `DateStyle`.
fn iso(style: &TextStyle) -> TextStyle {
    let mut style = *style;
    style.date_style.layout = DateLayout::Iso;
    style
}

/// Turns what begins at `start` into a JSON string.
fn quote(start: usize, out: &mut BytesMut) {
    let bare = out.get(start..).unwrap_or_default();
    if bare.iter().any(|&byte| needs_escape(byte)) {
        let bare = bare.to_vec();
        out.truncate(start);
        return put_quoted(&bare, out);
    }
    // Nothing to escape: shift by one place for the first quote.
    let length = bare.len();
    out.put_slice(b"\"\"");
    if let Some(quoted) = out.get_mut(start..) {
        quoted.copy_within(..length, 1);
        if let Some(first) = quoted.first_mut() {
            *first = b'"';
        }
    }
}

fn needs_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn put_quoted(text: &[u8], out: &mut BytesMut) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.put_u8(b'"');
    for &byte in text {
        match byte {
            b'"' => out.put_slice(b"\\\""),
            b'\\' => out.put_slice(b"\\\\"),
            0x08 => out.put_slice(b"\\b"),
            0x0c => out.put_slice(b"\\f"),
            b'\n' => out.put_slice(b"\\n"),
            b'\r' => out.put_slice(b"\\r"),
            b'\t' => out.put_slice(b"\\t"),
            0..0x20 => {
                out.put_slice(b"\\u00");
                out.put_u8(b'0' + (byte >> 4));
                out.put_u8(HEX.get(usize::from(byte & 15)).copied().unwrap_or(b'0'));
            }
            _ => out.put_u8(byte),
        }
    }
    out.put_u8(b'"');
}

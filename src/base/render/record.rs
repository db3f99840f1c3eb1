//! Structs that are declared as `record`: `(1,"a b",)` and the binary form with the type of each field. Other
//! structs are JSON.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::StructArray;
use datafusion::arrow::datatypes::Fields;

use super::Format;
use super::array::write_sized;
use super::column::{ColumnWriter, ValueWriter};
use crate::base::Result;
use crate::base::text_style::TextStyle;

/// A writer for structs as composite values.
pub fn writer<'a>(
    array: &'a StructArray,
    fields: &Fields,
    format: Format,
    style: &TextStyle,
) -> Result<ValueWriter<'a>> {
    let columns: Vec<ColumnWriter<'a>> = array
        .columns()
        .iter()
        .zip(fields)
        .map(|(column, field)| ColumnWriter::new(column.as_ref(), field, format, style))
        .collect::<Result<_>>()?;
    Ok(match format {
        Format::Text => Box::new(move |row, out| write_text(&columns, row, out)),
        Format::Binary => Box::new(move |row, out| write_binary(&columns, row, out)),
    })
}

fn write_text(columns: &[ColumnWriter<'_>], row: usize, out: &mut BytesMut) -> Result<()> {
    out.put_u8(b'(');
    for (position, column) in columns.iter().enumerate() {
        if position > 0 {
            out.put_u8(b',');
        }
        if !column.is_null(row) {
            let start = out.len();
            column.write(row, out)?;
            quote_field(start, out);
        }
    }
    out.put_u8(b')');
    Ok(())
}

fn write_binary(columns: &[ColumnWriter<'_>], row: usize, out: &mut BytesMut) -> Result<()> {
    out.put_i32(columns.len() as i32);
    for column in columns {
        out.put_u32(column.pg_type().oid().0);
        write_sized(column, row, out)?;
    }
    Ok(())
}

/// Quotes the field that begins at `start`, if a composite value's text needs it.
fn quote_field(start: usize, out: &mut BytesMut) {
    let field = out.get(start..).unwrap_or_default();
    let special =
        |&byte: &u8| matches!(byte, b'"' | b'\\' | b'(' | b')' | b',' | b' ' | b'\t'..=b'\r');
    if !field.is_empty() && !field.iter().any(special) {
        return;
    }
    let field = field.to_vec();
    out.truncate(start);
    out.put_u8(b'"');
    for byte in field {
        if matches!(byte, b'"' | b'\\') {
            out.put_u8(byte);
        }
        out.put_u8(byte);
    }
    out.put_u8(b'"');
}

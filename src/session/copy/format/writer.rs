//! COPY TO: Arrow batches as rows of text, CSV or binary. The caller cuts rows into messages; this only fills
//! a buffer.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

use super::binary_rows::SIGNATURE;
use super::options::{CopyDirection, CopyFormat, CopyOptions, ForceColumns, Header};
use crate::base::render::{ColumnWriter, Format, columns_of};
use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Result};

/// Writes the rows of one COPY TO.
pub struct CopyWriter {
    schema: SchemaRef,
    options: CopyOptions,
    style: TextStyle,
    /// For each column whether CSV always quotes it.
    force_quote: Vec<bool>,
    /// The value being written, before it is escaped.
    value: BytesMut,
}

/// A batch that is ready to be written.
pub struct CopyRows<'a> {
    columns: Vec<ColumnWriter<'a>>,
    rows: usize,
}

impl CopyRows<'_> {}

impl CopyWriter {
    /// A writer for batches of a schema.
    pub fn new(schema: SchemaRef, options: CopyOptions, style: TextStyle) -> Result<CopyWriter> {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        options.validate(CopyDirection::To, &names)?;
        let force_quote = names
            .iter()
            .map(|&name| match &options.force_quote {
                ForceColumns::None => false,
                ForceColumns::All => true,
                ForceColumns::Columns(forced) => forced.iter().any(|forced| forced == name),
            })
            .collect();
        Ok(CopyWriter { schema, options, style, force_quote, value: BytesMut::new() })
    }

    /// Whether values are binary: what `CopyOutResponse` says.
    pub fn value_format(&self) -> Format {
        match self.options.format {
            CopyFormat::Binary => Format::Binary,
            CopyFormat::Text | CopyFormat::Csv => Format::Text,
        }
    }

    /// Writes what stands before the rows: a line of names, or the signature of binary.
    pub fn start(&mut self, out: &mut BytesMut) {
        match self.options.format {
            CopyFormat::Binary => {
                out.put_slice(SIGNATURE);
                out.put_i32(0);
                out.put_i32(0);
            }
            CopyFormat::Text | CopyFormat::Csv => {
                if self.options.header != Header::None {
                    self.write_header(out);
                }
            }
        }
    }

    /// Prepares a batch for [`CopyWriter::write_row`].
    pub fn rows_of<'a>(&self, batch: &'a RecordBatch) -> Result<CopyRows<'a>> {
        let columns = columns_of(batch, &[self.value_format()], &self.style)?;
        Ok(CopyRows { columns, rows: batch.num_rows() })
    }

    /// Writes one row: what PostgreSQL sends as one `CopyData` message.
    pub fn write_row(&mut self, rows: &CopyRows<'_>, row: usize, out: &mut BytesMut) -> Result<()> {
        match self.options.format {
            CopyFormat::Text => self.write_text_row(rows, row, out),
            CopyFormat::Csv => self.write_csv_row(rows, row, out),
            CopyFormat::Binary => write_binary_row(rows, row, out),
        }
    }

    /// Writes the rows from `from_row` to before `to_row`.
    pub fn write_batch(
        &mut self,
        batch: &RecordBatch,
        from_row: usize,
        to_row: usize,
        out: &mut BytesMut,
    ) -> Result<()> {
        let rows = self.rows_of(batch)?;
        (from_row..to_row.min(rows.rows)).try_for_each(|row| self.write_row(&rows, row, out))
    }

    /// Writes what stands after the rows: the trailer of binary.
    pub fn finish(&mut self, out: &mut BytesMut) {
        if self.options.format == CopyFormat::Binary {
            out.put_i16(-1);
        }
    }

    fn write_header(&self, out: &mut BytesMut) {
        for (position, field) in self.schema.fields().iter().enumerate() {
            if position > 0 {
                out.put_u8(self.options.delimiter);
            }
            let name = field.name().as_bytes();
            match self.options.format {
                CopyFormat::Csv => self.put_csv(name, false, out),
                CopyFormat::Text | CopyFormat::Binary => self.put_text(name, out),
            }
        }
        out.put_u8(b'\n');
    }

    fn write_text_row(
        &mut self,
        rows: &CopyRows<'_>,
        row: usize,
        out: &mut BytesMut,
    ) -> Result<()> {
        for (position, column) in rows.columns.iter().enumerate() {
            if position > 0 {
                out.put_u8(self.options.delimiter);
            }
            if column.is_null(row) {
                out.put_slice(self.options.null.as_bytes());
            } else {
                self.value.clear();
                column.write(row, &mut self.value)?;
                self.put_text(&self.value, out);
            }
        }
        out.put_u8(b'\n');
        Ok(())
    }

    fn write_csv_row(&mut self, rows: &CopyRows<'_>, row: usize, out: &mut BytesMut) -> Result<()> {
        for (position, column) in rows.columns.iter().enumerate() {
            if position > 0 {
                out.put_u8(self.options.delimiter);
            }
            if column.is_null(row) {
                out.put_slice(self.options.null.as_bytes());
            } else {
                self.value.clear();
                column.write(row, &mut self.value)?;
                let force = self.force_quote.get(position).copied().unwrap_or(false);
                self.put_csv(&self.value, force, out);
            }
        }
        out.put_u8(b'\n');
        Ok(())
    }

    /// Writes a value with the backslash escapes of the text format.
    fn put_text(&self, value: &[u8], out: &mut BytesMut) {
        let delimiter = self.options.delimiter;
        let mut rest = value;
        let special = |byte: &u8| matches!(byte, 0x08..=0x0d | b'\\') || *byte == delimiter;
        while let Some(at) = rest.iter().position(special) {
            let (plain, tail) = rest.split_at(at);
            out.put_slice(plain);
            let Some((&byte, tail)) = tail.split_first() else { return };
            out.put_u8(b'\\');
            out.put_u8(match byte {
                0x08 => b'b',
                0x09 if delimiter != b'\t' => b't',
                b'\n' => b'n',
                0x0b => b'v',
                0x0c => b'f',
                b'\r' => b'r',
                // A tab that is the delimiter is written as \t too; other bytes stand for themselves.
                b'\t' => b't',
                other => other,
            });
            rest = tail;
        }
        out.put_slice(rest);
    }

    /// Writes a value with the quotes that CSV needs.
    fn put_csv(&self, value: &[u8], force: bool, out: &mut BytesMut) {
        let CopyOptions { delimiter, quote, escape, .. } = self.options;
        let special =
            |&byte: &u8| byte == delimiter || byte == quote || byte == b'\n' || byte == b'\r';
        // A lone \. would end the data, and the null text would be null.
        let is_end_mark = self.schema.fields().len() == 1 && value == b"\\.";
        let needs_quotes = force
            || is_end_mark
            || value == self.options.null.as_bytes()
            || value.iter().any(special);
        if !needs_quotes {
            return out.put_slice(value);
        }
        out.put_u8(quote);
        for &byte in value {
            if byte == quote || byte == escape {
                out.put_u8(escape);
            }
            out.put_u8(byte);
        }
        out.put_u8(quote);
    }
}

fn write_binary_row(rows: &CopyRows<'_>, row: usize, out: &mut BytesMut) -> Result<()> {
    out.put_i16(rows.columns.len() as i16);
    for column in &rows.columns {
        if column.is_null(row) {
            out.put_i32(-1);
            continue;
        }
        let start = out.len();
        out.put_i32(0);
        column.write(row, out)?;
        let length = i32::try_from(out.len() - start - 4).map_err(|_| {
            Error::new(ErrorKind::ProgramLimitExceeded, "a value is too long for binary COPY")
        })?;
        if let Some(slot) = out.get_mut(start..start + 4) {
            slot.copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

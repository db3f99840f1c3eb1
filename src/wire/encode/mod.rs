//! Arrow batches as `DataRow` messages, written straight into the output buffer. How a value looks is
//! `base::render`'s business; this is the message around it. It owns no socket and flushes nothing.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::RecordBatch;

use super::charset::encode_value;
use super::describe::format_at;
use crate::base::encoding::Encoding;
use crate::base::render::{ColumnWriter, columns_of};
use crate::base::text_style::TextStyle;
use crate::base::{Error, ErrorKind, Result};

pub use crate::base::render::Format;

/// The type byte of a `DataRow` message.
const DATA_ROW: u8 = b'D';

/// Bytes of the length word of messages and values.
const LENGTH_BYTES: usize = 4;

/// Encodes the rows of one batch, in the formats that the client asked for.
pub struct BatchEncoder<'a> {
    columns: Vec<ColumnWriter<'a>>,
    rows: usize,
    formats: Vec<Format>,
    encoding: Encoding,
}

impl<'a> BatchEncoder<'a> {
    /// An encoder for a batch. As in the `Bind` message, one format stands for all columns and none for text.
    pub fn new(
        batch: &'a RecordBatch,
        formats: &[Format],
        style: &TextStyle,
    ) -> Result<BatchEncoder<'a>> {
        if batch.num_columns() > i16::MAX as usize {
            return Err(Error::new(
                ErrorKind::TooManyColumns,
                format!("a row of {} columns does not fit a message", batch.num_columns()),
            ));
        }
        let (columns, rows) = (columns_of(batch, formats, style)?, batch.num_rows());
        let formats = formats.to_vec();
        Ok(BatchEncoder { columns, rows, formats, encoding: style.encoding })
    }

    /// Writes the `DataRow` message of a row.
    ///
    /// After an error the buffer is as it was before the row, so that an `ErrorResponse` may follow.
    pub fn write_data_row(&self, row: usize, out: &mut BytesMut) -> Result<()> {
        let start = out.len();
        let written = self.write_message(row, start, out);
        if written.is_err() {
            out.truncate(start);
        }
        written
    }

    fn write_message(&self, row: usize, start: usize, out: &mut BytesMut) -> Result<()> {
        if row >= self.rows {
            return Err(Error::internal(format!("row {row} of a batch of {}", self.rows)));
        }
        out.put_u8(DATA_ROW);
        out.put_i32(0);
        out.put_i16(self.columns.len() as i16);
        for (index, column) in self.columns.iter().enumerate() {
            if column.is_null(row) {
                out.put_i32(-1);
                continue;
            }
            let value_start = out.len();
            out.put_i32(0);
            column.write(row, out)?;
            if !self.encoding.is_same() {
                let format = format_at(&self.formats, index);
                let start = value_start + LENGTH_BYTES;
                encode_value(self.encoding, column.pg_type(), format, start, out)?;
            }
            put_length(out, value_start, out.len() - value_start - LENGTH_BYTES)?;
        }
        // The length of a message counts itself, but not the type byte.
        put_length(out, start + 1, out.len() - start - 1)
    }
}

/// Writes a length into the place that was left for it.
fn put_length(out: &mut BytesMut, at: usize, length: usize) -> Result<()> {
    let length = i32::try_from(length).map_err(|_| {
        Error::new(
            ErrorKind::ProgramLimitExceeded,
            format!("a row of {length} bytes is longer than a message can be"),
        )
    })?;
    if let Some(slot) = out.get_mut(at..at + LENGTH_BYTES) {
        slot.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

#[cfg(test)]
mod tests;

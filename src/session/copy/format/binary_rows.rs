//! Rows and fields of COPY's binary format: signature, counts and lengths. It does not read the values.

use super::line_end::{Span, Split};
use crate::base::{Error, ErrorKind, Result};

/// The eleven bytes that binary data begins with.
pub const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Signature, flags and the length of the extension.
const HEADER_BYTES: usize = 19;

/// Finds the rows of the binary format.
pub struct BinaryRows {
    columns: usize,
    after_header: bool,
    /// The fields of the row that was found last, or of the part of a row seen so far.
    pub fields: Vec<Span>,
    scanned: usize,
}

impl BinaryRows {
    pub fn new(columns: usize) -> BinaryRows {
        BinaryRows { columns, after_header: false, fields: Vec::new(), scanned: 0 }
    }

    /// The length of the header at the start of `data`, once it is all there; 0 when it was passed before.
    pub fn header(&mut self, data: &[u8]) -> Result<Option<usize>> {
        if self.after_header {
            return Ok(Some(0));
        }
        let shown = data.len().min(SIGNATURE.len());
        if data.get(..shown) != SIGNATURE.get(..shown) {
            return Err(bad("COPY file signature not recognized"));
        }
        let (Some(flags), Some(extension)) = (i32_at(data, 11), i32_at(data, 15)) else {
            return Ok(None);
        };
        if flags & (1 << 16) != 0 {
            return Err(bad("invalid COPY file header (WITH OIDS)"));
        }
        if flags as u32 >> 17 != 0 {
            return Err(bad("unrecognized critical flags in COPY file header"));
        }
        let extension = usize::try_from(extension)
            .map_err(|_| bad("invalid COPY file header (missing length)"))?;
        let length = HEADER_BYTES + extension;
        if data.len() < length {
            return Ok(None);
        }
        self.after_header = true;
        Ok(Some(length))
    }

    /// Looks for the row at the start of `data`, which begins where the last row ended.
    pub fn next(&mut self, data: &[u8], at_end: bool) -> Result<Split> {
        let partial = || {
            let cut = at_end && !data.is_empty();
            if cut { Err(bad("unexpected EOF in COPY data")) } else { Ok(Split::Partial) }
        };
        if self.scanned == 0 {
            self.fields.clear();
            let Some(&[high, low]) = data.first_chunk::<2>() else { return partial() };
            match i16::from_be_bytes([high, low]) {
                -1 => return Ok(Split::End),
                count if usize::try_from(count).ok() != Some(self.columns) => {
                    return Err(bad(format!(
                        "row field count is {count}, expected {}",
                        self.columns
                    )));
                }
                _ => self.scanned = 2,
            }
        }
        while self.fields.len() < self.columns {
            let Some(length) = i32_at(data, self.scanned) else { return partial() };
            let start = self.scanned + 4;
            let (end, is_value) = match usize::try_from(length) {
                Ok(length) => (start + length, true),
                Err(_) if length == -1 => (start, false),
                Err(_) => return Err(bad("invalid field size")),
            };
            if data.len() < end {
                return partial();
            }
            self.fields.push(Span { start, end, quoted: is_value, escaped: false });
            self.scanned = end;
        }
        let length = std::mem::take(&mut self.scanned);
        Ok(Split::Row { length, taken: length })
    }
}

fn i32_at(data: &[u8], at: usize) -> Option<i32> {
    data.get(at..)?.first_chunk::<4>().map(|bytes| i32::from_be_bytes(*bytes))
}

fn bad(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadCopyFileFormat, message)
}

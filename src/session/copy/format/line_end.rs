//! How lines end in COPY data: the first line decides, and the others must follow. It also holds what the
//! splitters of all formats give.

use super::options::CopyFormat;
use crate::base::{Error, ErrorKind, Result};

/// A field of a row, as a range from the start of the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: usize,
    pub end: usize,
    /// CSV: quotes were used. Binary: the field is null when it is not.
    pub quoted: bool,
    /// The value differs from the bytes, because of escapes or quotes.
    pub escaped: bool,
}

/// What a splitter found at the start of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// A whole row: its length without its end, and with it.
    Row { length: usize, taken: usize },
    /// The data ends inside a row.
    Partial,
    /// The mark that ends the data.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineEnd {
    Newline,
    CarriageReturn,
    Both,
}

/// The ends of lines in one stream.
#[derive(Debug, Default)]
pub struct LineEnds {
    kind: Option<LineEnd>,
}

impl LineEnds {
    /// The length of the line end that begins with `\n` or `\r`; 0 if more data must come to tell.
    pub fn length(
        &mut self,
        data: &[u8],
        at: usize,
        at_end: bool,
        format: CopyFormat,
    ) -> Result<usize> {
        let next = data.get(at + 1);
        let found = match data.get(at) {
            Some(b'\n') => LineEnd::Newline,
            _ => match next {
                Some(b'\n') if self.kind != Some(LineEnd::CarriageReturn) => LineEnd::Both,
                Some(_) => LineEnd::CarriageReturn,
                None if at_end || self.kind == Some(LineEnd::CarriageReturn) => {
                    LineEnd::CarriageReturn
                }
                None => return Ok(0),
            },
        };
        if *self.kind.get_or_insert(found) != found {
            return Err(misplaced(found, format));
        }
        Ok(if found == LineEnd::Both { 2 } else { 1 })
    }
}

fn misplaced(found: LineEnd, format: CopyFormat) -> Error {
    let (name, escape) = match found {
        LineEnd::Newline => ("newline", "\\n"),
        LineEnd::CarriageReturn | LineEnd::Both => ("carriage return", "\\r"),
    };
    let (message, hint) = match format {
        CopyFormat::Csv => (
            format!("unquoted {name} found in data"),
            format!("Use quoted CSV field to represent {name}."),
        ),
        CopyFormat::Text | CopyFormat::Binary => (
            format!("literal {name} found in data"),
            format!("Use \"{escape}\" to represent {name}."),
        ),
    };
    Error::new(ErrorKind::BadCopyFileFormat, message).with_hint(hint)
}

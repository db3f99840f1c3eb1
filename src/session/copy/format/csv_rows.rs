//! Rows and fields of CSV: where they begin and end, and what their quotes mean. It never looks at a byte twice,
//! however the data is cut into messages.

use super::line_end::{LineEnds, Span, Split};
use super::options::{CopyFormat, CopyOptions};
use crate::base::{Error, ErrorKind, Result};

/// What a byte means, which depends on whether it stands inside quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Delimiter,
    LineEnd,
    Quote,
    /// The escape, where it is not the quote itself. It has a meaning inside quotes only.
    Escape,
}

/// Finds the rows of CSV.
pub struct CsvRows {
    outside: [Class; 256],
    inside: [Class; 256],
    quote: u8,
    escape: u8,
    line_ends: LineEnds,
    /// The fields of the row that was found last, or of the part of a row seen so far.
    pub fields: Vec<Span>,
    /// Line ends inside quotes in that row.
    pub inner_lines: u64,
    scanned: usize,
    field_start: usize,
    in_quotes: bool,
    quoted: bool,
    /// The value is not simply what stands between the quotes.
    escaped: bool,
}

impl CsvRows {
    pub fn new(options: &CopyOptions) -> CsvRows {
        let mut outside = [Class::Plain; 256];
        let mut inside = [Class::Plain; 256];
        let set = |classes: &mut [Class; 256], byte: u8, class| {
            if let Some(slot) = classes.get_mut(usize::from(byte)) {
                *slot = class;
            }
        };
        for byte in [b'\n', b'\r'] {
            set(&mut outside, byte, Class::LineEnd);
            set(&mut inside, byte, Class::LineEnd);
        }
        set(&mut outside, options.delimiter, Class::Delimiter);
        set(&mut outside, options.quote, Class::Quote);
        set(&mut inside, options.escape, Class::Escape);
        set(&mut inside, options.quote, Class::Quote);
        CsvRows {
            outside,
            inside,
            quote: options.quote,
            escape: options.escape,
            line_ends: LineEnds::default(),
            fields: Vec::new(),
            inner_lines: 0,
            scanned: 0,
            field_start: 0,
            in_quotes: false,
            quoted: false,
            escaped: false,
        }
    }

    /// Looks for the row at the start of `data`, which begins where the last row ended. With `at_end` no more
    /// data comes.
    pub fn next(&mut self, data: &[u8], at_end: bool) -> Result<Split> {
        if self.scanned == 0 {
            self.start_row();
        }
        let mut at = self.scanned;
        loop {
            let classes = if self.in_quotes { &self.inside } else { &self.outside };
            // The class of a byte is always found: there are as many as bytes.
            let class_of = |byte: u8| classes.get(usize::from(byte)).copied();
            let rest = data.get(at..).unwrap_or_default();
            let special = rest.iter().position(|&byte| class_of(byte) != Some(Class::Plain));
            let Some(offset) = special else {
                return self.out_of_data(data, data.len(), at_end);
            };
            at += offset;
            match (self.in_quotes, data.get(at).and_then(|&byte| class_of(byte))) {
                (true, Some(Class::LineEnd)) => {
                    self.inner_lines += u64::from(data.get(at) == Some(&b'\n'));
                    at += 1;
                }
                (true, _) => {
                    if data.len() < at + 2 && !at_end {
                        return self.out_of_data(data, at, false);
                    }
                    at += self.quote_or_escape(data, at);
                }
                (false, Some(Class::Delimiter)) => {
                    self.end_field(data, at);
                    self.field_start = at + 1;
                    at += 1;
                }
                (false, Some(Class::Quote)) => {
                    // Quotes that begin inside a field, or again, make it more than a quoted value.
                    self.escaped |= self.quoted || at != self.field_start;
                    self.in_quotes = true;
                    self.quoted = true;
                    at += 1;
                }
                (false, _) => {
                    let length = self.line_ends.length(data, at, at_end, CopyFormat::Csv)?;
                    if length == 0 {
                        return self.out_of_data(data, at, false);
                    }
                    self.end_field(data, at);
                    self.scanned = 0;
                    if data.get(..at) == Some(b"\\.") {
                        return Ok(Split::End);
                    }
                    return Ok(Split::Row { length: at, taken: at + length });
                }
            }
        }
    }

    fn start_row(&mut self) {
        self.fields.clear();
        self.inner_lines = 0;
        self.field_start = 0;
        self.in_quotes = false;
        self.quoted = false;
        self.escaped = false;
    }

    /// Passes a quote or escape inside quotes and gives its length.
    fn quote_or_escape(&mut self, data: &[u8], at: usize) -> usize {
        let byte = data.get(at).copied().unwrap_or(0);
        let next = data.get(at + 1).copied();
        if byte == self.escape && next.is_some_and(|next| next == self.quote || next == self.escape)
        {
            self.escaped = true;
            return 2;
        }
        if byte == self.quote {
            self.in_quotes = false;
        }
        1
    }

    fn end_field(&mut self, data: &[u8], end: usize) {
        let start = self.field_start;
        let closes = end > start + 1 && data.get(end - 1) == Some(&self.quote);
        let span = if self.quoted && !self.escaped && closes {
            Span { start: start + 1, end: end - 1, quoted: true, escaped: false }
        } else {
            Span { start, end, quoted: self.quoted, escaped: self.quoted }
        };
        self.fields.push(span);
        self.quoted = false;
        self.escaped = false;
    }

    /// The data ends before the row does; the last row needs no line end.
    fn out_of_data(&mut self, data: &[u8], scanned: usize, at_end: bool) -> Result<Split> {
        if !at_end || data.is_empty() {
            self.scanned = scanned;
            return Ok(Split::Partial);
        }
        if self.in_quotes {
            return Err(Error::new(ErrorKind::BadCopyFileFormat, "unterminated CSV quoted field"));
        }
        self.end_field(data, data.len());
        self.scanned = 0;
        if data == b"\\." {
            return Ok(Split::End);
        }
        Ok(Split::Row { length: data.len(), taken: data.len() })
    }

    /// Puts the value of a field with inner quotes into `value`.
    pub fn unescape(&self, field: &[u8], value: &mut Vec<u8>) {
        value.clear();
        let mut in_quotes = false;
        let mut rest = field;
        while let Some((&byte, tail)) = rest.split_first() {
            rest = tail;
            let next = tail.first().copied();
            let pair = next.is_some_and(|next| next == self.quote || next == self.escape);
            if in_quotes && byte == self.escape && pair {
                value.extend(next);
                rest = tail.get(1..).unwrap_or_default();
            } else if byte == self.quote {
                in_quotes = !in_quotes;
            } else {
                value.push(byte);
            }
        }
    }
}

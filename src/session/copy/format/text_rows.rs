//! Rows and fields of COPY's text format: where they begin and end, and what their backslashes mean. It never
//! looks at a byte twice, however the data is cut into messages.

use super::line_end::{LineEnds, Span, Split};
use super::options::{CopyFormat, CopyOptions};
use crate::base::{Error, ErrorKind, Result};

/// What a byte means outside of escapes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Delimiter,
    LineEnd,
    Backslash,
}

/// Finds the rows of the text format.
pub struct TextRows {
    classes: [Class; 256],
    line_ends: LineEnds,
    /// The fields of the row that was found last, or of the part of a row seen so far.
    pub fields: Vec<Span>,
    scanned: usize,
    field_start: usize,
    escaped: bool,
}

impl TextRows {
    pub fn new(options: &CopyOptions) -> TextRows {
        let mut classes = [Class::Plain; 256];
        for (byte, class) in [
            (options.delimiter, Class::Delimiter),
            (b'\n', Class::LineEnd),
            (b'\r', Class::LineEnd),
            (b'\\', Class::Backslash),
        ] {
            if let Some(slot) = classes.get_mut(usize::from(byte)) {
                *slot = class;
            }
        }
        TextRows {
            classes,
            line_ends: LineEnds::default(),
            fields: Vec::new(),
            scanned: 0,
            field_start: 0,
            escaped: false,
        }
    }

    /// Looks for the row at the start of `data`, which begins where the last row ended. With `at_end` no more
    /// data comes.
    pub fn next(&mut self, data: &[u8], at_end: bool) -> Result<Split> {
        if self.scanned == 0 {
            self.fields.clear();
            self.field_start = 0;
            self.escaped = false;
        }
        let mut at = self.scanned;
        loop {
            let rest = data.get(at..).unwrap_or_default();
            // The class of a byte is always found: there are as many as bytes.
            let class_of = |byte: u8| self.classes.get(usize::from(byte)).copied();
            let special = rest.iter().position(|&byte| class_of(byte) != Some(Class::Plain));
            let Some(offset) = special else {
                return Ok(self.out_of_data(data.len(), data.len(), at_end));
            };
            at += offset;
            match data.get(at).and_then(|&byte| class_of(byte)) {
                Some(Class::Delimiter) => {
                    self.end_field(at);
                    self.field_start = at + 1;
                    at += 1;
                }
                Some(Class::Backslash) => {
                    if data.len() < at + 2 {
                        return Ok(self.out_of_data(data.len(), at, at_end));
                    }
                    self.escaped = true;
                    at += 2;
                }
                _ => {
                    let length = self.line_ends.length(data, at, at_end, CopyFormat::Text)?;
                    if length == 0 {
                        return Ok(self.out_of_data(data.len(), at, false));
                    }
                    self.end_field(at);
                    self.scanned = 0;
                    return check_end_mark(data, at, length);
                }
            }
        }
    }

    fn end_field(&mut self, end: usize) {
        let (start, escaped) = (self.field_start, self.escaped);
        self.fields.push(Span { start, end, quoted: false, escaped });
        self.escaped = false;
    }

    /// The data ends before the row does; the last row needs no line end.
    fn out_of_data(&mut self, length: usize, scanned: usize, at_end: bool) -> Split {
        if !at_end || length == 0 {
            self.scanned = scanned;
            return Split::Partial;
        }
        if scanned < length {
            // A backslash as the last byte of all stands for itself.
            self.escaped = true;
        }
        self.end_field(length);
        self.scanned = 0;
        Split::Row { length, taken: length }
    }
}

fn check_end_mark(data: &[u8], length: usize, line_end: usize) -> Result<Split> {
    match data.get(..length) {
        Some(b"\\.") => Ok(Split::End),
        Some([b'\\', b'.', ..]) => {
            Err(Error::new(ErrorKind::BadCopyFileFormat, "end-of-copy marker corrupt"))
        }
        _ => Ok(Split::Row { length, taken: length + line_end }),
    }
}

/// Puts the value of a field with backslashes into `value`.
pub fn unescape(field: &[u8], value: &mut Vec<u8>) {
    value.clear();
    let mut rest = field;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, tail) = rest.split_at(at);
        value.extend_from_slice(plain);
        let (byte, length) = escape(tail.get(1..).unwrap_or_default());
        value.push(byte);
        rest = tail.get(1 + length..).unwrap_or_default();
    }
    value.extend_from_slice(rest);
}

/// The byte that an escape means, and the length of the escape after its backslash.
fn escape(text: &[u8]) -> (u8, usize) {
    let octal = |byte: &u8| matches!(byte, b'0'..=b'7');
    let number = |digits: &[u8], radix| {
        digits.iter().fold(0u32, |number, &digit| {
            number * radix + char::from(digit).to_digit(radix).unwrap_or(0)
        }) as u8
    };
    match text {
        [] => (b'\\', 0),
        [b'b', ..] => (0x08, 1),
        [b'f', ..] => (0x0c, 1),
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'v', ..] => (0x0b, 1),
        [b'0'..=b'7', ..] => {
            let count = text.iter().take(3).take_while(|byte| octal(byte)).count();
            (number(text.get(..count).unwrap_or_default(), 8), count)
        }
        [b'x', digits @ ..] if digits.first().is_some_and(u8::is_ascii_hexdigit) => {
            let count = digits.iter().take(2).take_while(|byte| byte.is_ascii_hexdigit()).count();
            (number(digits.get(..count).unwrap_or_default(), 16), 1 + count)
        }
        [byte, ..] => (*byte, 1),
    }
}

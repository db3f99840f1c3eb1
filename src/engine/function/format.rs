//! `format(template, …)`. <https://www.postgresql.org/docs/16/functions-string.html#FUNCTIONS-STRING-FORMAT>

use bytes::BytesMut;
use datafusion::arrow::array::ArrayRef;

use crate::base::datatype::BaseType;
use crate::base::name::quote_identifier;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};
use super::quoting::quote_literal;
use super::text_output::Output;

pub const KERNELS: &[Kernel] = &[Kernel::stable(
    "format",
    &[Overload::new(&[Kind::Text], Returns::Type(BaseType::Text), format)
        .variadic(Kind::Any)
        .sees_null()],
)];

fn format(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let templates = arguments.texts(0)?;
    let values = (1..arguments.count())
        .map(|index| Output::of(arguments, index))
        .collect::<Result<Vec<_>>>()?;
    let mut row_values = Values { values: &values, row: 0, next: 0, buffer: BytesMut::new() };
    arguments.make_texts(|row, out| {
        let Some(template) = templates.get(row) else { return Ok(false) };
        row_values.row = row;
        row_values.next = 0;
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('%') {
            out.push_str(before);
            rest = match after.strip_prefix('%') {
                Some(after) => {
                    out.push('%');
                    after
                }
                None => specifier(after, &mut row_values, out)?,
            };
        }
        out.push_str(rest);
        Ok(true)
    })
}

/// The values of a row, taken one after the other or by number.
struct Values<'a> {
    values: &'a [Output<'a>],
    row: usize,
    next: usize,
    buffer: BytesMut,
}

impl Values<'_> {
    /// The text of a value, counted from 0; `None` for NULL.
    fn at(&mut self, index: usize) -> Result<Option<String>> {
        let value =
            self.values.get(index).ok_or_else(|| invalid("too few arguments for format()"))?;
        self.next = index + 1;
        if value.is_null(self.row) {
            return Ok(None);
        }
        let mut text = String::new();
        value.write(self.row, &mut self.buffer, &mut text)?;
        Ok(Some(text))
    }
}

/// Reads `[position$][flags][width]type` and writes what it stands for; gives what follows it.
fn specifier<'t>(text: &'t str, values: &mut Values<'_>, out: &mut String) -> Result<&'t str> {
    let mut rest = text;
    let mut position = None;
    if let (Some(number), after) = number(rest)?
        && let Some(after) = after.strip_prefix('$')
    {
        position = Some(place(number)?);
        rest = after;
    }
    let aligned = rest.trim_start_matches('-');
    let mut is_left = aligned.len() < rest.len();
    rest = aligned;
    let mut width = 0;
    if let Some(after) = rest.strip_prefix('*') {
        rest = after;
        let mut from = values.next;
        if let (Some(number), after) = number(rest)? {
            from = place(number)?;
            rest = after
                .strip_prefix('$')
                .ok_or_else(|| invalid("width argument position must be ended by \"$\""))?;
        }
        let given: i64 = match values.at(from)? {
            Some(text) => text
                .parse()
                .map_err(|_| crate::base::value::invalid_text("integer", text.as_bytes()))?,
            None => 0,
        };
        is_left |= given < 0;
        width = usize::try_from(given.unsigned_abs()).unwrap_or(usize::MAX);
    } else if let (Some(number), after) = number(rest)? {
        width = number;
        rest = after;
    }
    let mut kinds = rest.chars();
    let kind = kinds.next().ok_or_else(|| invalid("unterminated format() type specifier"))?;
    let index = position.unwrap_or(values.next);
    let made = converted(kind, values, index)?;
    let missing = width.saturating_sub(made.chars().count());
    if missing > WIDTH_MAX {
        return Err(invalid("the width of a format() type specifier is too large"));
    }
    let blanks = " ".repeat(missing);
    let (before, after) = if is_left { ("", blanks.as_str()) } else { (blanks.as_str(), "") };
    out.extend([before, &made, after]);
    Ok(kinds.as_str())
}

/// Characters that one value can be padded to.
const WIDTH_MAX: usize = 1 << 24;

fn number(text: &str) -> Result<(Option<usize>, &str)> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match text.split_at(digits) {
        ("", rest) => Ok((None, rest)),
        (digits, rest) => match digits.parse() {
            Ok(number) => Ok((Some(number), rest)),
            Err(_) => Err(Error::new(ErrorKind::NumericValueOutOfRange, "number is out of range")),
        },
    }
}

fn place(number: usize) -> Result<usize> {
    number
        .checked_sub(1)
        .ok_or_else(|| invalid("format specifies argument 0, but arguments are numbered from 1"))
}

fn converted(kind: char, values: &mut Values<'_>, index: usize) -> Result<String> {
    if !matches!(kind, 's' | 'I' | 'L') {
        let message = format!("unrecognized format() type specifier \"{kind}\"");
        return Err(invalid(&message).with_hint("For a single \"%\" use \"%%\"."));
    }
    match (kind, values.at(index)?) {
        ('I', Some(text)) => Ok(quote_identifier(&text)),
        ('I', None) => Err(Error::new(
            ErrorKind::NullValueNotAllowed,
            "null values cannot be formatted as an SQL identifier",
        )),
        ('L', Some(text)) => Ok(quote_literal(&text)),
        ('L', None) => Ok("NULL".to_owned()),
        (_, text) => Ok(text.unwrap_or_default()),
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidParameterValue, message)
}

//! `format(template, …)`. <https://www.postgresql.org/docs/16/functions-string.html#FUNCTIONS-STRING-FORMAT>

use crate::base::name::{quote_identifier, quote_literal};
use crate::base::{Error, ErrorKind};
use crate::engine::system::cell::Cell;

use super::define::*;

/// Arguments after the template.
const ARGUMENTS_MAX: usize = 16;

pub const FUNCTIONS: &[Function] =
    &[Function::immutable("format", PARAMETERS, TEXT, format).optional(ARGUMENTS_MAX).sees_null()];

const PARAMETERS: &[Parameter] = &[A_TEXT; ARGUMENTS_MAX + 1];

fn format<'a>(_: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let Some(Cell::Text(template)) = arguments.first() else { return Ok(Cell::Null) };
    let mut made = String::with_capacity(template.len());
    let mut next = 1;
    let mut rest = template.as_ref();
    while let Some((before, after)) = rest.split_once('%') {
        made.push_str(before);
        let Some(first) = after.chars().next() else {
            return Err(invalid("unterminated format() type specifier"));
        };
        if first == '%' {
            made.push('%');
            rest = after.split_at(1).1;
            continue;
        }
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (position, after) = match after.split_at(digits) {
            ("", after) => (next, after),
            (digits, after) => match (digits.parse(), after.strip_prefix('$')) {
                (Ok(position), Some(after)) => (position, after),
                _ => return Err(Error::unsupported("a width in format()")),
            },
        };
        next = position + 1;
        let mut kinds = after.chars();
        let kind = kinds.next();
        let Some(value) = arguments.get(position).filter(|_| position > 0) else {
            return Err(invalid("too few arguments for format()"));
        };
        made.push_str(&converted(kind, value)?);
        rest = kinds.as_str();
    }
    made.push_str(rest);
    Ok(made.into())
}

fn converted(kind: Option<char>, value: &Cell<'_>) -> Result<String, Error> {
    let text = match value {
        Cell::Text(text) => Some(text.as_ref()),
        _ => None,
    };
    match (kind, text) {
        (Some('s'), text) => Ok(text.unwrap_or_default().to_owned()),
        (Some('I'), Some(text)) => Ok(quote_identifier(text)),
        (Some('I'), None) => Err(invalid("null values cannot be formatted as an SQL identifier")),
        (Some('L'), Some(text)) => Ok(quote_literal(text)),
        (Some('L'), None) => Ok("NULL".to_owned()),
        (Some(other), _) => {
            Err(invalid(&format!("unrecognized format() type specifier \"{other}\"")))
        }
        (None, _) => Err(invalid("unterminated format() type specifier")),
    }
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidParameterValue, message)
}

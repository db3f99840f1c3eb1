//! Quoting of names and literals. <https://www.postgresql.org/docs/16/functions-string.html>

use crate::base::name;
use crate::engine::system::cell::Cell;

use super::define::*;

pub const FUNCTIONS: &[Function] = &[
    Function::immutable("quote_ident", &[A_TEXT], TEXT, |_, arguments| {
        Ok(name::quote_identifier(text(arguments, 0)).into())
    }),
    Function::immutable("quote_literal", &[A_TEXT], TEXT, |_, arguments| {
        Ok(quote_literal(text(arguments, 0)).into())
    }),
    Function::immutable("quote_nullable", &[A_TEXT], TEXT, |_, arguments| match arguments {
        [Cell::Text(text)] => Ok(quote_literal(text).into()),
        _ => Ok("NULL".into()),
    })
    .sees_null(),
];

/// A backslash makes PostgreSQL write an escape string, so that it reads back under every setting.
pub fn quote_literal(text: &str) -> String {
    let quoted = name::quote_literal(text);
    if text.contains('\\') { format!("E{}", quoted.replace('\\', "\\\\")) } else { quoted }
}

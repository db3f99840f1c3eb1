//! The tokens of a SQL/JSON path. It knows no grammar.

use std::fmt;

use crate::base::value::{Json, JsonValue};
use crate::base::{Error, ErrorKind, Result};

#[derive(Debug, Clone, PartialEq)]
pub enum Token {
    Symbol(&'static str),
    /// A key or keyword.
    Word(String),
    String(String),
    Number(String),
    /// `$name`
    Variable(String),
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Symbol(symbol) => f.write_str(symbol),
            Token::Word(text) | Token::String(text) | Token::Number(text) => f.write_str(text),
            Token::Variable(name) => write!(f, "${name}"),
        }
    }
}

/// Longer ones first.
const SYMBOLS: [&str; 31] = [
    "**", "&&", "||", "==", "!=", "<>", "<=", ">=", "$", "@", ".", "*", "[", "]", "(", ")", "{",
    "}", ",", "?", "+", "-", "/", "%", "<", ">", "!", "=", ":", "&", "|",
];

/// The tokens of a path. Errors: 42601.
pub fn tokens(text: &str) -> Result<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first == '"' {
            string(rest)?
        } else if first.is_ascii_digit() || first == '.' && starts_number(rest) {
            number(rest)?
        } else if let Some(name) = rest.strip_prefix('$').filter(|name| starts_name(name)) {
            match name.starts_with('"') {
                true => match string(name)? {
                    (Token::String(name), length) => (Token::Variable(name), length + 1),
                    _ => return Err(invalid(rest)),
                },
                false => {
                    let name = name_of(name);
                    (Token::Variable(name.to_owned()), name.len() + 1)
                }
            }
        } else if starts_name(rest) {
            let name = name_of(rest);
            (Token::Word(name.to_owned()), name.len())
        } else {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            let symbol = symbol.ok_or_else(|| invalid(rest))?;
            (Token::Symbol(symbol), symbol.len())
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

fn starts_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"')
}

fn name_of(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

fn starts_number(text: &str) -> bool {
    text.get(1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A string in the form of JSON's.
fn string(text: &str) -> Result<(Token, usize)> {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                let quoted = text.get(..=at).unwrap_or_default();
                let json = Json::parse(quoted).map_err(|_| invalid(text))?;
                let JsonValue::String(value) = json.value else { return Err(invalid(text)) };
                return Ok((Token::String(value.into_owned()), at + 1));
            }
            _ => {}
        }
    }
    Err(Error::new(ErrorKind::SyntaxError, "unexpected end of quoted string of jsonpath input"))
}

/// A number; after a dot and a digit a second dot begins a step.
fn number(text: &str) -> Result<(Token, usize)> {
    let bytes = text.as_bytes();
    let digit_at = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut at = 0;
    while digit_at(at) {
        at += 1;
    }
    if bytes.get(at) == Some(&b'.') && digit_at(at + 1) {
        at += 1;
        while digit_at(at) {
            at += 1;
        }
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        if digit_at(at + 1 + sign) {
            at += 1 + sign;
            while digit_at(at) {
                at += 1;
            }
        }
    }
    let follows = text.get(at..).unwrap_or_default();
    if follows.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        let message = "trailing junk after numeric literal of jsonpath input";
        return Err(Error::new(ErrorKind::SyntaxError, message));
    }
    let digits = text.get(..at).unwrap_or_default();
    let digits = if digits.starts_with('.') { format!("0{digits}") } else { digits.to_owned() };
    Ok((Token::Number(digits), at))
}

fn invalid(rest: &str) -> Error {
    let shown: String = rest.chars().take(20).collect();
    let message = format!("syntax error at or near \"{shown}\" of jsonpath input");
    Error::new(ErrorKind::SyntaxError, message)
}

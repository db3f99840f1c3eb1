//! The parts of a date and time text: numbers, joined dates, clocks, offsets and words. It knows only as much
//! of their meaning as it takes to find their ends.

use super::datetime_words::{Word, meaning};

/// A part of a text.
#[derive(Debug, Clone, Copy)]
pub enum Token<'a> {
    /// Digits, perhaps with a fraction.
    Number(&'a [u8]),
    /// Parts joined by `-`, `/` or `.`.
    Date(&'a [u8]),
    Clock(&'a [u8]),
    /// Begins with a sign.
    Offset(&'a [u8]),
    Word(&'a [u8]),
    /// A zone name that is more than letters.
    Zone(&'a [u8]),
}

/// PostgreSQL's `MAXDATEFIELDS`.
const TOKENS_MAX: usize = 25;

/// Splits a text into its parts; nothing if it has a character that no date has, or too many parts.
pub fn tokens(text: &[u8]) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(&first) = rest.first() {
        let (token, length) = match first {
            b'0'..=b'9' => number_token(rest),
            b'a'..=b'z' | b'A'..=b'Z' => word_token(rest),
            b'+' | b'-' => sign_token(rest)?,
            b' ' | b'\t'..=b'\r' => (None, 1),
            _ if first.is_ascii_punctuation() => (None, 1),
            _ => return None,
        };
        tokens.extend(token);
        if tokens.len() > TOKENS_MAX {
            return None;
        }
        rest = rest.get(length..)?;
    }
    Some(tokens)
}

fn run(text: &[u8], part: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|&&byte| part(byte)).count()
}

fn number_token(text: &[u8]) -> (Option<Token<'_>>, usize) {
    let is_digit = |byte: u8| byte.is_ascii_digit();
    let whole = run(text, is_digit);
    let at = |position: usize| text.get(position).copied().unwrap_or(0);
    let slice = |length: usize| text.get(..length).unwrap_or_default();
    match at(whole) {
        b':' => {
            let length = run(text, |byte| is_digit(byte) || byte == b':' || byte == b'.');
            (Some(Token::Clock(slice(length))), length)
        }
        separator @ (b'-' | b'/' | b'.') if is_digit(at(whole + 1)) => {
            let length = run(text, |byte| is_digit(byte) || byte == separator);
            let is_decimal = separator == b'.'
                && slice(length).iter().filter(|&&byte| byte == b'.').count() == 1;
            // `08-01-Jan` does not exist, but `2024-08.Jan` must not pass as two parts either.
            let token = if is_decimal { Token::Number } else { Token::Date };
            (Some(token(slice(length))), length)
        }
        separator @ (b'-' | b'/' | b'.') if at(whole + 1).is_ascii_alphabetic() => {
            let length = run(text, |byte| byte.is_ascii_alphanumeric() || byte == separator);
            (Some(Token::Date(slice(length))), length)
        }
        _ => (Some(Token::Number(slice(whole))), whole),
    }
}

fn word_token(text: &[u8]) -> (Option<Token<'_>>, usize) {
    let letters = run(text, |byte| byte.is_ascii_alphabetic());
    let at = |position: usize| text.get(position).copied().unwrap_or(0);
    let slice = |length: usize| text.get(..length).unwrap_or_default();
    let next = at(letters);
    let is_month = matches!(meaning(slice(letters)), Some(Word::Month(_)));
    if is_month && matches!(next, b'-' | b'/' | b'.') && at(letters + 1).is_ascii_digit() {
        let length = run(text, |byte| byte.is_ascii_alphanumeric() || byte == next);
        return (Some(Token::Date(slice(length))), length);
    }
    let is_name = matches!(next, b'/' | b'_')
        || (matches!(next, b'+' | b'-') && letters >= 3 && at(letters + 1).is_ascii_digit());
    if is_name {
        let length = run(text, |byte| byte.is_ascii_alphanumeric() || b"/_+-:".contains(&byte));
        return (Some(Token::Zone(slice(length))), length);
    }
    (Some(Token::Word(slice(letters))), letters)
}

fn sign_token(text: &[u8]) -> Option<(Option<Token<'_>>, usize)> {
    let rest = text.get(1..)?;
    let is_offset = rest.first()?.is_ascii_digit();
    let length = if is_offset {
        1 + run(rest, |byte| byte.is_ascii_digit() || byte == b':')
    } else {
        1 + run(rest, |byte| byte.is_ascii_alphabetic())
    };
    let slice = text.get(..length)?;
    Some((Some(if is_offset { Token::Offset(slice) } else { Token::Word(slice) }), length))
}

//! `bytea`, `"char"` and `uuid` from text.

use super::syntax::{invalid_text, shown, trimmed};
use crate::base::{Error, ErrorKind, Result};

/// Reads a `bytea` in hex (`\x00ff`) or escape form (`\000\377`).
pub fn parse_bytea(text: &[u8]) -> Result<Vec<u8>> {
    match text.strip_prefix(b"\\x") {
        Some(digits) => parse_hex(digits),
        None => parse_escaped(text),
    }
}

fn parse_hex(digits: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len() / 2);
    let mut high = None;
    for &digit in digits {
        if digit.is_ascii_whitespace() && high.is_none() {
            continue;
        }
        let value = hex_value(digit).ok_or_else(|| {
            let digit = shown(&[digit]);
            Error::new(
                ErrorKind::InvalidParameterValue,
                format!("invalid hexadecimal digit: \"{digit}\""),
            )
        })?;
        match high.take() {
            Some(high) => bytes.push(high << 4 | value),
            None => high = Some(value),
        }
    }
    if high.is_some() {
        return Err(Error::new(
            ErrorKind::InvalidParameterValue,
            "invalid hexadecimal data: odd number of digits",
        ));
    }
    Ok(bytes)
}

fn parse_escaped(text: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Ok(bytes),
            [b'\\', b'\\', tail @ ..] => {
                bytes.push(b'\\');
                tail
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                tail
            }
            [b'\\', ..] => return Err(invalid_text("bytea", text)),
            [byte, tail @ ..] => {
                bytes.push(*byte);
                tail
            }
        };
    }
}

/// The value of a hexadecimal digit.
pub fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

/// Reads a `uuid` in any of the spellings that PostgreSQL takes: hyphens after any four digits, braces.
pub fn parse_uuid(text: &str) -> Result<[u8; 16]> {
    let invalid = || invalid_text("uuid", text.as_bytes());
    let word = trimmed(text.as_bytes());
    let bare = match word.strip_prefix(b"{") {
        Some(inner) => inner.strip_suffix(b"}").ok_or_else(invalid)?,
        None => word,
    };
    let mut uuid = [0; 16];
    let mut digits = 0;
    let mut after_hyphen = true;
    for &byte in bare {
        if byte == b'-' && digits % 4 == 0 && !after_hyphen && digits < 32 {
            after_hyphen = true;
            continue;
        }
        let value = hex_value(byte).ok_or_else(invalid)?;
        let slot = uuid.get_mut(digits / 2).ok_or_else(invalid)?;
        *slot = *slot << 4 | value;
        digits += 1;
        after_hyphen = false;
    }
    if digits == 32 { Ok(uuid) } else { Err(invalid()) }
}

/// Reads a `"char"`: the first byte, or an octal escape as `"char"` writes it. The result is text, so a
/// byte that is not ASCII is refused.
pub fn parse_char(text: &[u8]) -> Result<String> {
    let byte = match text {
        [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            (a - b'0') << 6 | (b - b'0') << 3 | (c - b'0')
        }
        _ => text.first().copied().unwrap_or(0),
    };
    match byte {
        0 => Ok(String::new()),
        1..=127 => Ok(char::from(byte).to_string()),
        _ => Err(Error::unsupported("a \"char\" that is not ASCII")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytea_has_two_forms() {
        assert_eq!(parse_bytea(b"\\x00Ff 10").unwrap(), [0, 255, 16]);
        assert_eq!(parse_bytea(b"a\\\\b\\377").unwrap(), b"a\\b\xff");
        assert_eq!(parse_bytea(b"\\x0").unwrap_err().sqlstate(), "22023");
        assert_eq!(parse_bytea(b"\\400").unwrap_err().sqlstate(), "22P02");
    }

    #[test]
    fn uuids_have_many_spellings() {
        let uuid = parse_uuid("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11").unwrap();
        for text in [
            "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
            "{a0eebc999c0b4ef8bb6d6bb9bd380a11}",
            "a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11",
        ] {
            assert_eq!(parse_uuid(text).unwrap(), uuid, "{text}");
        }
        for text in ["", "a0eebc99", "a0e-ebc999c0b4ef8bb6d6bb9bd380a11", "{a0ee"] {
            assert_eq!(parse_uuid(text).unwrap_err().sqlstate(), "22P02", "{text}");
        }
    }
}

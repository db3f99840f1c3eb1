//! The errors that PostgreSQL's input functions give, in its words. It reads nothing.

use crate::base::{Error, ErrorKind};

/// Input text as it is shown in an error: at most this many bytes, and always valid text.
const SHOWN_BYTES_MAX: usize = 200;

/// The text of a value for an error message.
pub fn shown(text: &[u8]) -> String {
    match text.get(..SHOWN_BYTES_MAX) {
        Some(start) => format!("{}...", String::from_utf8_lossy(start)),
        None => String::from_utf8_lossy(text).into_owned(),
    }
}

/// 22P02: `invalid input syntax for type integer: "abc"`.
pub fn invalid_text(type_name: &str, text: &[u8]) -> Error {
    Error::new(
        ErrorKind::InvalidTextRepresentation,
        format!("invalid input syntax for type {type_name}: \"{}\"", shown(text)),
    )
}

/// 22007: the same for dates and times.
pub fn invalid_datetime(type_name: &str, text: &[u8]) -> Error {
    Error::new(
        ErrorKind::InvalidDatetimeFormat,
        format!("invalid input syntax for type {type_name}: \"{}\"", shown(text)),
    )
}

/// 22008: `date/time field value out of range: "2024-02-30"`.
pub fn field_overflow(text: &[u8]) -> Error {
    Error::new(
        ErrorKind::DatetimeFieldOverflow,
        format!("date/time field value out of range: \"{}\"", shown(text)),
    )
}

/// 22008: `timestamp out of range: "300000-01-01"`.
pub fn datetime_out_of_range(type_name: &str, text: &[u8]) -> Error {
    Error::new(
        ErrorKind::DatetimeFieldOverflow,
        format!("{type_name} out of range: \"{}\"", shown(text)),
    )
}

/// 22003: `value "99999" is out of range for type smallint`.
pub fn number_out_of_range(type_name: &str, text: &[u8]) -> Error {
    Error::new(
        ErrorKind::NumericValueOutOfRange,
        format!("value \"{}\" is out of range for type {type_name}", shown(text)),
    )
}

/// 22P03: the bytes are not what the type's send function writes.
pub fn invalid_binary() -> Error {
    Error::new(ErrorKind::InvalidBinaryRepresentation, "incorrect binary data format")
}

/// 22021: the bytes are not UTF-8, or hold a zero.
pub fn invalid_encoding(bytes: &[u8]) -> Error {
    let start = std::str::from_utf8(bytes).err().map_or_else(
        || bytes.iter().position(|&byte| byte == 0).unwrap_or(0),
        |error| error.valid_up_to(),
    );
    let shown: Vec<String> =
        bytes.iter().skip(start).take(3).map(|byte| format!("0x{byte:02x}")).collect();
    Error::new(
        ErrorKind::CharacterNotInRepertoire,
        format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")),
    )
}

/// Valid text without zero bytes, which PostgreSQL's strings cannot hold.
pub fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) if !bytes.contains(&0) => Ok(text),
        _ => Err(invalid_encoding(bytes)),
    }
}

/// Text without the white space that input functions skip at both ends.
pub fn trimmed(text: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let end = text.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}

//! Functions of strings by characters and of byte strings by bytes, with PostgreSQL's bounds and errors.
//! <https://www.postgresql.org/docs/16/functions-string.html>

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{Int32Type, Int64Type};

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};

use Kind::{Bytea, Int4, Int8, Text};

const TEXT: Returns = Returns::Type(BaseType::Text);
const BYTES: Returns = Returns::Type(BaseType::Bytea);
const INTEGER: Returns = Returns::Type(BaseType::Int4);

pub const STARTS_WITH: &str = "starts_with";
pub const BYTES_CONCAT: &str = "bytea_concat";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable("upper", &[Overload::new(&[Text], TEXT, |a| mapped(a, upper))]),
    Kernel::immutable("lower", &[Overload::new(&[Text], TEXT, |a| mapped(a, lower))]),
    Kernel::immutable(
        "reverse",
        &[Overload::new(&[Text], TEXT, |a| mapped(a, |text, out| out.extend(text.chars().rev())))],
    ),
    Kernel::immutable("left", &[Overload::new(&[Text, Int4], TEXT, left)]),
    Kernel::immutable("right", &[Overload::new(&[Text, Int4], TEXT, right)]),
    Kernel::immutable("repeat", &[Overload::new(&[Text, Int4], TEXT, repeat)]),
    Kernel::immutable("lpad", &[Overload::new(&[Text, Int4, Text], TEXT, lpad).optional(1)]),
    Kernel::immutable("rpad", &[Overload::new(&[Text, Int4, Text], TEXT, rpad).optional(1)]),
    Kernel::immutable(
        "substr",
        &[
            Overload::new(&[Text, Int4, Int4], TEXT, substring).optional(1),
            Overload::new(&[Bytea, Int4, Int4], BYTES, substring_of_bytes).optional(1),
            Overload::new(&[Text, Text], TEXT, super::regular_expression::substring),
        ],
    )
    .aliases(&["substring"]),
    Kernel::immutable(
        STARTS_WITH,
        &[Overload::new(&[Text, Text], Returns::Type(BaseType::Bool), |a| {
            let (texts, starts) = (a.texts(0)?, a.texts(1)?);
            a.make_flags(|row| Ok(Some(texts.at(row).starts_with(starts.at(row)))))
        })],
    ),
    Kernel::immutable("unistr", &[Overload::new(&[Text], TEXT, unistr)]),
    Kernel::immutable("split_part", &[Overload::new(&[Text, Text, Int4], TEXT, split_part)]),
    Kernel::immutable("chr", &[Overload::new(&[Int4], TEXT, chr)]),
    Kernel::immutable(
        "to_hex",
        &[
            Overload::new(&[Int4], TEXT, |a| {
                let values = a.values::<Int32Type>(0)?;
                a.make_texts(|row, out| {
                    out.push_str(&format!("{:x}", values.at(row)));
                    Ok(true)
                })
            }),
            Overload::new(&[Int8], TEXT, |a| {
                let values = a.values::<Int64Type>(0)?;
                a.make_texts(|row, out| {
                    out.push_str(&format!("{:x}", values.at(row)));
                    Ok(true)
                })
            }),
        ],
    ),
    Kernel::immutable("like_escape", &[Overload::new(&[Text, Text], TEXT, like_escape)]),
    Kernel::immutable(
        "length",
        &[
            Overload::new(&[Text], INTEGER, |a| {
                let texts = a.texts(0)?;
                a.make::<Int32Type>(|row| Ok(i32::try_from(texts.at(row).chars().count()).ok()))
            }),
            Overload::new(&[Bytea], INTEGER, byte_length),
        ],
    )
    .aliases(&["char_length", "character_length"]),
    Kernel::immutable(
        "octet_length",
        &[
            Overload::new(&[Text], INTEGER, |a| {
                let texts = a.texts(0)?;
                a.make::<Int32Type>(|row| Ok(i32::try_from(texts.at(row).len()).ok()))
            }),
            Overload::new(&[Bytea], INTEGER, byte_length),
        ],
    ),
    Kernel::immutable("convert_from", &[Overload::new(&[Bytea, Text], TEXT, convert_from)]),
    Kernel::immutable("convert_to", &[Overload::new(&[Text, Text], BYTES, convert_to)]),
    Kernel::immutable(
        BYTES_CONCAT,
        &[Overload::new(&[Bytea, Bytea], BYTES, |a| {
            let (left, right) = (a.bytes(0)?, a.bytes(1)?);
            a.make_bytes(|row| Ok(Some([left.at(row), right.at(row)].concat())))
        })],
    ),
    Kernel::immutable("encode", &[Overload::new(&[Bytea, Text], TEXT, encode)]),
    Kernel::immutable("decode", &[Overload::new(&[Text, Text], BYTES, decode)]),
];

/// PostgreSQL's strings and byte strings have at most this many bytes.
const BYTES_MAX: usize = 0x3fff_ffff;

fn mapped(a: &Arguments<'_>, write: fn(&str, &mut String)) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    a.make_texts(|row, out| {
        write(texts.at(row), out);
        Ok(true)
    })
}

/// Character by character: a letter that would become two stays.
fn upper(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_uppercase();
        return;
    }
    out.extend(text.chars().map(|letter| single(letter.to_uppercase(), letter)));
}

fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
        return;
    }
    out.extend(text.chars().map(|letter| single(letter.to_lowercase(), letter)));
}

fn single(mut mapped: impl Iterator<Item = char>, letter: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => letter,
    }
}

/// The byte at which the character after `count` others begins.
fn offset_of(text: &str, count: usize) -> usize {
    if text.is_ascii() {
        return count.min(text.len());
    }
    text.char_indices().nth(count).map_or(text.len(), |(at, _)| at)
}

/// How many characters a count from the left, or one left out at the other end, keeps.
fn kept(text: &str, count: i32) -> usize {
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count >= 0 { wanted } else { text.chars().count().saturating_sub(wanted) }
}

fn left(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, counts) = (a.texts(0)?, a.values::<Int32Type>(1)?);
    a.make_texts(|row, out| {
        let text = texts.at(row);
        out.push_str(text.split_at(offset_of(text, kept(text, counts.at(row)))).0);
        Ok(true)
    })
}

fn right(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, counts) = (a.texts(0)?, a.values::<Int32Type>(1)?);
    a.make_texts(|row, out| {
        let text = texts.at(row);
        let skipped = text.chars().count().saturating_sub(kept(text, counts.at(row)));
        out.push_str(text.split_at(offset_of(text, skipped)).1);
        Ok(true)
    })
}

fn too_long() -> Error {
    Error::new(ErrorKind::ProgramLimitExceeded, "requested length too large")
}

fn repeat(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, counts) = (a.texts(0)?, a.values::<Int32Type>(1)?);
    a.make_texts(|row, out| {
        let (text, count) = (texts.at(row), usize::try_from(counts.at(row)).unwrap_or(0));
        if text.len().saturating_mul(count) > BYTES_MAX {
            return Err(too_long());
        }
        for _ in 0..count {
            out.push_str(text);
        }
        Ok(true)
    })
}

/// What a text lacks to a number of characters, and the text cut to that number.
fn padding<'t>(text: &'t str, fill: &str, length: i32) -> Result<(String, &'t str)> {
    let length = usize::try_from(length).unwrap_or(0);
    if length.saturating_mul(4) > BYTES_MAX {
        return Err(too_long());
    }
    let count = text.chars().count();
    if count >= length || fill.is_empty() {
        return Ok((String::new(), text.split_at(offset_of(text, length)).0));
    }
    Ok((fill.chars().cycle().take(length - count).collect(), text))
}

fn lpad(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, lengths, fills) = (a.texts(0)?, a.values::<Int32Type>(1)?, a.optional_texts(2)?);
    a.make_texts(|row, out| {
        let fill = fills.as_ref().map_or(" ", |fills| fills.at(row));
        let (padding, text) = padding(texts.at(row), fill, lengths.at(row))?;
        out.push_str(&padding);
        out.push_str(text);
        Ok(true)
    })
}

fn rpad(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, lengths, fills) = (a.texts(0)?, a.values::<Int32Type>(1)?, a.optional_texts(2)?);
    a.make_texts(|row, out| {
        let fill = fills.as_ref().map_or(" ", |fills| fills.at(row));
        let (padding, text) = padding(texts.at(row), fill, lengths.at(row))?;
        out.push_str(text);
        out.push_str(&padding);
        Ok(true)
    })
}

/// The part from a place, counted from 1, over a length: where it begins and ends, counted from 0.
fn bounds(start: i32, length: Option<i32>) -> Result<(usize, usize)> {
    let first = i64::from(start) - 1;
    let end = match length {
        Some(length) if length < 0 => {
            return Err(Error::new(
                ErrorKind::SubstringError,
                "negative substring length not allowed",
            ));
        }
        Some(length) => first + i64::from(length),
        None => i64::MAX,
    };
    let place = |at: i64| usize::try_from(at.max(0)).unwrap_or(usize::MAX);
    Ok((place(first), place(end)))
}

fn substring(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, starts) = (a.texts(0)?, a.values::<Int32Type>(1)?);
    let lengths = a.optional::<Int32Type>(2)?;
    a.make_texts(|row, out| {
        let text = texts.at(row);
        let (first, end) = bounds(starts.at(row), lengths.as_ref().map(|l| l.at(row)))?;
        let rest = text.split_at(offset_of(text, first)).1;
        out.push_str(rest.split_at(offset_of(rest, end.saturating_sub(first))).0);
        Ok(true)
    })
}

fn substring_of_bytes(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, starts) = (a.bytes(0)?, a.values::<Int32Type>(1)?);
    let lengths = a.optional::<Int32Type>(2)?;
    a.make_bytes(|row| {
        let value = values.at(row);
        let (first, end) = bounds(starts.at(row), lengths.as_ref().map(|l| l.at(row)))?;
        let (first, end) = (first.min(value.len()), end.min(value.len()));
        Ok(Some(value.get(first..end.max(first)).unwrap_or_default().to_vec()))
    })
}

fn split_part(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, separators) = (a.texts(0)?, a.texts(1)?);
    let fields = a.values::<Int32Type>(2)?;
    a.make_texts(|row, out| {
        let (text, separator, field) = (texts.at(row), separators.at(row), fields.at(row));
        let number = usize::try_from(field.unsigned_abs()).unwrap_or(usize::MAX);
        let part = match (field, separator) {
            (0, _) => {
                let message = "field position must not be zero";
                return Err(Error::new(ErrorKind::InvalidParameterValue, message));
            }
            (1 | -1, "") => Some(text),
            (_, "") => None,
            (1.., _) => text.split(separator).nth(number - 1),
            _ => text.rsplit(separator).nth(number - 1),
        };
        out.push_str(part.unwrap_or_default());
        Ok(true)
    })
}

/// The text with its escapes read: `\0061`, `\+000061`, `\u0061`, `\U00000061` and `\\`.
fn unistr(a: &Arguments<'_>) -> Result<ArrayRef> {
    let texts = a.texts(0)?;
    a.make_texts(|row, out| {
        let mut high = None;
        let mut rest = texts.at(row);
        while let Some((before, escape)) = rest.split_once('\\') {
            if high.is_some() && !before.is_empty() {
                return Err(invalid_pair());
            }
            out.push_str(before);
            if let Some(after) = escape.strip_prefix('\\') {
                out.push('\\');
                rest = after;
                continue;
            }
            let (skipped, digits) = match escape.as_bytes().first() {
                Some(b'+') => (1, 6),
                Some(b'u') => (1, 4),
                Some(b'U') => (1, 8),
                _ => (0, 4),
            };
            let code = escape
                .get(skipped..skipped + digits)
                .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
            let code = code.and_then(|digits| u32::from_str_radix(digits, 16).ok());
            let code = code.ok_or_else(|| {
                Error::new(ErrorKind::SyntaxError, "invalid Unicode escape").with_hint(
                    "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.",
                )
            })?;
            rest = escape.get(skipped + digits..).unwrap_or_default();
            match (high.take(), code) {
                (None, 0xd800..0xdc00) => high = Some(code),
                (Some(high), 0xdc00..0xe000) => {
                    let code = 0x10000 + ((high - 0xd800) << 10) + (code - 0xdc00);
                    out.extend(char::from_u32(code));
                }
                (Some(_), _) | (None, 0xdc00..0xe000) => return Err(invalid_pair()),
                (None, code) => match char::from_u32(code).filter(|code| *code != '\0') {
                    Some(character) => out.push(character),
                    None => {
                        let message = format!("invalid Unicode code point: {code:04X}");
                        return Err(Error::new(ErrorKind::InvalidParameterValue, message));
                    }
                },
            }
        }
        if high.is_some() {
            return Err(invalid_pair());
        }
        out.push_str(rest);
        Ok(true)
    })
}

fn invalid_pair() -> Error {
    Error::new(ErrorKind::SyntaxError, "invalid Unicode surrogate pair")
}

fn chr(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Int32Type>(0)?;
    a.make_texts(|row, out| {
        let code = values.at(row);
        let refused = |message: &str| Err(Error::new(ErrorKind::ProgramLimitExceeded, message));
        match (code, u32::try_from(code).ok().and_then(char::from_u32)) {
            (0, _) => refused("null character not permitted"),
            (..0, _) => {
                let message = "character number must be positive";
                Err(Error::new(ErrorKind::InvalidParameterValue, message))
            }
            (_, Some(character)) => {
                out.push(character);
                Ok(true)
            }
            (_, None) => refused(&format!("requested character not valid for encoding: {code}")),
        }
    })
}

/// A pattern of LIKE with the backslash in the place of its escape character.
fn like_escape(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (patterns, escapes) = (a.texts(0)?, a.texts(1)?);
    a.make_texts(|row, out| {
        let mut escape = escapes.at(row).chars();
        let character = escape.next();
        if escape.next().is_some() {
            return Err(Error::new(ErrorKind::InvalidEscapeSequence, "invalid escape string")
                .with_hint("Escape string must be empty or one character."));
        }
        let mut escaped = false;
        for next in patterns.at(row).chars() {
            if !escaped && Some(next) == character {
                out.push('\\');
                escaped = true;
                continue;
            }
            if next == '\\' && !escaped {
                out.push('\\');
            }
            escaped = false;
            out.push(next);
        }
        Ok(true)
    })
}

fn byte_length(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.bytes(0)?;
    a.make::<Int32Type>(|row| Ok(i32::try_from(values.at(row).len()).ok()))
}

fn known_encoding(name: &str) -> Result<()> {
    let is_utf8 = ["utf8", "utf-8", "unicode"].iter().any(|known| known.eq_ignore_ascii_case(name));
    if is_utf8 { Ok(()) } else { Err(Error::unsupported(format!("the encoding \"{name}\""))) }
}

fn convert_from(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, encodings) = (a.bytes(0)?, a.texts(1)?);
    a.make_texts(|row, out| {
        known_encoding(encodings.at(row))?;
        let text = std::str::from_utf8(values.at(row)).map_err(|_| {
            let message = "invalid byte sequence for encoding \"UTF8\"";
            Error::new(ErrorKind::CharacterNotInRepertoire, message)
        })?;
        out.push_str(text);
        Ok(true)
    })
}

fn convert_to(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (texts, encodings) = (a.texts(0)?, a.texts(1)?);
    a.make_bytes(|row| {
        known_encoding(encodings.at(row))?;
        Ok(Some(texts.at(row).as_bytes().to_vec()))
    })
}

fn unknown_format(name: &str) -> Error {
    let message = format!("unrecognized encoding: \"{name}\"");
    Error::new(ErrorKind::InvalidParameterValue, message)
}

fn encode(a: &Arguments<'_>) -> Result<ArrayRef> {
    use base64::Engine;
    let (values, formats) = (a.bytes(0)?, a.texts(1)?);
    a.make_texts(|row, out| {
        let value = values.at(row);
        match formats.at(row).to_ascii_lowercase().as_str() {
            "hex" => out.extend(value.iter().map(|byte| format!("{byte:02x}"))),
            "base64" => {
                // Lines have 76 characters.
                let text = base64::engine::general_purpose::STANDARD.encode(value);
                for (index, letter) in text.chars().enumerate() {
                    if index > 0 && index % 76 == 0 {
                        out.push('\n');
                    }
                    out.push(letter);
                }
            }
            "escape" => {
                for byte in value {
                    match byte {
                        b'\\' => out.push_str("\\\\"),
                        0 | 0x80.. => out.push_str(&format!("\\{byte:03o}")),
                        other => out.push(char::from(*other)),
                    }
                }
            }
            other => return Err(unknown_format(other)),
        }
        Ok(true)
    })
}

fn decode(a: &Arguments<'_>) -> Result<ArrayRef> {
    use base64::Engine;
    let (texts, formats) = (a.texts(0)?, a.texts(1)?);
    let invalid = |message: String| Error::new(ErrorKind::InvalidParameterValue, message);
    a.make_bytes(|row| {
        let text = texts.at(row);
        let plain: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
        match formats.at(row).to_ascii_lowercase().as_str() {
            "hex" => {
                let style = crate::base::text_style::TextStyle::default();
                let bytea = crate::base::datatype::PgType::Scalar(BaseType::Bytea);
                let value = crate::base::value::parse_text(bytea, &format!("\\x{plain}"), &style)?;
                match value {
                    datafusion::common::ScalarValue::Binary(bytes) => Ok(bytes),
                    _ => Err(Error::internal("a byte string has another type")),
                }
            }
            "base64" => {
                let bytes = base64::engine::general_purpose::STANDARD.decode(&plain);
                bytes.map(Some).map_err(|_| {
                    invalid(format!("invalid base64 end sequence or symbol found in \"{text}\""))
                })
            }
            "escape" => unescaped(text)
                .map(Some)
                .ok_or_else(|| crate::base::value::invalid_text("bytea", text.as_bytes())),
            other => Err(unknown_format(other)),
        }
    })
}

/// `\\` and `\ooo` in a text.
fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first != b'\\' {
            bytes.push(*first);
            rest = after;
        } else if let Some(after) = after.strip_prefix(b"\\") {
            bytes.push(b'\\');
            rest = after;
        } else {
            let (digits, after) = after.split_at_checked(3)?;
            let octal = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(octal, 8).ok()?);
            rest = after;
        }
    }
    Some(bytes)
}

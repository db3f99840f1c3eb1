//! Booleans, integers and floating point numbers from text and binary, as PostgreSQL reads them.

use super::syntax::{invalid_binary, invalid_text, number_out_of_range, shown, trimmed};
use crate::base::{Error, ErrorKind, Result};

/// Reads a boolean: any unambiguous start of `true`, `false`, `yes`, `no`, `on`, `off`, or `1`, `0`.
pub fn parse_bool(text: &[u8]) -> Result<bool> {
    match text {
        b"t" | b"true" | b"1" => return Ok(true),
        b"f" | b"false" | b"0" => return Ok(false),
        _ => {}
    }
    let word = trimmed(text).to_ascii_lowercase();
    let is_start_of = |full: &[u8], least: usize| word.len() >= least && full.starts_with(&word);
    if word == b"1" || is_start_of(b"true", 1) || is_start_of(b"yes", 1) || is_start_of(b"on", 2) {
        Ok(true)
    } else if word == b"0"
        || is_start_of(b"false", 1)
        || is_start_of(b"no", 1)
        || is_start_of(b"off", 2)
    {
        Ok(false)
    } else {
        Err(invalid_text("boolean", text))
    }
}

/// Reads an integer that fits `T`; `type_name` is for errors.
#[inline]
pub fn parse_integer<T: TryFrom<i64>>(text: &[u8], type_name: &str) -> Result<T> {
    if let Some(Ok(value)) = short_integer(text).map(T::try_from) {
        return Ok(value);
    }
    let value = long_integer(text, type_name)?;
    i64::try_from(value)
        .ok()
        .and_then(|value| T::try_from(value).ok())
        .ok_or_else(|| number_out_of_range(type_name, text))
}

/// An optional sign and up to 18 digits: what nearly every integer is.
#[inline]
fn short_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0i64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

/// White space, long numbers, and the prefixes `0x`, `0o` and `0b` of PostgreSQL 16.
fn long_integer(text: &[u8], type_name: &str) -> Result<i128> {
    let word = trimmed(text);
    let (negative, digits) = match word.split_first() {
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        _ => (false, word),
    };
    let (radix, digits) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest),
        _ => (10, digits),
    };
    let mut value = 0i128;
    for &byte in digits {
        let digit =
            char::from(byte).to_digit(radix).ok_or_else(|| invalid_text(type_name, text))?;
        // Saturated numbers are out of range of every type.
        value = value.saturating_mul(i128::from(radix)).saturating_add(i128::from(digit));
    }
    if digits.is_empty() {
        return Err(invalid_text(type_name, text));
    }
    Ok(if negative { -value } else { value })
}

/// Reads an OID: 0 to 4294967295; negative numbers wrap round, as `oidin` does.
pub fn parse_oid(text: &[u8], type_name: &str) -> Result<u32> {
    let value: i64 = parse_integer(text, type_name)?;
    u32::try_from(value)
        .or_else(|_| i32::try_from(value).map(|wrapped| wrapped as u32))
        .map_err(|_| number_out_of_range(type_name, text))
}

/// Reads a `real`.
pub fn parse_f32(text: &[u8]) -> Result<f32> {
    let word = float_word(text, "real")?;
    let value: f32 = word.parse().map_err(|_| invalid_text("real", text))?;
    check_float(f64::from(value), word, text, "real")?;
    Ok(value)
}

/// Reads a `double precision`.
pub fn parse_f64(text: &[u8]) -> Result<f64> {
    let word = float_word(text, "double precision")?;
    let value: f64 = word.parse().map_err(|_| invalid_text("double precision", text))?;
    check_float(value, word, text, "double precision")?;
    Ok(value)
}

fn float_word<'a>(text: &'a [u8], type_name: &str) -> Result<&'a str> {
    std::str::from_utf8(trimmed(text)).map_err(|_| invalid_text(type_name, text))
}

/// A number that was too large or too small for the type is an error, not infinity or zero.
fn check_float(value: f64, word: &str, text: &[u8], type_name: &str) -> Result<()> {
    let significand = || word.bytes().take_while(|byte| !matches!(byte, b'e' | b'E'));
    let became_infinite = value.is_infinite() && significand().any(|byte| byte.is_ascii_digit());
    let became_zero = value == 0.0 && significand().any(|byte| matches!(byte, b'1'..=b'9'));
    if became_infinite || became_zero {
        return Err(Error::new(
            ErrorKind::NumericValueOutOfRange,
            format!("\"{}\" is out of range for type {type_name}", shown(text)),
        ));
    }
    Ok(())
}

/// The bytes of a value of fixed length.
pub fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| invalid_binary())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_have_many_spellings() {
        for text in ["t", " TRUE ", "y", "yes", "on", "1"] {
            assert!(parse_bool(text.as_bytes()).unwrap(), "{text}");
        }
        for text in ["f", "fals", "n", "off", "of", "0"] {
            assert!(!parse_bool(text.as_bytes()).unwrap(), "{text}");
        }
        for text in ["", "o", "2", "truer"] {
            assert_eq!(parse_bool(text.as_bytes()).unwrap_err().sqlstate(), "22P02", "{text}");
        }
    }

    #[test]
    fn integers_have_ranges() {
        let int2 = |text: &str| parse_integer::<i16>(text.as_bytes(), "smallint");
        assert_eq!(int2(" -32768 ").unwrap(), i16::MIN);
        assert_eq!(int2("+7").unwrap(), 7);
        assert_eq!(int2("0x1F").unwrap(), 31);
        let error = int2("99999").unwrap_err();
        assert_eq!(error.message(), "value \"99999\" is out of range for type smallint");
        assert_eq!(error.sqlstate(), "22003");
        let error = parse_integer::<i32>(b"abc", "integer").unwrap_err();
        assert_eq!(error.message(), "invalid input syntax for type integer: \"abc\"");
        for text in ["", "-", "1.0", "1 2", "0x"] {
            assert_eq!(int2(text).unwrap_err().sqlstate(), "22P02", "{text}");
        }
        let int8 = |text: &str| parse_integer::<i64>(text.as_bytes(), "bigint");
        assert_eq!(int8("-9223372036854775808").unwrap(), i64::MIN);
        assert_eq!(int8("9223372036854775808").unwrap_err().sqlstate(), "22003");
        assert_eq!(parse_oid(b"4294967295", "oid").unwrap(), u32::MAX);
        assert_eq!(parse_oid(b"-1", "oid").unwrap(), u32::MAX);
    }

    #[test]
    fn floats_do_not_become_infinite() {
        assert_eq!(parse_f64(b" -inf ").unwrap(), f64::NEG_INFINITY);
        assert!(parse_f64(b"nan").unwrap().is_nan());
        assert_eq!(parse_f64(b"1e400").unwrap_err().sqlstate(), "22003");
        assert_eq!(parse_f64(b"1e-400").unwrap_err().sqlstate(), "22003");
        assert_eq!(parse_f32(b"1e39").unwrap_err().sqlstate(), "22003");
        assert_eq!(parse_f64(b"0e5").unwrap(), 0.0);
        assert_eq!(parse_f64(b"1,5").unwrap_err().sqlstate(), "22P02");
    }
}

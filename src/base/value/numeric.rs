//! `numeric` from text and binary into unscaled integers of up to 76 digits. It rounds as PostgreSQL does:
//! half away from zero.

use datafusion::arrow::datatypes::i256;

use super::syntax::{invalid_binary, invalid_text, shown, trimmed};
use crate::base::{Error, ErrorKind, Result};

/// Digits of the widest decimal of Arrow.
pub const PRECISION_MAX: usize = 76;

/// Digits that are kept. Later ones cannot change a rounded result: only the first dropped digit does.
const KEPT_DIGITS: usize = 160;

/// A decimal number as it was written: 0.d1d2d3… times ten to the power of `point`.
pub struct Number {
    negative: bool,
    /// Digits as numbers, without leading zeros.
    digits: [u8; KEPT_DIGITS],
    len: usize,
    point: i32,
    /// Digits after the decimal point as written, zeros too.
    scale: i32,
}

impl Number {
    fn new() -> Number {
        Number { negative: false, digits: [0; KEPT_DIGITS], len: 0, point: 0, scale: 0 }
    }

    fn push(&mut self, digit: u8) {
        if let Some(slot) = self.digits.get_mut(self.len) {
            *slot = digit;
            self.len += 1;
        }
    }

    /// Reads the text form.
    pub fn parse(text: &[u8]) -> Result<Number> {
        let invalid = || invalid_text("numeric", text);
        let word = trimmed(text);
        let (negative, rest) = match word.split_first() {
            Some((b'-', rest)) => (true, rest),
            Some((b'+', rest)) => (false, rest),
            _ => (false, word),
        };
        let mut number = Number { negative, ..Number::new() };
        let mut after_point = false;
        let mut any_digit = false;
        let mut bytes = rest.iter().enumerate();
        let mut exponent = 0;
        for (at, &byte) in bytes.by_ref() {
            match byte {
                b'0'..=b'9' => {
                    any_digit = true;
                    number.scale += i32::from(after_point);
                    if byte == b'0' && number.len == 0 {
                        number.point -= i32::from(after_point);
                    } else {
                        number.push(byte - b'0');
                        number.point += i32::from(!after_point);
                    }
                }
                b'.' if !after_point => after_point = true,
                b'e' | b'E' if any_digit => {
                    exponent = parse_exponent(rest.get(at + 1..).unwrap_or_default())
                        .ok_or_else(invalid)?;
                    break;
                }
                _ => return Err(special(rest).unwrap_or_else(invalid)),
            }
        }
        if !any_digit {
            return Err(invalid());
        }
        number.point += exponent;
        number.scale = (number.scale - exponent).max(0);
        Ok(number)
    }

    /// Reads what `numeric_send` writes.
    pub fn parse_binary(bytes: &[u8]) -> Result<Number> {
        let (header, digits) = bytes.split_first_chunk::<8>().ok_or_else(invalid_binary)?;
        let [n0, n1, w0, w1, s0, s1, d0, d1] = *header;
        let count = u16::from_be_bytes([n0, n1]);
        let weight = i16::from_be_bytes([w0, w1]);
        let scale = u16::from_be_bytes([d0, d1]);
        let negative = match u16::from_be_bytes([s0, s1]) {
            0x0000 => false,
            0x4000 => true,
            0xC000 | 0xD000 | 0xF000 => return Err(not_a_number()),
            _ => return Err(invalid_binary()),
        };
        if digits.len() != usize::from(count) * 2 || scale > 0x3fff {
            return Err(invalid_binary());
        }
        let mut number = Number { negative, scale: i32::from(scale), ..Number::new() };
        number.point = (i32::from(weight) + 1) * 4;
        for group in digits.chunks_exact(2) {
            let group = group.iter().fold(0u16, |group, &byte| group << 8 | u16::from(byte));
            if group > 9999 {
                return Err(invalid_binary());
            }
            for divisor in [1000, 100, 10, 1] {
                let digit = (group / divisor % 10) as u8;
                if digit == 0 && number.len == 0 {
                    number.point -= 1;
                } else {
                    number.push(digit);
                }
            }
        }
        Ok(number)
    }

    /// Digits after the decimal point, as written.
    pub fn scale(&self) -> i32 {
        self.scale
    }

    /// Digits needed to hold the number with `scale` digits after the point.
    pub fn precision(&self, scale: i32) -> usize {
        let whole = if self.len == 0 { 0 } else { self.point.max(0) };
        usize::try_from(whole + scale).unwrap_or(0).max(1)
    }

    /// The unscaled integer with `scale` digits after the point, rounded; nothing if it has over 38 digits.
    pub fn unscaled_i128(&self, scale: i32) -> Option<i128> {
        let count = self.point.checked_add(scale)?;
        if count > 38 && self.len > 0 {
            return None;
        }
        let mut value = 0i128;
        for position in 0..usize::try_from(count).unwrap_or(0).min(38) {
            value = value * 10 + i128::from(self.digit(position));
        }
        value += i128::from(self.rounds_up(count));
        Some(if self.negative { -value } else { value })
    }

    /// As [`Number::unscaled_i128`], for up to 76 digits.
    pub fn unscaled_i256(&self, scale: i32) -> Option<i256> {
        if let Some(value) = self.unscaled_i128(scale) {
            return Some(i256::from_i128(value));
        }
        let count = self.point.checked_add(scale).filter(|&count| count <= PRECISION_MAX as i32)?;
        let ten = i256::from_i128(10);
        let mut value = i256::ZERO;
        for position in 0..usize::try_from(count).unwrap_or(0) {
            value = value
                .checked_mul(ten)?
                .checked_add(i256::from_i128(self.digit(position).into()))?;
        }
        value = value.checked_add(i256::from_i128(self.rounds_up(count).into()))?;
        if self.negative { value.checked_neg() } else { Some(value) }
    }

    fn digit(&self, position: usize) -> u8 {
        self.digits.get(position).copied().unwrap_or(0)
    }

    /// Whether the digits after the first `count` are a half or more.
    fn rounds_up(&self, count: i32) -> bool {
        usize::try_from(count).is_ok_and(|count| self.digit(count) >= 5)
    }
}

/// A decimal type of 128 bits, with the bound of its values.
#[derive(Debug, Clone, Copy)]
pub struct Decimal128Bound {
    precision: u8,
    scale: i8,
    limit: u128,
}

impl Decimal128Bound {
    pub fn new(precision: u8, scale: i8) -> Decimal128Bound {
        Decimal128Bound { precision, scale, limit: 10u128.pow(u32::from(precision.min(38))) }
    }

    /// Reads the text form of a number.
    #[inline]
    pub fn parse(self, text: &[u8]) -> Result<i128> {
        match short_decimal(text, self.scale) {
            Some(value) => self.check(Some(i128::from(value))),
            None => self.fit(&Number::parse(text)?),
        }
    }

    /// The unscaled integer of a number, rounded to the scale.
    pub fn fit(self, number: &Number) -> Result<i128> {
        self.check(number.unscaled_i128(i32::from(self.scale)))
    }

    fn check(self, value: Option<i128>) -> Result<i128> {
        value
            .filter(|value| value.unsigned_abs() < self.limit)
            .ok_or_else(|| field_overflow(self.precision, self.scale))
    }
}

/// The unscaled integer of a number that is digits, perhaps a minus and a point, and fits the scale without
/// rounding: what nearly every decimal is.
#[inline]
fn short_decimal(text: &[u8], scale: i8) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        _ => (false, text),
    };
    let scale = usize::try_from(scale).ok()?;
    let mut value = 0i64;
    let mut point = None;
    for (at, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
        } else if byte == b'.' && point.is_none() {
            point = Some(at);
        } else {
            return None;
        }
    }
    let written_scale = point.map_or(0, |at| digits.len() - at - 1);
    if digits.len() == usize::from(point.is_some()) {
        return None;
    }
    let missing = u32::try_from(scale.checked_sub(written_scale)?).ok()?;
    let value = value.checked_mul(10i64.checked_pow(missing)?)?;
    Some(if negative { -value } else { value })
}

/// The number as a `decimal(precision, scale)` of 256 bits.
pub fn decimal_256(number: &Number, precision: u8, scale: i8) -> Result<i256> {
    let limit = i256::from_i128(10).checked_pow(u32::from(precision));
    number
        .unscaled_i256(i32::from(scale))
        .filter(|&value| limit.is_some_and(|limit| value < limit && value > limit.wrapping_neg()))
        .ok_or_else(|| field_overflow(precision, scale))
}

/// 22003, as PostgreSQL says it.
fn field_overflow(precision: u8, scale: i8) -> Error {
    let whole = i32::from(precision) - i32::from(scale);
    let bound = if whole == 0 { "1".to_owned() } else { format!("10^{whole}") };
    Error::new(ErrorKind::NumericValueOutOfRange, "numeric field overflow").with_detail(format!(
        "A field with precision {precision}, scale {scale} must round to an absolute value less than \
         {bound}."
    ))
}

/// 22003: a number without a declared precision that is too long.
pub fn too_many_digits() -> Error {
    Error::new(ErrorKind::NumericValueOutOfRange, "value overflows numeric format")
        .with_detail(format!("A number can have at most {PRECISION_MAX} digits."))
}

fn parse_exponent(text: &[u8]) -> Option<i32> {
    let word = std::str::from_utf8(text).ok()?;
    // Larger exponents overflow every type; the bound keeps sums small.
    word.parse::<i32>().ok().filter(|exponent| exponent.abs() <= 100_000)
}

/// `NaN` and `Infinity`, which Arrow's decimals do not have.
fn special(word: &[u8]) -> Option<Error> {
    let is_special =
        [b"nan".as_slice(), b"inf", b"infinity"].iter().any(|name| word.eq_ignore_ascii_case(name));
    is_special.then(|| {
        let name = shown(word);
        Error::unsupported(format!("the numeric value \"{name}\""))
            .with_hint("Use double precision for values that are not numbers.")
    })
}

fn not_a_number() -> Error {
    Error::unsupported("the numeric value NaN or Infinity")
        .with_hint("Use double precision for values that are not numbers.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_scale() {
        for (text, scale, value) in [
            ("123.450", 3, 123_450),
            (" -0.005 ", 3, -5),
            ("1.5e3", 0, 1500),
            ("1e-5", 5, 1),
            ("+.5", 1, 5),
            ("7.", 0, 7),
            ("000", 0, 0),
        ] {
            let number = Number::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (number.scale(), number.unscaled_i128(scale)),
                (scale, Some(value)),
                "{text}"
            );
        }
        for text in ["", ".", "1e", "1.2.3", "abc", "1 2", "--1"] {
            assert_eq!(Number::parse(text.as_bytes()).err().unwrap().sqlstate(), "22P02", "{text}");
        }
        assert_eq!(Number::parse(b"NaN").err().unwrap().sqlstate(), "0A000");
    }

    #[test]
    fn rounding_is_half_away_from_zero() {
        let rounded =
            |text: &str, scale| Decimal128Bound::new(10, scale).parse(text.as_bytes()).unwrap();
        assert_eq!((rounded("12.3", 2), rounded("-7", 2), rounded(".5", 1)), (1230, -700, 5));
        assert_eq!(rounded("2.345", 2), 235);
        assert_eq!(rounded("-2.345", 2), -235);
        assert_eq!(rounded("0.004", 2), 0);
        assert_eq!(rounded("0.05", 1), 1);
        assert_eq!(rounded("0.5", 0), 1);
        assert_eq!(rounded("0.05", 0), 0);
        assert_eq!(rounded("12345", -2), 123);
        let error = Decimal128Bound::new(10, 2).parse(b"99999999.995").unwrap_err();
        assert_eq!(error.sqlstate(), "22003");
    }

    #[test]
    fn wide_numbers_are_exact() {
        let text = "9999999999999999999999999999999999999999999999999999999999999999999999999999";
        let number = Number::parse(text.as_bytes()).unwrap();
        assert_eq!(number.precision(0), 76);
        assert_eq!(decimal_256(&number, 76, 0).unwrap(), i256::from_string(text).unwrap());
        assert!(decimal_256(&number, 75, 0).is_err());
    }
}

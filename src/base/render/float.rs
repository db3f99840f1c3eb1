//! Floating point numbers as text: PostgreSQL's shortest digits, or digits rounded by `extra_float_digits`.
//! It never writes the binary form.

use std::fmt::Write as _;

use bytes::{BufMut, BytesMut};

/// What differs between `real` and `double precision`.
struct Kind {
    /// Digits that every decimal text of the type survives (`FLT_DIG`, `DBL_DIG`); also the first decimal
    /// exponent that shortest output writes as `1e+15`.
    digits: i32,
    /// Bits of the significand.
    significand_bits: u32,
}

const REAL: Kind = Kind { digits: 6, significand_bits: 24 };
const DOUBLE: Kind = Kind { digits: 15, significand_bits: 53 };

/// Writes a `real`.
pub fn write_f32(value: f32, extra_digits: i32, out: &mut BytesMut) {
    if write_special(f64::from(value), out) {
        return;
    }
    if extra_digits <= 0 {
        return write_rounded(f64::from(value), &REAL, extra_digits, out);
    }
    let mut buffer = ryu::Buffer::new();
    let shortest = Decimal::parse(buffer.format_finite(value));
    // The significand of an f32, and whether it is even, are exact in an f64.
    let odd = value.to_bits() & 1 == 1;
    let digits = if odd || !shortest.is_midpoint(&REAL) {
        shortest
    } else {
        shortest_inside(f64::from(value), &REAL, |text| text.parse() == Ok(value))
    };
    digits.write(value.is_sign_negative(), &REAL, out);
}

/// Writes a `double precision`.
pub fn write_f64(value: f64, extra_digits: i32, out: &mut BytesMut) {
    if write_special(value, out) {
        return;
    }
    if extra_digits <= 0 {
        return write_rounded(value, &DOUBLE, extra_digits, out);
    }
    let mut buffer = ryu::Buffer::new();
    let shortest = Decimal::parse(buffer.format_finite(value));
    let odd = value.to_bits() & 1 == 1;
    let digits = if odd || !shortest.is_midpoint(&DOUBLE) {
        shortest
    } else {
        shortest_inside(value, &DOUBLE, |text| text.parse() == Ok(value))
    };
    digits.write(value.is_sign_negative(), &DOUBLE, out);
}

/// `NaN`, `Infinity` and zero need no digits.
fn write_special(value: f64, out: &mut BytesMut) -> bool {
    let text: &[u8] = if value.is_nan() {
        b"NaN"
    } else if value.is_infinite() {
        if value > 0.0 { b"Infinity" } else { b"-Infinity" }
    } else if value == 0.0 {
        if value.is_sign_negative() { b"-0" } else { b"0" }
    } else {
        return false;
    };
    out.put_slice(text);
    true
}

/// `extra_float_digits` of 0 or less: C's `%.*g`.
fn write_rounded(value: f64, kind: &Kind, extra_digits: i32, out: &mut BytesMut) {
    let count = (kind.digits + extra_digits).max(1);
    let mut text = ShortText::default();
    // Writing into a ShortText cannot fail.
    let _ = write!(text, "{value:.*e}", count as usize - 1);
    let decimal = Decimal::parse(text.as_str());
    decimal.write_with_limit(value.is_sign_negative(), count, out);
}

/// The shortest digits that lie strictly between the midpoints to the neighbouring numbers.
///
/// PostgreSQL's shortest output never ends on such a midpoint, so that readers that round ties in
/// another way get the same number; ryu's may, when the significand is even.
fn shortest_inside(value: f64, kind: &Kind, reads_back: impl Fn(&str) -> bool) -> Decimal {
    let mut decimal = Decimal::default();
    for count in 1..=17 {
        let mut text = ShortText::default();
        // Writing into a ShortText cannot fail.
        let _ = write!(text, "{value:.*e}", count - 1);
        decimal = Decimal::parse(text.as_str());
        if reads_back(text.as_str()) && !decimal.is_midpoint(kind) {
            break;
        }
    }
    decimal
}

/// Significant digits without trailing zeros: 0.d1d2d3… times ten to the power of `point`.
#[derive(Default)]
struct Decimal {
    digits: [u8; 20],
    len: usize,
    /// How many of the digits stand before the decimal point.
    point: i32,
}

impl Decimal {
    /// Reads what ryu and `{:e}` write: `-12.5`, `1e21`, `1.5e-7`, `123.0`.
    fn parse(text: &str) -> Decimal {
        let mut decimal = Decimal::default();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let mut after_point = false;
        for byte in mantissa.bytes() {
            match byte {
                b'.' => after_point = true,
                b'0' if decimal.len == 0 => decimal.point -= i32::from(after_point),
                b'0'..=b'9' => {
                    if let Some(slot) = decimal.digits.get_mut(decimal.len) {
                        *slot = byte;
                        decimal.len += 1;
                    }
                    decimal.point += i32::from(!after_point);
                }
                _ => {}
            }
        }
        decimal.point += exponent.parse::<i32>().unwrap_or(0);
        while decimal.len > 1 && decimal.digits.get(decimal.len - 1) == Some(&b'0') {
            decimal.len -= 1;
        }
        decimal
    }

    fn digits(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    /// Whether this is an integer half way between two neighbouring numbers of `kind`.
    ///
    /// Such a number is an odd significand of one bit more, times a power of two. Only integers can be
    /// meant: a midpoint with a fraction has more digits than shortest output ever writes.
    fn is_midpoint(&self, kind: &Kind) -> bool {
        let exponent = self.point - self.len as i32;
        if !(0..=30).contains(&exponent) {
            return false;
        }
        let mut number: u128 =
            self.digits().iter().fold(0, |number, digit| number * 10 + u128::from(digit - b'0'));
        for _ in 0..exponent {
            number *= 5;
        }
        let twos = number.trailing_zeros();
        let odd_bits = u128::BITS - (number >> twos.min(127)).leading_zeros();
        odd_bits == kind.significand_bits + 1
    }

    fn write(&self, negative: bool, kind: &Kind, out: &mut BytesMut) {
        self.write_with_limit(negative, kind.digits, out);
    }

    /// Writes `1e+20` when the exponent is below -4 or not below `limit`, else `0.001` or `123.5`.
    fn write_with_limit(&self, negative: bool, limit: i32, out: &mut BytesMut) {
        if negative {
            out.put_u8(b'-');
        }
        let exponent = self.point - 1;
        if exponent < -4 || exponent >= limit {
            return self.write_scientific(exponent, out);
        }
        let digits = self.digits();
        if self.point <= 0 {
            out.put_slice(b"0.");
            out.put_bytes(b'0', self.point.unsigned_abs() as usize);
            out.put_slice(digits);
        } else if let Some((whole, fraction)) = digits.split_at_checked(self.point as usize) {
            out.put_slice(whole);
            if !fraction.is_empty() {
                out.put_u8(b'.');
                out.put_slice(fraction);
            }
        } else {
            out.put_slice(digits);
            out.put_bytes(b'0', self.point as usize - digits.len());
        }
    }

    fn write_scientific(&self, exponent: i32, out: &mut BytesMut) {
        if let Some((first, rest)) = self.digits().split_first() {
            out.put_u8(*first);
            if !rest.is_empty() {
                out.put_u8(b'.');
                out.put_slice(rest);
            }
        }
        out.put_slice(if exponent < 0 { b"e-" } else { b"e+" });
        if exponent.abs() < 10 {
            out.put_u8(b'0');
        }
        out.put_slice(itoa::Buffer::new().format(exponent.unsigned_abs()).as_bytes());
    }
}

/// A target for `write!` on the stack; what does not fit is cut off.
#[derive(Default)]
struct ShortText {
    bytes: [u8; 32],
    len: usize,
}

impl ShortText {
    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.len).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl std::fmt::Write for ShortText {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for &byte in text.as_bytes() {
            if let Some(slot) = self.bytes.get_mut(self.len) {
                *slot = byte;
                self.len += 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(value: f64, extra_digits: i32) -> String {
        let mut out = BytesMut::new();
        write_f64(value, extra_digits, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn doubles_have_the_digits_of_postgresql() {
        for (value, text) in [
            (1e23, "9.999999999999999e+22"),
            (9007199254740993.0, "9.007199254740992e+15"),
            (5e-324, "5e-324"),
            (1e15, "1e+15"),
            (1e14, "100000000000000"),
            (123456789012345678.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (-0.00001, "-1e-05"),
            (-0.0, "-0"),
            (123.456, "123.456"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
            (1.5e-7, "1.5e-07"),
        ] {
            assert_eq!(double(value, 1), text);
        }
        assert_eq!(double(0.1 + 0.2, 0), "0.3");
        assert_eq!(double(1234567.0, -12), "1.23e+06");
        assert_eq!(double(100.0, -15), "1e+02");
    }

    #[test]
    fn reals_have_the_digits_of_postgresql() {
        for (value, text) in [
            (1e6, "1e+06"),
            (1e5, "100000"),
            (8388608.0, "8.388608e+06"),
            (16777216.0, "1.6777216e+07"),
            (0.1, "0.1"),
            (3.4028235e38, "3.4028235e+38"),
        ] {
            let mut out = BytesMut::new();
            write_f32(value, 1, &mut out);
            assert_eq!(out, text);
        }
    }
}

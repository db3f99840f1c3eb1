//! Decimal numbers of up to 76 digits as PostgreSQL's `numeric`: text, and base-10000 binary. It needs no
//! arithmetic crate, since it works on the decimal digits of the unscaled integer.

use bytes::{BufMut, BytesMut};
use datafusion::arrow::datatypes::i256;

/// The decimal digits of an unscaled integer, most significant first, without leading zeros.
pub struct Digits {
    bytes: [u8; DIGITS_MAX],
    start: usize,
    negative: bool,
}

/// Digits of the largest 256-bit integer, rounded up to whole groups of 19.
const DIGITS_MAX: usize = 95;

/// The largest power of ten in 64 bits, and its digits.
const GROUP: u128 = 10_000_000_000_000_000_000;
const GROUP_DIGITS: usize = 19;

impl Digits {
    pub fn of_i128(value: i128) -> Digits {
        let mut digits = Digits::empty(value < 0);
        digits.prepend(itoa::Buffer::new().format(value.unsigned_abs()), 0);
        digits
    }

    pub fn of_i256(value: i256) -> Digits {
        if let Some(small) = value.to_i128() {
            return Digits::of_i128(small);
        }
        let negative = value < i256::ZERO;
        let magnitude = if negative { value.wrapping_neg() } else { value };
        let mut limbs = [0u64; 4];
        for (limb, bytes) in limbs.iter_mut().zip(magnitude.to_le_bytes().chunks_exact(8)) {
            *limb = bytes.iter().rev().fold(0, |limb, &byte| limb << 8 | u64::from(byte));
        }
        let mut digits = Digits::empty(negative);
        while limbs.iter().any(|&limb| limb != 0) {
            let group = divide_by_group(&mut limbs);
            let is_last = limbs.iter().all(|&limb| limb == 0);
            let width = if is_last { 0 } else { GROUP_DIGITS };
            digits.prepend(itoa::Buffer::new().format(group), width);
        }
        digits
    }

    fn empty(negative: bool) -> Digits {
        Digits { bytes: [b'0'; DIGITS_MAX], start: DIGITS_MAX, negative }
    }

    /// Puts `text` before the digits, with zeros before it up to `width`.
    fn prepend(&mut self, text: &str, width: usize) {
        let from = self.start.saturating_sub(text.len());
        if let Some(slot) = self.bytes.get_mut(from..self.start) {
            slot.copy_from_slice(text.as_bytes());
        }
        self.start = self.start.saturating_sub(text.len().max(width));
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    fn is_zero(&self) -> bool {
        self.as_bytes() == b"0"
    }

    /// Writes the number with `scale` digits after the point; a negative scale means zeros before it.
    pub fn write_text(&self, scale: i8, out: &mut BytesMut) {
        if self.negative {
            out.put_u8(b'-');
        }
        let digits = self.as_bytes();
        let fraction_digits = usize::try_from(scale).unwrap_or(0);
        if fraction_digits == 0 {
            out.put_slice(digits);
            if !self.is_zero() {
                out.put_bytes(b'0', usize::from(scale.unsigned_abs()));
            }
        } else if let Some((whole, fraction)) =
            digits.len().checked_sub(fraction_digits).and_then(|at| digits.split_at_checked(at))
        {
            out.put_slice(if whole.is_empty() { b"0" } else { whole });
            out.put_u8(b'.');
            out.put_slice(fraction);
        } else {
            out.put_slice(b"0.");
            out.put_bytes(b'0', fraction_digits - digits.len());
            out.put_slice(digits);
        }
    }

    /// Writes what `numeric_send` writes: count, weight, sign, display scale, digits of base 10000.
    pub fn write_binary(&self, scale: i8, out: &mut BytesMut) {
        const NEGATIVE: i16 = 0x4000;
        let display_scale = i16::from(scale.max(0));
        if self.is_zero() {
            out.put_slice(&[0, 0, 0, 0, 0, 0]);
            return out.put_i16(display_scale);
        }
        let digits = self.as_bytes();
        let whole_digits = digits.len() as i32 - i32::from(scale);
        let weight = (whole_digits + 3).div_euclid(4) - 1;
        // Groups of four are aligned at the decimal point: the first may begin with up to three zeros.
        let padding = ((weight + 1) * 4 - whole_digits) as usize;
        let groups = (padding + digits.len()).div_ceil(4);
        let digit_at = |position: usize| {
            let digit = position.checked_sub(padding).and_then(|at| digits.get(at));
            digit.map_or(0, |digit| i16::from(digit - b'0'))
        };
        let group_at = |group: usize| {
            (0..4).fold(0, |number, digit| number * 10 + digit_at(group * 4 + digit))
        };
        let count =
            (0..groups).rev().find(|&group| group_at(group) != 0).map_or(0, |last| last + 1);
        out.put_i16(count as i16);
        out.put_i16(weight as i16);
        out.put_i16(if self.negative { NEGATIVE } else { 0 });
        out.put_i16(display_scale);
        for group in 0..count {
            out.put_i16(group_at(group));
        }
    }
}

/// Divides a number of four 64-bit limbs, least significant first, by 10^19 and gives the remainder.
fn divide_by_group(limbs: &mut [u64; 4]) -> u64 {
    let mut remainder = 0u128;
    for limb in limbs.iter_mut().rev() {
        let dividend = remainder << 64 | u128::from(*limb);
        *limb = (dividend / GROUP) as u64;
        remainder = dividend % GROUP;
    }
    remainder as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(digits: Digits, scale: i8) -> String {
        let mut out = BytesMut::new();
        digits.write_text(scale, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn the_point_stands_where_the_scale_says() {
        assert_eq!(text(Digits::of_i128(-12345), 2), "-123.45");
        assert_eq!(text(Digits::of_i128(5), 3), "0.005");
        assert_eq!(text(Digits::of_i128(0), 2), "0.00");
        assert_eq!(text(Digits::of_i128(-12), -3), "-12000");
        assert_eq!(text(Digits::of_i128(0), -3), "0");
        assert_eq!(text(Digits::of_i128(i128::MIN), 0), i128::MIN.to_string());
    }

    #[test]
    fn seventy_six_digits_are_exact() {
        for literal in [
            "9999999999999999999999999999999999999999999999999999999999999999999999999999",
            "-1000000000000000000000000000000000000000000000000000000000000000000000000000",
            "170141183460469231731687303715884105728",
            "-20000000000000000000000000000000000000000000000000000000001",
        ] {
            assert_eq!(text(Digits::of_i256(i256::from_string(literal).unwrap()), 0), literal);
        }
        assert_eq!(text(Digits::of_i256(i256::MIN), 0), i256::MIN.to_string());
    }
}

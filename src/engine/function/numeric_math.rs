//! Roots, powers and logarithms of `numeric`, with 16 digits after the point, or as many as the last argument of a
//! function whose name begins with `numeric_` says: fixed-point numbers with 34 digits are reckoned with, so that the
//! digits that are kept are right.
//! <https://www.postgresql.org/docs/16/functions-math.html>

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, i256};

use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Shape, numeric_field};
use super::variance::square_root;

/// PostgreSQL's `NUMERIC_MIN_SIG_DIGITS`.
const SCALE: i8 = 16;
/// Digits after the point of what is reckoned with.
const DIGITS: u32 = 34;
const LN_2: i128 = 6_931_471_805_599_453_094_172_321_214_581_766;
const LN_10: i128 = 23_025_850_929_940_456_840_179_914_546_843_642;

/// The field of the results.
#[expect(clippy::unnecessary_wraps, reason = "it stands where others can fail")]
pub fn result_field(_: &Shape<'_>) -> Result<Field> {
    Ok(numeric_field(38, SCALE))
}

pub fn overflow() -> Error {
    Error::new(ErrorKind::NumericValueOutOfRange, "value overflows numeric format")
}

pub fn power_of_ten(digits: u32) -> Option<i256> {
    i256::from(10_i64).checked_pow(digits)
}

fn one() -> i256 {
    power_of_ten(DIGITS).unwrap_or(i256::ONE)
}

fn times(left: i256, right: i256) -> Option<i256> {
    left.checked_mul(right)?.checked_div(one())
}

fn over(left: i256, right: i256) -> Option<i256> {
    left.checked_mul(one())?.checked_div(right)
}

/// Unscaled values of an argument, with their digits after the point.
fn decimal(a: &Arguments<'_>, index: usize) -> Result<(impl Fn(usize) -> i128, u32)> {
    let values = a.values::<Decimal128Type>(index)?;
    let scale = match a.raw(index)?.0.data_type() {
        DataType::Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
        _ => 0,
    };
    Ok((move |row| values.at(row), scale))
}

/// Digits after the point of the results.
fn digits_of(a: &Arguments<'_>) -> u32 {
    match a.returns.data_type() {
        DataType::Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
        _ => 0,
    }
}

fn logarithm_error(value: i128) -> Result<()> {
    let message = match value {
        0 => "cannot take logarithm of zero",
        ..0 => "cannot take logarithm of a negative number",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::InvalidArgumentForLogarithm, message))
}

/// The natural logarithm of a positive number.
fn ln_of(value: i128, scale: u32) -> Option<i256> {
    let digits = value.unsigned_abs().checked_ilog10()?;
    // Between 1 and 10, and then below the root of 2.
    let mut mantissa = i256::from_i128(value);
    mantissa = match DIGITS >= digits {
        true => mantissa.checked_mul(power_of_ten(DIGITS - digits)?)?,
        false => mantissa.checked_div(power_of_ten(digits - DIGITS)?)?,
    };
    let (one, two) = (one(), i256::from(2_i64));
    let mut halvings = 0_i64;
    while mantissa.checked_mul(i256::from(10_i64))? > one.checked_mul(i256::from(15_i64))? {
        mantissa = mantissa.checked_div(two)?;
        halvings += 1;
    }
    // ln m = 2·artanh((m − 1) / (m + 1))
    let root = over(mantissa.checked_sub(one)?, mantissa.checked_add(one)?)?;
    let square = times(root, root)?;
    let (mut power, mut sum, mut divisor) = (root, root, 1_i64);
    while power != i256::ZERO {
        power = times(power, square)?;
        divisor += 2;
        sum = sum.checked_add(power.checked_div(i256::from(divisor))?)?;
    }
    let tens = i64::from(digits) - i64::from(scale);
    let of_tens = i256::from_i128(LN_10).checked_mul(i256::from(tens))?;
    let of_twos = i256::from_i128(LN_2).checked_mul(i256::from(halvings))?;
    sum.checked_mul(two)?.checked_add(of_tens)?.checked_add(of_twos)
}

/// `e` to the power of a number, with the digits of a result.
fn exp_of(exponent: i256, digits: u32) -> Option<i128> {
    let ln_2 = i256::from_i128(LN_2);
    let mut twos = exponent.checked_div(ln_2)?;
    if exponent.is_negative() {
        twos = twos.checked_sub(i256::ONE)?;
    }
    let rest = exponent.checked_sub(twos.checked_mul(ln_2)?)?;
    let (mut term, mut sum, mut index) = (one(), one(), 0_i64);
    while term != i256::ZERO {
        index += 1;
        term = times(term, rest)?.checked_div(i256::from(index))?;
        sum = sum.checked_add(term)?;
    }
    let twos = twos.to_i128()?;
    let two = i256::from(2_i64);
    let value = match u32::try_from(twos) {
        Ok(twos) => sum.checked_mul(two.checked_pow(twos)?)?,
        Err(_) if twos < -128 => i256::ZERO,
        Err(_) => sum.checked_div(two.checked_pow(u32::try_from(-twos).ok()?)?)?,
    };
    finished(value, digits)
}

/// A fixed-point number with the digits of a result, rounded half away from zero.
fn finished(value: i256, digits: u32) -> Option<i128> {
    let divisor = power_of_ten(DIGITS.checked_sub(digits)?)?;
    let half = divisor.checked_div(i256::from(2_i64))?;
    let away = if value.is_negative() { half.checked_neg()? } else { half };
    let rounded = value.checked_add(away)?.checked_div(divisor)?.to_i128()?;
    (rounded.unsigned_abs() < 10_u128.pow(38)).then_some(rounded)
}

fn fixed(value: i128, scale: u32) -> Option<i256> {
    let value = i256::from_i128(value);
    match DIGITS >= scale {
        true => value.checked_mul(power_of_ten(DIGITS - scale)?),
        false => value.checked_div(power_of_ten(scale - DIGITS)?),
    }
}

/// `sqrt`
pub fn root(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (value, scale) = decimal(a, 0)?;
    let digits = digits_of(a);
    a.make::<Decimal128Type>(|row| {
        let value = value(row);
        if value < 0 {
            let message = "cannot take square root of a negative number";
            return Err(Error::new(ErrorKind::InvalidArgumentForPowerFunction, message));
        }
        let squared = || {
            let wanted = 2 * digits;
            let value = i256::from_i128(value);
            let value = match wanted >= scale {
                true => value.checked_mul(power_of_ten(wanted - scale)?)?,
                false => value.checked_div(power_of_ten(scale - wanted)?)?,
            };
            square_root(value)?.to_i128()
        };
        squared().map(Some).ok_or_else(overflow)
    })
}

/// `exp`
pub fn exponential(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (value, scale) = decimal(a, 0)?;
    let digits = digits_of(a);
    a.make::<Decimal128Type>(|row| {
        fixed(value(row), scale)
            .and_then(|value| exp_of(value, digits))
            .map(Some)
            .ok_or_else(overflow)
    })
}

/// `ln`
pub fn natural_logarithm(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (value, scale) = decimal(a, 0)?;
    let digits = digits_of(a);
    a.make::<Decimal128Type>(|row| {
        logarithm_error(value(row))?;
        let logarithm = ln_of(value(row), scale).and_then(|ln| finished(ln, digits));
        logarithm.map(Some).ok_or_else(overflow)
    })
}

/// `log(x)` to the base of 10
pub fn decimal_logarithm(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (value, scale) = decimal(a, 0)?;
    let digits = digits_of(a);
    a.make::<Decimal128Type>(|row| {
        logarithm_error(value(row))?;
        let logarithm = ln_of(value(row), scale).and_then(|ln| over(ln, i256::from_i128(LN_10)));
        logarithm.and_then(|value| finished(value, digits)).map(Some).ok_or_else(overflow)
    })
}

/// `log(b, x)`
pub fn logarithm(a: &Arguments<'_>) -> Result<ArrayRef> {
    let ((base, base_scale), (value, scale)) = (decimal(a, 0)?, decimal(a, 1)?);
    let digits = digits_of(a);
    a.make::<Decimal128Type>(|row| {
        logarithm_error(base(row))?;
        logarithm_error(value(row))?;
        let divisor = ln_of(base(row), base_scale).ok_or_else(overflow)?;
        if divisor == i256::ZERO {
            return Err(Error::new(ErrorKind::DivisionByZero, "division by zero"));
        }
        let logarithm = ln_of(value(row), scale).and_then(|ln| over(ln, divisor));
        logarithm.and_then(|value| finished(value, digits)).map(Some).ok_or_else(overflow)
    })
}

/// A power by multiplication; `None` where it has too many digits for that.
fn whole_power(base: i128, scale: u32, exponent: i128, wanted: u32) -> Option<i128> {
    let times = u32::try_from(exponent.unsigned_abs()).ok().filter(|times| *times <= 256)?;
    let power = i256::from_i128(base).checked_pow(times)?;
    let digits = scale.checked_mul(times)?;
    let value = match exponent < 0 {
        true => {
            let one = power_of_ten(wanted.checked_add(digits)?)?;
            halves_away(one, power)?
        }
        false if digits <= wanted => power.checked_mul(power_of_ten(wanted - digits)?)?,
        false => halves_away(power, power_of_ten(digits - wanted)?)?,
    };
    let value = value.to_i128()?;
    (value.unsigned_abs() < 10_u128.pow(38)).then_some(value)
}

/// A quotient rounded half away from zero.
pub fn halves_away(dividend: i256, divisor: i256) -> Option<i256> {
    let is_negative = dividend.is_negative() != divisor.is_negative();
    let (dividend, divisor) = (dividend.checked_abs()?, divisor.checked_abs()?);
    let cut = dividend.checked_div(divisor)?;
    let rest = dividend.checked_sub(cut.checked_mul(divisor)?)?;
    let rounds = rest >= divisor.checked_sub(rest)?;
    let size = cut.checked_add(if rounds { i256::ONE } else { i256::ZERO })?;
    if is_negative { size.checked_neg() } else { Some(size) }
}

/// `power(x, y)`
pub fn power(a: &Arguments<'_>) -> Result<ArrayRef> {
    let ((base, base_scale), (exponent, scale)) = (decimal(a, 0)?, decimal(a, 1)?);
    let digits = digits_of(a);
    let refused = |message| Error::new(ErrorKind::InvalidArgumentForPowerFunction, message);
    let unit = 10_i128.checked_pow(scale).unwrap_or(i128::MAX);
    a.make::<Decimal128Type>(|row| {
        let (base, exponent) = (base(row), exponent(row));
        if base == 0 && exponent < 0 {
            return Err(refused("zero raised to a negative power is undefined"));
        }
        let is_whole = exponent % unit == 0;
        if base < 0 && !is_whole {
            return Err(refused(
                "a negative number raised to a non-integer power yields a complex result",
            ));
        }
        if exponent == 0 || base == 0 {
            let unit = 10_i128.pow(digits);
            return Ok(Some(if exponent == 0 { unit } else { 0 }));
        }
        let is_odd = exponent / unit % 2 != 0;
        if is_whole && let Some(exact) = whole_power(base, base_scale, exponent / unit, digits) {
            return Ok(Some(exact));
        }
        let size = || {
            let ln = ln_of(base.checked_abs()?, base_scale)?;
            exp_of(times(ln, fixed(exponent, scale)?)?, digits)
        };
        let size = size().ok_or_else(overflow)?;
        Ok(Some(if base < 0 && is_odd { -size } else { size }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_postgresql() {
        let ln = |value, scale| ln_of(value, scale).and_then(|ln| finished(ln, 16)).unwrap();
        assert_eq!(ln(20, 1), 6_931_471_805_599_453);
        assert_eq!(ln(10, 0), 23_025_850_929_940_457);
        assert_eq!(ln(1, 0), 0);
        let exp = |value, scale| fixed(value, scale).and_then(|value| exp_of(value, 16)).unwrap();
        assert_eq!(exp(0, 0), 10_000_000_000_000_000);
        assert_eq!(exp(2, 0), 73_890_560_989_306_502);
        assert_eq!(exp(-1, 0), 3_678_794_411_714_423);
    }
}

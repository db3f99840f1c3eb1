//! Quotients of `numeric`, rounded half away from zero to as many digits as the call says; Arrow's are cut.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Field, i256};

use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, numeric_field};
use super::numeric_math::{halves_away, overflow, power_of_ten};

/// `numeric_quotient(dividend, divisor, digits)`
pub const QUOTIENT: &str = "numeric_quotient";

pub const KERNELS: &[Kernel] = &[Kernel::immutable(
    QUOTIENT,
    &[Overload::new(
        &[Kind::Numeric, Kind::Numeric, Kind::Int4],
        Returns::Computed(field_of_digits),
        quotient,
    )],
)];

/// A number with as many digits after the point as the last argument, a constant, says.
pub fn field_of_digits(shape: &Shape<'_>) -> Result<Field> {
    let digits = shape.integer(shape.fields.len().saturating_sub(1));
    let digits = digits.and_then(|digits| i8::try_from(digits).ok());
    let digits = digits.ok_or_else(|| Error::internal("a number of digits is no constant"))?;
    Ok(numeric_field(38, digits))
}

fn scale_of(data_type: &DataType) -> u32 {
    match data_type {
        DataType::Decimal128(_, scale) => u32::try_from(*scale).unwrap_or(0),
        _ => 0,
    }
}

fn quotient(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (dividends, divisors) = (a.values::<Decimal128Type>(0)?, a.values::<Decimal128Type>(1)?);
    let digits = scale_of(a.returns.data_type());
    let (scale, by_scale) = (scale_of(a.raw(0)?.0.data_type()), scale_of(a.raw(1)?.0.data_type()));
    // dividend · 10^(digits + by_scale − scale) / divisor
    let up = (digits + by_scale).saturating_sub(scale);
    let down = scale.saturating_sub(digits + by_scale);
    let factor = 10_i128.checked_pow(up);
    a.make::<Decimal128Type>(|row| {
        let (dividend, divisor) = (dividends.at(row), divisors.at(row));
        if divisor == 0 {
            return Err(Error::new(ErrorKind::DivisionByZero, "division by zero"));
        }
        if down == 0
            && let Some(scaled) = factor.and_then(|factor| dividend.checked_mul(factor))
        {
            return within(rounded(scaled, divisor)).map(Some).ok_or_else(overflow);
        }
        let quotient = || {
            let scaled = i256::from_i128(dividend).checked_mul(power_of_ten(up)?)?;
            let by = i256::from_i128(divisor).checked_mul(power_of_ten(down)?)?;
            halves_away(scaled, by)?.to_i128()
        };
        quotient().and_then(within).map(Some).ok_or_else(overflow)
    })
}

/// Half away from zero. The divisor is not zero.
fn rounded(dividend: i128, divisor: i128) -> i128 {
    let quotient = dividend.wrapping_div(divisor);
    let rest = dividend.wrapping_rem(divisor).unsigned_abs();
    let rounds = rest >= divisor.unsigned_abs() - rest;
    let away = if dividend.is_negative() == divisor.is_negative() { 1 } else { -1 };
    quotient + if rounds { away } else { 0 }
}

fn within(quotient: i128) -> Option<i128> {
    (quotient.unsigned_abs() < 10_u128.pow(38)).then_some(quotient)
}

//! Rounding, remainders and divisors, exact for integers and `numeric`; and counting NULLs.
//! <https://www.postgresql.org/docs/16/functions-math.html>

use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Field, Float32Type, Float64Type, Int16Type,
    Int32Type, Int64Type,
};

use datafusion::common::ScalarValue;

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, numeric_field};

use Kind::{Float4, Float8, Int2, Int4, Int8, Numeric};

const FLOAT: Returns = Returns::Type(BaseType::Float8);
const INTEGER: Returns = Returns::Type(BaseType::Int4);
const SAME: Returns = Returns::Argument(0);
const WHOLE: Returns = Returns::Computed(whole_field);
const SCALED: Returns = Returns::Computed(scaled_field);
const TRIMMED: Returns = Returns::Computed(trimmed_field);
const WIDER: Returns = Returns::Computed(wider_field);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        "round",
        &[
            Overload::new(&[Float8], FLOAT, |a| floats(a, f64::round_ties_even)),
            Overload::new(&[Numeric], WHOLE, |a| decimals(a, Rounding::HalfAway)),
            Overload::new(&[Numeric, Int4], SCALED, |a| decimals(a, Rounding::HalfAway)),
        ],
    ),
    Kernel::immutable(
        "trunc",
        &[
            Overload::new(&[Float8], FLOAT, |a| floats(a, f64::trunc)),
            Overload::new(&[Numeric], WHOLE, |a| decimals(a, Rounding::Down)),
            Overload::new(&[Numeric, Int4], SCALED, |a| decimals(a, Rounding::Down)),
        ],
    ),
    Kernel::immutable(
        "ceil",
        &[
            Overload::new(&[Float8], FLOAT, |a| floats(a, f64::ceil)),
            Overload::new(&[Numeric], WHOLE, |a| decimals(a, Rounding::Ceiling)),
        ],
    )
    .aliases(&["ceiling"]),
    Kernel::immutable(
        "floor",
        &[
            Overload::new(&[Float8], FLOAT, |a| floats(a, f64::floor)),
            Overload::new(&[Numeric], WHOLE, |a| decimals(a, Rounding::Floor)),
        ],
    ),
    Kernel::immutable(
        "sign",
        &[
            Overload::new(&[Float8], FLOAT, |a| {
                floats(a, |x| if x == 0.0 || x.is_nan() { x } else { x.signum() })
            }),
            Overload::new(&[Numeric], WHOLE, |a| {
                let values = a.values::<Decimal128Type>(0)?;
                a.make::<Decimal128Type>(|row| Ok(Some(values.at(row).signum())))
            }),
        ],
    ),
    Kernel::immutable(
        "abs",
        &[
            Overload::new(&[Int2], SAME, |a| {
                integers::<Int16Type>(a, |x| x.checked_abs(), "smallint")
            }),
            Overload::new(&[Int4], SAME, |a| {
                integers::<Int32Type>(a, |x| x.checked_abs(), "integer")
            }),
            Overload::new(&[Int8], SAME, |a| {
                integers::<Int64Type>(a, |x| x.checked_abs(), "bigint")
            }),
            Overload::new(&[Float4], SAME, |a| {
                integers::<Float32Type>(a, |x| Some(x.abs()), "real")
            }),
            Overload::new(&[Float8], FLOAT, |a| floats(a, f64::abs)),
            Overload::new(&[Numeric], SAME, |a| {
                integers::<Decimal128Type>(a, |x| x.checked_abs(), "numeric")
            }),
        ],
    ),
    Kernel::immutable(
        "mod",
        &[
            Overload::new(&[Int2, Int2], SAME, |a| {
                pairs::<Int16Type>(a, |x, y| (y != 0).then(|| Some(x.wrapping_rem(y))))
            }),
            Overload::new(&[Int4, Int4], SAME, |a| {
                pairs::<Int32Type>(a, |x, y| (y != 0).then(|| Some(x.wrapping_rem(y))))
            }),
            Overload::new(&[Int8, Int8], SAME, |a| {
                pairs::<Int64Type>(a, |x, y| (y != 0).then(|| Some(x.wrapping_rem(y))))
            }),
            Overload::new(&[Numeric, Numeric], WIDER, |a| {
                divide(a, |x, y| (x.checked_rem(y), true))
            }),
        ],
    ),
    Kernel::immutable(
        "div",
        &[Overload::new(&[Numeric, Numeric], WHOLE, |a| {
            divide(a, |x, y| (x.checked_div(y), false))
        })],
    ),
    Kernel::immutable(
        "gcd",
        &[
            Overload::new(&[Int4, Int4], INTEGER, |a| {
                pairs::<Int32Type>(a, |x, y| Some(i32::try_from(gcd(x.into(), y.into())).ok()))
            }),
            Overload::new(&[Int8, Int8], Returns::Type(BaseType::Int8), |a| {
                pairs::<Int64Type>(a, |x, y| Some(i64::try_from(gcd(x.into(), y.into())).ok()))
            }),
        ],
    ),
    Kernel::immutable(
        "lcm",
        &[
            Overload::new(&[Int4, Int4], INTEGER, |a| {
                pairs::<Int32Type>(a, |x, y| Some(i32::try_from(lcm(x.into(), y.into())).ok()))
            }),
            Overload::new(&[Int8, Int8], Returns::Type(BaseType::Int8), |a| {
                pairs::<Int64Type>(a, |x, y| Some(i64::try_from(lcm(x.into(), y.into())).ok()))
            }),
        ],
    ),
    Kernel::immutable(
        "factorial",
        &[Overload::new(&[Int8], Returns::Computed(|_| Ok(numeric_field(38, 0))), factorial)],
    ),
    Kernel::immutable(
        "bitwise_not",
        &[
            Overload::new(&[Int2], SAME, |a| integers::<Int16Type>(a, |x| Some(!x), "smallint")),
            Overload::new(&[Int4], SAME, |a| integers::<Int32Type>(a, |x| Some(!x), "integer")),
            Overload::new(&[Int8], SAME, |a| integers::<Int64Type>(a, |x| Some(!x), "bigint")),
        ],
    ),
    Kernel::immutable("scale", &[Overload::new(&[Numeric], INTEGER, scale)]),
    Kernel::immutable("trim_scale", &[Overload::new(&[Numeric], TRIMMED, trim_scale)]),
    Kernel::immutable("min_scale", &[Overload::new(&[Numeric], INTEGER, min_scale)]),
    Kernel::immutable(
        "num_nulls",
        &[Overload::new(&[], INTEGER, |a| count_nulls(a, true)).variadic(Kind::Any).sees_null()],
    ),
    Kernel::immutable(
        "num_nonnulls",
        &[Overload::new(&[], INTEGER, |a| count_nulls(a, false)).variadic(Kind::Any).sees_null()],
    ),
];

fn out_of_range(type_name: &str) -> Error {
    let message = format!("{type_name} out of range");
    Error::new(ErrorKind::NumericValueOutOfRange, message)
}

fn overflow() -> Error {
    Error::new(ErrorKind::NumericValueOutOfRange, "value overflows numeric format")
}

fn whole_field(shape: &Shape<'_>) -> Result<Field> {
    let (precision, scale) = shape.decimal(0);
    let whole = i16::from(precision) - i16::from(scale) + 1;
    Ok(numeric_field(u8::try_from(whole.clamp(1, 38)).unwrap_or(38), 0))
}

/// The scale that a constant asks for; that of the argument for a column.
fn scaled_field(shape: &Shape<'_>) -> Result<Field> {
    let (precision, scale) = shape.decimal(0);
    let wanted = match shape.integer(1) {
        Some(digits) => i8::try_from(digits.clamp(0, 37)).unwrap_or(37),
        None => scale,
    };
    let whole = i16::from(precision) - i16::from(scale) + 1;
    let precision = u8::try_from((whole + i16::from(wanted)).clamp(1, 38)).unwrap_or(38);
    Ok(numeric_field(precision, wanted))
}

fn wider_field(shape: &Shape<'_>) -> Result<Field> {
    let ((left, left_scale), (right, right_scale)) = (shape.decimal(0), shape.decimal(1));
    Ok(numeric_field(left.max(right), left_scale.max(right_scale)))
}

fn floats(a: &Arguments<'_>, of: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let values = a.values::<Float64Type>(0)?;
    a.make::<Float64Type>(|row| Ok(Some(of(values.at(row)))))
}

fn integers<T: ArrowPrimitiveType>(
    a: &Arguments<'_>,
    of: impl Fn(T::Native) -> Option<T::Native>,
    type_name: &str,
) -> Result<ArrayRef> {
    let values = a.values::<T>(0)?;
    a.make::<T>(|row| of(values.at(row)).map(Some).ok_or_else(|| out_of_range(type_name)))
}

/// A function of two integers: nothing for a division by zero, nothing inside for an overflow.
fn pairs<T: ArrowPrimitiveType>(
    a: &Arguments<'_>,
    of: impl Fn(T::Native, T::Native) -> Option<Option<T::Native>>,
) -> Result<ArrayRef> {
    let (left, right) = (a.values::<T>(0)?, a.values::<T>(1)?);
    let name = if T::DATA_TYPE == DataType::Int64 { "bigint" } else { "integer" };
    a.make::<T>(|row| {
        let result = of(left.at(row), right.at(row)).ok_or_else(division_by_zero)?;
        result.map(Some).ok_or_else(|| out_of_range(name))
    })
}

fn division_by_zero() -> Error {
    Error::new(ErrorKind::DivisionByZero, "division by zero")
}

#[derive(Clone, Copy)]
enum Rounding {
    HalfAway,
    Down,
    Ceiling,
    Floor,
}

fn power_of_ten(digits: i32) -> Result<i128> {
    u32::try_from(digits).ok().and_then(|digits| 10_i128.checked_pow(digits)).ok_or_else(overflow)
}

fn scale_of(a: &Arguments<'_>, index: usize) -> Result<i32> {
    match a.raw(index)?.0.data_type() {
        DataType::Decimal128(_, scale) => Ok(i32::from(*scale)),
        _ => Ok(0),
    }
}

fn result_scale(a: &Arguments<'_>) -> i32 {
    match a.returns.data_type() {
        DataType::Decimal128(_, scale) => i32::from(*scale),
        _ => 0,
    }
}

fn decimals(a: &Arguments<'_>, rounding: Rounding) -> Result<ArrayRef> {
    let values = a.values::<Decimal128Type>(0)?;
    let digits = a.optional::<Int32Type>(1)?;
    let (from, to) = (scale_of(a, 0)?, result_scale(a));
    let shift = if to > from { power_of_ten(to - from)? } else { 1 };
    a.make::<Decimal128Type>(|row| {
        let wanted = digits.as_ref().map_or(0, |digits| digits.at(row));
        let value = values.at(row);
        if wanted >= from {
            return rescaled(value, from, to, shift).map(Some);
        }
        // Beyond all digits there is nothing left.
        let unit = match power_of_ten(from - wanted) {
            Ok(unit) => unit,
            Err(_) => return Ok(Some(0)),
        };
        let (quotient, rest) = (value / unit, value % unit);
        let step = match rounding {
            Rounding::HalfAway => i128::from(rest.abs() >= unit - rest.abs()) * rest.signum(),
            Rounding::Down => 0,
            Rounding::Ceiling => i128::from(rest > 0),
            Rounding::Floor => -i128::from(rest < 0),
        };
        let rounded = quotient + step;
        // The digits that were cut come back as zeros where the result has more.
        let back = from - wanted;
        let value = rounded.checked_mul(power_of_ten(back)?).ok_or_else(overflow)?;
        rescaled(value, from, to, shift).map(Some)
    })
}

fn rescaled(value: i128, from: i32, to: i32, shift: i128) -> Result<i128> {
    if to >= from {
        return value.checked_mul(shift).ok_or_else(overflow);
    }
    Ok(value / power_of_ten(from - to)?)
}

/// Both arguments with the same scale, divided; whether the result keeps that scale.
fn divide(a: &Arguments<'_>, of: impl Fn(i128, i128) -> (Option<i128>, bool)) -> Result<ArrayRef> {
    let (left, right) = (a.values::<Decimal128Type>(0)?, a.values::<Decimal128Type>(1)?);
    let (left_scale, right_scale) = (scale_of(a, 0)?, scale_of(a, 1)?);
    let common = left_scale.max(right_scale);
    let (left_factor, right_factor) =
        (power_of_ten(common - left_scale)?, power_of_ten(common - right_scale)?);
    a.make::<Decimal128Type>(|row| {
        let x = left.at(row).checked_mul(left_factor).ok_or_else(overflow)?;
        let y = right.at(row).checked_mul(right_factor).ok_or_else(overflow)?;
        if y == 0 {
            return Err(division_by_zero());
        }
        of(x, y).0.map(Some).ok_or_else(overflow)
    })
}

fn gcd(left: i128, right: i128) -> i128 {
    let (mut left, mut right) = (left.abs(), right.abs());
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

fn lcm(left: i128, right: i128) -> i128 {
    if left == 0 || right == 0 {
        return 0;
    }
    (left / gcd(left, right) * right).abs()
}

fn factorial(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Int64Type>(0)?;
    a.make::<Decimal128Type>(|row| {
        let number = values.at(row);
        if number < 0 {
            let message = "factorial of a negative number is undefined";
            return Err(Error::new(ErrorKind::NumericValueOutOfRange, message));
        }
        let product = (1..=i128::from(number)).try_fold(1_i128, i128::checked_mul);
        product.map(Some).ok_or_else(overflow)
    })
}

fn scale(a: &Arguments<'_>) -> Result<ArrayRef> {
    let scale = scale_of(a, 0)?;
    a.make::<Int32Type>(|_| Ok(Some(scale)))
}

fn min_scale(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Decimal128Type>(0)?;
    let scale = scale_of(a, 0)?;
    a.make::<Int32Type>(|row| {
        let (mut value, mut digits) = (values.at(row), scale);
        while digits > 0 && value % 10 == 0 {
            value /= 10;
            digits -= 1;
        }
        Ok(Some(digits))
    })
}

/// The scale that a constant needs. The values of a column have one scale, which stays.
fn trimmed_field(shape: &Shape<'_>) -> Result<Field> {
    let (precision, scale) = shape.decimal(0);
    let constant = shape.constants.first().copied().flatten();
    let Some(ScalarValue::Decimal128(Some(value), _, scale_of_value)) = constant else {
        return Ok(numeric_field(precision, scale));
    };
    let (mut value, mut scale) = (*value, *scale_of_value);
    while scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    Ok(numeric_field(precision, scale))
}

fn trim_scale(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Decimal128Type>(0)?;
    let dropped = scale_of(a, 0)? - result_scale(a);
    let divisor = power_of_ten(dropped.max(0))?;
    a.make::<Decimal128Type>(|row| Ok(Some(values.at(row) / divisor)))
}

fn count_nulls(a: &Arguments<'_>, nulls: bool) -> Result<ArrayRef> {
    let columns = (0..a.count())
        .map(|index| a.raw(index).map(|(array, constant)| (array.logical_nulls(), constant)))
        .collect::<Result<Vec<_>>>()?;
    a.make::<Int32Type>(|row| {
        let count = columns.iter().filter(|(validity, constant)| {
            let row = if *constant { 0 } else { row };
            validity.as_ref().is_some_and(|validity| validity.is_null(row)) == nulls
        });
        Ok(i32::try_from(count.count()).ok())
    })
}

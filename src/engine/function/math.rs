//! Roots, powers, logarithms, angles: functions of `double precision`, with PostgreSQL's errors where C's give
//! infinity or no number. Where PostgreSQL has a function of
//! `numeric` too, `numeric_math` computes it; others take one as `double precision`.
//! <https://www.postgresql.org/docs/16/functions-math.html>

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, make_comparator};
use datafusion::arrow::compute::{SortOptions, cast};
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type};

use crate::base::datatype::BaseType;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Body, Kernel, Kind, Overload, Returns, broken, undefined};
use super::numeric_division::field_of_digits;
use super::numeric_math;

use Kind::{Int4, Numeric};

const FLOAT: Returns = Returns::Type(BaseType::Float8);
const NUMERIC: Returns = Returns::Computed(numeric_math::result_field);

macro_rules! of_one {
    ($name:literal, $body:expr) => {
        Kernel::immutable($name, &[Overload::new(&[Kind::Float8], FLOAT, |a| one(a, $body))])
    };
}

macro_rules! of_two {
    ($name:literal, $body:expr) => {
        Kernel::immutable(
            $name,
            &[Overload::new(&[Kind::Float8, Kind::Float8], FLOAT, |a| two(a, $body))],
        )
    };
}

/// The `real` that is next to a number; what a cast makes, with PostgreSQL's errors.
pub const REAL_OF_DOUBLE: &str = "real_of_double";

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        REAL_OF_DOUBLE,
        &[Overload::new(&[Kind::Float8], Returns::Type(BaseType::Float4), real_of_double)],
    ),
    Kernel::immutable(
        "sqrt",
        &[
            Overload::new(&[Kind::Float8], FLOAT, |a| {
                one(a, |x| match x < 0.0 {
                    true => Err(power_error("cannot take square root of a negative number")),
                    false => Ok(x.sqrt()),
                })
            }),
            Overload::new(&[Kind::Numeric], NUMERIC, numeric_math::root),
        ],
    ),
    of_one!("cbrt", |x: f64| Ok(x.cbrt())),
    Kernel::immutable(
        "exp",
        &[
            Overload::new(&[Kind::Float8], FLOAT, |a| {
                one(a, |x: f64| finite(x.exp(), &[x], x == f64::NEG_INFINITY))
            }),
            Overload::new(&[Kind::Numeric], NUMERIC, numeric_math::exponential),
        ],
    ),
    Kernel::immutable(
        "ln",
        &[
            Overload::new(&[Kind::Float8], FLOAT, |a| one(a, |x| logarithm(x).map(|()| x.ln()))),
            Overload::new(&[Kind::Numeric], NUMERIC, numeric_math::natural_logarithm),
        ],
    ),
    Kernel::immutable(
        "log10",
        &[
            Overload::new(&[Kind::Float8], FLOAT, |a| one(a, |x| logarithm(x).map(|()| x.log10()))),
            Overload::new(&[Kind::Numeric], NUMERIC, numeric_math::decimal_logarithm),
        ],
    ),
    Kernel::immutable(
        "log",
        &[
            Overload::new(&[Kind::Numeric], NUMERIC, numeric_math::decimal_logarithm),
            Overload::new(&[Kind::Numeric, Kind::Numeric], NUMERIC, numeric_math::logarithm),
            Overload::new(&[Kind::Float8], FLOAT, |a| one(a, |x| logarithm(x).map(|()| x.log10()))),
            Overload::new(&[Kind::Float8, Kind::Float8], FLOAT, |a| {
                two(a, |base, x| {
                    logarithm(base)?;
                    logarithm(x)?;
                    match base == 1.0 {
                        true => Err(division_by_zero()),
                        false => Ok(x.log2() / base.log2()),
                    }
                })
            }),
        ],
    ),
    Kernel::immutable(
        "power",
        &[
            Overload::new(&[Kind::Float8, Kind::Float8], FLOAT, |a| two(a, power)),
            Overload::new(&[Kind::Numeric, Kind::Numeric], NUMERIC, numeric_math::power),
        ],
    )
    .aliases(&["pow"]),
    // The functions of `numeric` with the digits of the result as last argument.
    Kernel::immutable("numeric_sqrt", &[of_digits(&[Numeric, Int4], numeric_math::root)]),
    Kernel::immutable("numeric_exp", &[of_digits(&[Numeric, Int4], numeric_math::exponential)]),
    Kernel::immutable(
        "numeric_ln",
        &[of_digits(&[Numeric, Int4], numeric_math::natural_logarithm)],
    ),
    Kernel::immutable(
        "numeric_log",
        &[
            of_digits(&[Numeric, Int4], numeric_math::decimal_logarithm),
            of_digits(&[Numeric, Numeric, Int4], numeric_math::logarithm),
        ],
    ),
    Kernel::immutable(
        "numeric_power",
        &[of_digits(&[Numeric, Numeric, Int4], numeric_math::power)],
    ),
    of_one!("degrees", |x: f64| finite(x / (std::f64::consts::PI / 180.0), &[x], true)),
    of_one!("radians", |x: f64| Ok(x * (std::f64::consts::PI / 180.0))),
    of_one!("sin", |x: f64| bounded(x.is_finite(), x.sin())),
    of_one!("cos", |x: f64| bounded(x.is_finite(), x.cos())),
    of_one!("tan", |x: f64| bounded(x.is_finite(), x.tan())),
    of_one!("cot", |x: f64| bounded(x.is_finite(), 1.0 / x.tan())),
    of_one!("asin", |x: f64| bounded((-1.0..=1.0).contains(&x) || x.is_nan(), x.asin())),
    of_one!("acos", |x: f64| bounded((-1.0..=1.0).contains(&x) || x.is_nan(), x.acos())),
    of_one!("atan", |x: f64| Ok(x.atan())),
    of_two!("atan2", |y: f64, x| Ok(y.atan2(x))),
    of_one!("sinh", |x: f64| Ok(x.sinh())),
    of_one!("cosh", |x: f64| Ok(x.cosh())),
    of_one!("tanh", |x: f64| Ok(x.tanh())),
    of_one!("asinh", |x: f64| Ok(x.asinh())),
    of_one!("acosh", |x: f64| bounded(x >= 1.0 || x.is_nan(), x.acosh())),
    of_one!("atanh", |x: f64| bounded((-1.0..=1.0).contains(&x) || x.is_nan(), x.atanh())),
    of_one!("sind", |x: f64| bounded(x.is_finite(), sine_of_degrees(x))),
    of_one!("cosd", |x: f64| bounded(x.is_finite(), cosine_of_degrees(x))),
    of_one!("tand", |x: f64| bounded(
        x.is_finite(),
        sine_of_degrees(x) / cosine_of_degrees(x) + 0.0
    )),
    of_one!("cotd", |x: f64| bounded(
        x.is_finite(),
        cosine_of_degrees(x) / sine_of_degrees(x) + 0.0
    )),
    of_one!("asind", |x: f64| bounded((-1.0..=1.0).contains(&x), exact_degrees(x.asin()))),
    of_one!("acosd", |x: f64| bounded((-1.0..=1.0).contains(&x), exact_degrees(x.acos()))),
    of_one!("atand", |x: f64| Ok(exact_degrees(x.atan()))),
    of_two!("atan2d", |y: f64, x| Ok(exact_degrees(y.atan2(x)))),
    Kernel::immutable(
        "width_bucket",
        &[
            Overload::new(
                &[Kind::Float8, Kind::Float8, Kind::Float8, Kind::Int4],
                Returns::Type(BaseType::Int4),
                width_bucket,
            ),
            Overload::new(&[Kind::Any, Kind::Array], Returns::Type(BaseType::Int4), bucket_of),
        ],
    ),
];

const fn of_digits(parameters: &'static [Kind], body: Body) -> Overload {
    Overload::new(parameters, Returns::Computed(field_of_digits), body)
}

fn real_of_double(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Float64Type>(0)?;
    a.make::<Float32Type>(|row| {
        let double = values.at(row);
        let real = double as f32;
        let what = match real {
            real if real.is_infinite() && double.is_finite() => "overflow",
            0.0 if double != 0.0 => "underflow",
            real => return Ok(Some(real)),
        };
        let message = format!("value out of range: {what}");
        Err(Error::new(ErrorKind::NumericValueOutOfRange, message))
    })
}

fn one(a: &Arguments<'_>, of: impl Fn(f64) -> Result<f64>) -> Result<ArrayRef> {
    let values = a.values::<Float64Type>(0)?;
    a.make::<Float64Type>(|row| of(values.at(row)).map(Some))
}

fn two(a: &Arguments<'_>, of: impl Fn(f64, f64) -> Result<f64>) -> Result<ArrayRef> {
    let (left, right) = (a.values::<Float64Type>(0)?, a.values::<Float64Type>(1)?);
    a.make::<Float64Type>(|row| of(left.at(row), right.at(row)).map(Some))
}

fn division_by_zero() -> Error {
    Error::new(ErrorKind::DivisionByZero, "division by zero")
}

fn power_error(message: &str) -> Error {
    Error::new(ErrorKind::InvalidArgumentForPowerFunction, message)
}

/// 22003: the result does not fit though the arguments are numbers. `may_vanish` allows a zero.
fn finite(result: f64, arguments: &[f64], may_vanish: bool) -> Result<f64> {
    let out_of_range = |what| {
        Err(Error::new(ErrorKind::NumericValueOutOfRange, format!("value out of range: {what}")))
    };
    if result.is_infinite() && arguments.iter().all(|argument| argument.is_finite()) {
        return out_of_range("overflow");
    }
    if result == 0.0 && !may_vanish {
        return out_of_range("underflow");
    }
    Ok(result)
}

fn bounded(is_valid: bool, result: f64) -> Result<f64> {
    if is_valid {
        return Ok(result);
    }
    Err(Error::new(ErrorKind::NumericValueOutOfRange, "input is out of range"))
}

fn logarithm(x: f64) -> Result<()> {
    let message = match x {
        0.0 => "cannot take logarithm of zero",
        x if x < 0.0 => "cannot take logarithm of a negative number",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorKind::InvalidArgumentForLogarithm, message))
}

fn power(x: f64, y: f64) -> Result<f64> {
    if x == 0.0 && y < 0.0 {
        return Err(power_error("zero raised to a negative power is undefined"));
    }
    if x < 0.0 && y.is_finite() && y.fract() != 0.0 {
        return Err(power_error(
            "a negative number raised to a non-integer power yields a complex result",
        ));
    }
    finite(x.powf(y), &[x, y], x == 0.0 || x.is_infinite() || y.is_infinite())
}

/// Exact where the angle is one whose sine has a name.
fn sine_of_degrees(x: f64) -> f64 {
    let x = x % 360.0;
    let (sign, x) = if x < 0.0 { (-1.0, -x) } else { (1.0, x) };
    let (sign, x) = if x > 180.0 { (-sign, 360.0 - x) } else { (sign, x) };
    let x = if x > 90.0 { 180.0 - x } else { x };
    let sine = match x {
        0.0 => 0.0,
        30.0 => 0.5,
        90.0 => 1.0,
        x if x > 45.0 => (90.0 - x).to_radians().cos(),
        x => x.to_radians().sin(),
    };
    sign * sine
}

fn cosine_of_degrees(x: f64) -> f64 {
    // Zero has no sign.
    sine_of_degrees(90.0 - x) + 0.0
}

/// Degrees, whole where the angle is one that has a name.
fn exact_degrees(radians: f64) -> f64 {
    let degrees = radians.to_degrees();
    let whole = degrees.round();
    if (degrees - whole).abs() < 1e-13 * degrees.abs().max(1.0) { whole } else { degrees }
}

fn width_bucket(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, lows, highs) =
        (a.values::<Float64Type>(0)?, a.values::<Float64Type>(1)?, a.values::<Float64Type>(2)?);
    let counts = a.values::<Int32Type>(3)?;
    let invalid = |message| Error::new(ErrorKind::InvalidArgumentForWidthBucketFunction, message);
    a.make::<Int32Type>(|row| {
        let (value, low, high) = (values.at(row), lows.at(row), highs.at(row));
        let count = counts.at(row);
        if count <= 0 {
            return Err(invalid("count must be greater than zero"));
        }
        if value.is_nan() || !low.is_finite() || !high.is_finite() {
            return Err(invalid("lower and upper bounds must be finite"));
        }
        if low == high {
            return Err(invalid("lower bound cannot equal upper bound"));
        }
        let (is_below, is_above) =
            if low < high { (value < low, value >= high) } else { (value > low, value <= high) };
        let share = f64::from(count) * ((value - low) / (high - low));
        Ok(Some(match (is_below, is_above) {
            (true, _) => 0,
            (_, true) => count.checked_add(1).unwrap_or(count),
            _ => (share as i32).min(count - 1) + 1,
        }))
    })
}

/// `width_bucket(x, thresholds)`: how many of the sorted lower bounds are not above the value.
fn bucket_of(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (values, one_value) = a.raw(0)?;
    let (lists, one_list) = a.raw(1)?;
    let lists =
        lists.as_list_opt::<i32>().ok_or_else(|| Error::internal("an array has another type"))?;
    let bounds = lists.values();
    let is_number = |data_type: &DataType| data_type.is_numeric();
    let (values, bounds) = match (values.data_type(), bounds.data_type()) {
        (of_value, of_bound) if of_value == of_bound => (Arc::clone(values), Arc::clone(bounds)),
        (of_value, of_bound) if is_number(of_value) && is_number(of_bound) => {
            let number = |numbers: &ArrayRef| cast(numbers, &DataType::Float64).map_err(broken);
            (number(values)?, number(bounds)?)
        }
        (of_value, of_bound) => {
            let given = [of_value.clone(), of_bound.clone()];
            return Err(undefined("width_bucket", &given));
        }
    };
    if bounds.null_count() > 0 {
        let message = "thresholds array must not contain NULLs";
        return Err(Error::new(ErrorKind::NullValueNotAllowed, message));
    }
    let compare = make_comparator(&values, &bounds, SortOptions::default()).map_err(broken)?;
    let offsets = lists.value_offsets();
    let place =
        |index: usize| offsets.get(index).and_then(|at| usize::try_from(*at).ok()).unwrap_or(0);
    a.make::<Int32Type>(|row| {
        let (value, list) = (if one_value { 0 } else { row }, if one_list { 0 } else { row });
        let (start, end) = (place(list), place(list + 1));
        let bounds: Vec<usize> = (start..end).collect();
        let below = bounds.partition_point(|bound| compare(value, *bound).is_ge());
        Ok(i32::try_from(below).ok())
    })
}

//! Typed access to Arrow arrays whose values have several spellings: units of time, kinds of interval, widths
//! of strings. It writes nothing.

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::*;

use super::datetime::timestamp_out_of_range;
use super::interval::IntervalValue;
use crate::base::Result;
use crate::base::calendar::MICROS_PER_DAY;

/// Runs the body with the array behind `$array` as its concrete string type, or the second body.
macro_rules! with_strings {
    ($array:expr, $typed:ident => $body:expr, else $otherwise:expr) => {
        match $array.data_type() {
            DataType::Utf8 => {
                let $typed = $array.as_string::<i32>();
                $body
            }
            DataType::LargeUtf8 => {
                let $typed = $array.as_string::<i64>();
                $body
            }
            DataType::Utf8View => {
                let $typed = $array.as_string_view();
                $body
            }
            _ => $otherwise,
        }
    };
}

/// As [`with_strings`], for binary arrays.
macro_rules! with_binaries {
    ($array:expr, $typed:ident => $body:expr, else $otherwise:expr) => {
        match $array.data_type() {
            DataType::Binary => {
                let $typed = $array.as_binary::<i32>();
                $body
            }
            DataType::LargeBinary => {
                let $typed = $array.as_binary::<i64>();
                $body
            }
            DataType::BinaryView => {
                let $typed = $array.as_binary_view();
                $body
            }
            DataType::FixedSizeBinary(_) => {
                let $typed = $array.as_fixed_size_binary();
                $body
            }
            _ => $otherwise,
        }
    };
}

/// As [`with_strings`], for arrays of integers of any width.
macro_rules! with_integers {
    ($array:expr, $typed:ident => $body:expr, else $otherwise:expr) => {
        match $array.data_type() {
            DataType::Int8 => {
                let $typed = $array.as_primitive::<Int8Type>();
                $body
            }
            DataType::Int16 => {
                let $typed = $array.as_primitive::<Int16Type>();
                $body
            }
            DataType::Int32 => {
                let $typed = $array.as_primitive::<Int32Type>();
                $body
            }
            DataType::Int64 => {
                let $typed = $array.as_primitive::<Int64Type>();
                $body
            }
            DataType::UInt8 => {
                let $typed = $array.as_primitive::<UInt8Type>();
                $body
            }
            DataType::UInt16 => {
                let $typed = $array.as_primitive::<UInt16Type>();
                $body
            }
            DataType::UInt32 => {
                let $typed = $array.as_primitive::<UInt32Type>();
                $body
            }
            DataType::UInt64 => {
                let $typed = $array.as_primitive::<UInt64Type>();
                $body
            }
            _ => $otherwise,
        }
    };
}

pub(super) use {with_binaries, with_integers, with_strings};

/// Times, timestamps and durations of every unit, in microseconds.
///
/// Nanoseconds are rounded to the nearest microsecond, ties to even: PostgreSQL's types hold no more.
#[derive(Clone, Copy)]
pub enum Micros<'a> {
    Narrow { values: &'a [i32], factor: i64 },
    Wide { values: &'a [i64], factor: i64 },
    Nanos { values: &'a [i64] },
}

impl<'a> Micros<'a> {
    /// The values of an array of times, timestamps, durations or `Date64`.
    pub fn of(array: &'a dyn Array) -> Option<Micros<'a>> {
        use TimeUnit::*;
        let wide = |values: &'a [i64], factor| Some(Micros::Wide { values, factor });
        let nanos = |values: &'a [i64]| Some(Micros::Nanos { values });
        match array.data_type() {
            DataType::Time32(Second) => {
                let values = array.as_primitive::<Time32SecondType>().values();
                Some(Micros::Narrow { values, factor: 1_000_000 })
            }
            DataType::Time32(_) => {
                let values = array.as_primitive::<Time32MillisecondType>().values();
                Some(Micros::Narrow { values, factor: 1_000 })
            }
            DataType::Time64(Nanosecond) => {
                nanos(array.as_primitive::<Time64NanosecondType>().values())
            }
            DataType::Time64(_) => wide(array.as_primitive::<Time64MicrosecondType>().values(), 1),
            DataType::Date64 => wide(array.as_primitive::<Date64Type>().values(), 1_000),
            DataType::Timestamp(Second, _) => {
                wide(array.as_primitive::<TimestampSecondType>().values(), 1_000_000)
            }
            DataType::Timestamp(Millisecond, _) => {
                wide(array.as_primitive::<TimestampMillisecondType>().values(), 1_000)
            }
            DataType::Timestamp(Microsecond, _) => {
                wide(array.as_primitive::<TimestampMicrosecondType>().values(), 1)
            }
            DataType::Timestamp(Nanosecond, _) => {
                nanos(array.as_primitive::<TimestampNanosecondType>().values())
            }
            DataType::Duration(Second) => {
                wide(array.as_primitive::<DurationSecondType>().values(), 1_000_000)
            }
            DataType::Duration(Millisecond) => {
                wide(array.as_primitive::<DurationMillisecondType>().values(), 1_000)
            }
            DataType::Duration(Microsecond) => {
                wide(array.as_primitive::<DurationMicrosecondType>().values(), 1)
            }
            DataType::Duration(Nanosecond) => {
                nanos(array.as_primitive::<DurationNanosecondType>().values())
            }
            _ => None,
        }
    }

    /// The microseconds of a row; an error when 64 bits do not hold them.
    #[inline]
    pub fn at(self, row: usize) -> Result<i64> {
        let micros = match self {
            Micros::Narrow { values, factor } => {
                values.get(row).map(|&value| i64::from(value) * factor)
            }
            Micros::Wide { values, factor } => {
                values.get(row).and_then(|value| value.checked_mul(factor))
            }
            Micros::Nanos { values } => values.get(row).map(|&value| nanos_to_micros(value)),
        };
        micros.ok_or_else(timestamp_out_of_range)
    }
}

/// Rounds to the nearest microsecond, ties to even.
pub fn nanos_to_micros(nanos: i64) -> i64 {
    let (micros, rest) = (nanos.div_euclid(1000), nanos.rem_euclid(1000));
    micros + i64::from(rest > 500 || (rest == 500 && micros % 2 != 0))
}

/// Gives the interval of a row.
pub type IntervalOf<'a> = Box<dyn Fn(usize) -> Result<IntervalValue> + Send + Sync + 'a>;

/// The values of an array of intervals or durations.
///
/// A duration is what PostgreSQL's subtraction of timestamps gives: whole days are days.
pub fn intervals<'a>(array: &'a dyn Array) -> Option<IntervalOf<'a>> {
    match array.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => {
            let values = array.as_primitive::<IntervalYearMonthType>();
            Some(Box::new(move |row| {
                Ok(IntervalValue { months: values.value(row), ..IntervalValue::default() })
            }))
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let values = array.as_primitive::<IntervalDayTimeType>();
            Some(Box::new(move |row| {
                let value = values.value(row);
                let micros = i64::from(value.milliseconds) * 1_000;
                Ok(IntervalValue { months: 0, days: value.days, micros })
            }))
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let values = array.as_primitive::<IntervalMonthDayNanoType>();
            Some(Box::new(move |row| {
                let value = values.value(row);
                let micros = nanos_to_micros(value.nanoseconds);
                Ok(IntervalValue { months: value.months, days: value.days, micros })
            }))
        }
        DataType::Duration(_) => {
            let values = Micros::of(array)?;
            Some(Box::new(move |row| {
                let micros = values.at(row)?;
                // At most 106,751,991 days: they fit.
                let days = (micros / MICROS_PER_DAY) as i32;
                Ok(IntervalValue { months: 0, days, micros: micros % MICROS_PER_DAY })
            }))
        }
        _ => None,
    }
}

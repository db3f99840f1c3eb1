//! What `+`, `-`, `*` and `/` do with dates, times and intervals, and the functions that are arithmetic too:
//! `age`, `date_bin`, `justify_days`. <https://www.postgresql.org/docs/16/functions-datetime.html>

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    Date32Type, Float64Type, Int32Type, Int64Type, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};

use crate::base::calendar::{Civil, MICROS_PER_DAY, SECONDS_PER_DAY, days_in_month};
use crate::base::datatype::BaseType;
use crate::base::render::IntervalValue;
use crate::base::{Error, ErrorKind, Result};

use super::kernel::{Arguments, Kernel, Kind, Overload, Returns};
use super::moment::*;

use Kind::{Date, Int4, Interval, Time, Timestamp, Timestamptz};

const DATE: Returns = Returns::Type(BaseType::Date);
const INTEGER: Returns = Returns::Type(BaseType::Int4);
const TIMESTAMP: Returns = Returns::Type(BaseType::Timestamp);
const TIMESTAMPTZ: Returns = Returns::Type(BaseType::Timestamptz);
const TIME: Returns = Returns::Type(BaseType::Time);
const INTERVAL: Returns = Returns::Type(BaseType::Interval);
const BOOL: Returns = Returns::Type(BaseType::Bool);

pub const PLUS: &str = "datetime_plus";
pub const MINUS: &str = "datetime_minus";
pub const TIMES: &str = "interval_times";
pub const DIVIDE: &str = "interval_divide";
/// The length by which intervals are compared.
pub const SPAN: &str = "interval_span";

pub const KERNELS: &[Kernel] = &[
    Kernel::stable(
        PLUS,
        &[
            Overload::new(&[Date, Int4], DATE, |a| date_and_days(a, 0, 1, 1)),
            Overload::new(&[Int4, Date], DATE, |a| date_and_days(a, 1, 0, 1)),
            Overload::new(&[Interval, Interval], INTERVAL, |a| intervals(a, 1)),
            Overload::new(&[Date, Interval], TIMESTAMP, |a| date_and_interval(a, 0, 1, 1)),
            Overload::new(&[Interval, Date], TIMESTAMP, |a| date_and_interval(a, 1, 0, 1)),
            Overload::new(&[Date, Time], TIMESTAMP, |a| date_and_time(a, 0, 1)),
            Overload::new(&[Time, Date], TIMESTAMP, |a| date_and_time(a, 1, 0)),
            Overload::new(&[Timestamp, Interval], TIMESTAMP, |a| moved(a, 0, 1, 1)),
            Overload::new(&[Interval, Timestamp], TIMESTAMP, |a| moved(a, 1, 0, 1)),
            Overload::new(&[Timestamptz, Interval], TIMESTAMPTZ, |a| moved_instant(a, 0, 1, 1)),
            Overload::new(&[Interval, Timestamptz], TIMESTAMPTZ, |a| moved_instant(a, 1, 0, 1)),
            Overload::new(&[Time, Interval], TIME, |a| time_and_interval(a, 0, 1, 1)),
            Overload::new(&[Interval, Time], TIME, |a| time_and_interval(a, 1, 0, 1)),
        ],
    ),
    Kernel::stable(
        MINUS,
        &[
            Overload::new(&[Date, Date], INTEGER, days_between),
            Overload::new(&[Date, Int4], DATE, |a| date_and_days(a, 0, 1, -1)),
            Overload::new(&[Interval, Interval], INTERVAL, |a| intervals(a, -1)),
            Overload::new(&[Date, Interval], TIMESTAMP, |a| date_and_interval(a, 0, 1, -1)),
            Overload::new(&[Timestamp, Timestamp], INTERVAL, elapsed),
            Overload::new(&[Timestamptz, Timestamptz], INTERVAL, elapsed),
            Overload::new(&[Timestamp, Interval], TIMESTAMP, |a| moved(a, 0, 1, -1)),
            Overload::new(&[Timestamptz, Interval], TIMESTAMPTZ, |a| moved_instant(a, 0, 1, -1)),
            Overload::new(&[Time, Time], INTERVAL, time_between),
            Overload::new(&[Time, Interval], TIME, |a| time_and_interval(a, 0, 1, -1)),
        ],
    ),
    Kernel::immutable(
        TIMES,
        &[
            Overload::new(&[Interval, Kind::Float8], INTERVAL, |a| scaled(a, 0, 1)),
            Overload::new(&[Kind::Float8, Interval], INTERVAL, |a| scaled(a, 1, 0)),
        ],
    ),
    Kernel::immutable(DIVIDE, &[Overload::new(&[Interval, Kind::Float8], INTERVAL, divided)]),
    Kernel::immutable(SPAN, &[Overload::new(&[Interval], Returns::Type(BaseType::Int8), spans)]),
    Kernel::immutable("justify_days", &[of_interval(|a| justify(a, justified_days))]),
    Kernel::immutable("justify_hours", &[of_interval(|a| justify(a, justified_hours))]),
    Kernel::immutable("justify_interval", &[of_interval(|a| justify(a, justified))]),
    Kernel::immutable(
        "isfinite",
        &[
            Overload::new(&[Date], BOOL, |a| a.make_flags(|_| Ok(Some(true)))),
            Overload::new(&[Timestamp], BOOL, |a| a.make_flags(|_| Ok(Some(true)))),
            Overload::new(&[Timestamptz], BOOL, |a| a.make_flags(|_| Ok(Some(true)))),
            Overload::new(&[Interval], BOOL, |a| a.make_flags(|_| Ok(Some(true)))),
        ],
    ),
    Kernel::stable(
        "age",
        &[
            Overload::new(&[Timestamp, Timestamp], INTERVAL, age),
            Overload::new(&[Timestamptz, Timestamptz], INTERVAL, age_of_instants),
            Overload::new(&[Timestamp], INTERVAL, age_today),
            Overload::new(&[Timestamptz], INTERVAL, age_today_of_instant),
        ],
    ),
    Kernel::immutable(
        "date_bin",
        &[
            Overload::new(&[Interval, Timestamp, Timestamp], TIMESTAMP, binned),
            Overload::new(&[Interval, Timestamptz, Timestamptz], TIMESTAMPTZ, binned),
        ],
    ),
];

const fn of_interval(body: super::kernel::Body) -> Overload {
    Overload::new(&[Interval], INTERVAL, body)
}

type Intervals = IntervalMonthDayNanoType;
type Timestamps = TimestampMicrosecondType;

fn date_out_of_range() -> Error {
    Error::new(ErrorKind::DatetimeFieldOverflow, "date out of range")
}

fn signed(interval: IntervalValue, sign: i64) -> Result<IntervalValue> {
    if sign < 0 { negated(interval) } else { Ok(interval) }
}

fn date_and_days(a: &Arguments<'_>, date: usize, count: usize, sign: i32) -> Result<ArrayRef> {
    let (dates, counts) = (a.values::<Date32Type>(date)?, a.values::<Int32Type>(count)?);
    a.make::<Date32Type>(|row| {
        let moved = counts.at(row).checked_mul(sign).and_then(|n| dates.at(row).checked_add(n));
        moved.map(Some).ok_or_else(date_out_of_range)
    })
}

fn days_between(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (left, right) = (a.values::<Date32Type>(0)?, a.values::<Date32Type>(1)?);
    a.make::<Int32Type>(|row| {
        left.at(row).checked_sub(right.at(row)).map(Some).ok_or_else(date_out_of_range)
    })
}

fn date_and_interval(a: &Arguments<'_>, date: usize, by: usize, sign: i64) -> Result<ArrayRef> {
    let (dates, intervals) = (a.values::<Date32Type>(date)?, a.values::<Intervals>(by)?);
    a.make::<Timestamps>(|row| {
        let by = signed(interval_of(intervals.at(row)), sign)?;
        add_interval(i64::from(dates.at(row)) * MICROS_PER_DAY, by).map(Some)
    })
}

fn date_and_time(a: &Arguments<'_>, date: usize, time: usize) -> Result<ArrayRef> {
    let (dates, times) = (a.values::<Date32Type>(date)?, a.values::<Time64MicrosecondType>(time)?);
    a.make::<Timestamps>(|row| at_time(dates.at(row).into(), times.at(row)).map(Some))
}

fn moved(a: &Arguments<'_>, start: usize, by: usize, sign: i64) -> Result<ArrayRef> {
    let (starts, intervals) = (a.values::<Timestamps>(start)?, a.values::<Intervals>(by)?);
    a.make::<Timestamps>(|row| {
        let by = signed(interval_of(intervals.at(row)), sign)?;
        add_interval(starts.at(row), by).map(Some)
    })
}

fn moved_instant(a: &Arguments<'_>, start: usize, by: usize, sign: i64) -> Result<ArrayRef> {
    let (starts, intervals) = (a.values::<Timestamps>(start)?, a.values::<Intervals>(by)?);
    let zone = Zone::new(a.style().time_zone);
    a.make::<Timestamps>(|row| {
        let by = signed(interval_of(intervals.at(row)), sign)?;
        add_interval_in(&zone, starts.at(row), by).map(Some)
    })
}

fn time_and_interval(a: &Arguments<'_>, time: usize, by: usize, sign: i64) -> Result<ArrayRef> {
    let (times, intervals) = (a.values::<Time64MicrosecondType>(time)?, a.values::<Intervals>(by)?);
    a.make::<Time64MicrosecondType>(|row| {
        let by = interval_of(intervals.at(row)).micros % MICROS_PER_DAY;
        Ok(Some((times.at(row) + sign * by).rem_euclid(MICROS_PER_DAY)))
    })
}

fn elapsed(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (left, right) = (a.values::<Timestamps>(0)?, a.values::<Timestamps>(1)?);
    a.make::<Intervals>(|row| {
        let micros = left.at(row).checked_sub(right.at(row)).ok_or_else(interval_out_of_range)?;
        let by_time = IntervalValue { micros, ..IntervalValue::default() };
        justified_hours(by_time).and_then(arrow_interval).map(Some)
    })
}

fn time_between(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (left, right) =
        (a.values::<Time64MicrosecondType>(0)?, a.values::<Time64MicrosecondType>(1)?);
    a.make::<Intervals>(|row| {
        let micros = left.at(row) - right.at(row);
        arrow_interval(IntervalValue { micros, ..IntervalValue::default() }).map(Some)
    })
}

fn intervals(a: &Arguments<'_>, sign: i64) -> Result<ArrayRef> {
    let (left, right) = (a.values::<Intervals>(0)?, a.values::<Intervals>(1)?);
    a.make::<Intervals>(|row| {
        let (left, right) = (interval_of(left.at(row)), signed(interval_of(right.at(row)), sign)?);
        let sum = || {
            Some(IntervalValue {
                months: left.months.checked_add(right.months)?,
                days: left.days.checked_add(right.days)?,
                micros: left.micros.checked_add(right.micros)?,
            })
        };
        sum().ok_or_else(interval_out_of_range).and_then(arrow_interval).map(Some)
    })
}

fn scaled(a: &Arguments<'_>, interval: usize, factor: usize) -> Result<ArrayRef> {
    let (intervals, factors) = (a.values::<Intervals>(interval)?, a.values::<Float64Type>(factor)?);
    a.make::<Intervals>(|row| {
        let factor = factors.at(row);
        times(interval_of(intervals.at(row)), |part| part * factor).map(Some)
    })
}

fn divided(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (intervals, divisors) = (a.values::<Intervals>(0)?, a.values::<Float64Type>(1)?);
    a.make::<Intervals>(|row| {
        let divisor = divisors.at(row);
        if divisor == 0.0 {
            return Err(Error::new(ErrorKind::DivisionByZero, "division by zero"));
        }
        times(interval_of(intervals.at(row)), |part| part / divisor).map(Some)
    })
}

/// The sum of so many intervals, divided.
pub fn average_interval(
    sum: datafusion::arrow::datatypes::IntervalMonthDayNano,
    count: i64,
) -> Result<datafusion::arrow::datatypes::IntervalMonthDayNano> {
    times(interval_of(sum), |part| part / count as f64)
}

/// PostgreSQL's `interval_mul`: what is left of months goes to days, what is left of days to the time.
fn times(
    interval: IntervalValue,
    scale: impl Fn(f64) -> f64,
) -> Result<datafusion::arrow::datatypes::IntervalMonthDayNano> {
    let to_micros = |value: f64| (value * 1e6).round_ties_even() / 1e6;
    let whole = |value: f64| match value.trunc() {
        fits if fits.abs() <= f64::from(i32::MAX) => Ok(fits as i32),
        _ => Err(interval_out_of_range()),
    };
    let (scaled_months, scaled_days) = (scale(interval.months.into()), scale(interval.days.into()));
    let (months, mut days) = (whole(scaled_months)?, whole(scaled_days)?);
    let from_months = to_micros((scaled_months - f64::from(months)) * 30.0);
    let day_seconds = SECONDS_PER_DAY as f64;
    let fraction = scaled_days - f64::from(days) + from_months - from_months.trunc();
    let mut seconds = to_micros(fraction * day_seconds);
    if seconds.abs() >= day_seconds {
        let carried = (seconds / day_seconds).trunc();
        days = days.checked_add(carried as i32).ok_or_else(interval_out_of_range)?;
        seconds -= carried * day_seconds;
    }
    days = days.checked_add(whole(from_months)?).ok_or_else(interval_out_of_range)?;
    let micros = (scale(interval.micros as f64) + seconds * 1e6).round_ties_even();
    if !micros.is_finite() || micros.abs() >= i64::MAX as f64 {
        return Err(interval_out_of_range());
    }
    arrow_interval(IntervalValue { months, days, micros: micros as i64 })
}

/// A month counts 30 days and a day 24 hours, as far as 64 bits go.
fn spans(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Intervals>(0)?;
    a.make::<Int64Type>(|row| {
        let value = interval_of(values.at(row));
        let days = i64::from(value.months) * 30 + i64::from(value.days);
        Ok(Some(days.saturating_mul(MICROS_PER_DAY).saturating_add(value.micros)))
    })
}

fn justify(a: &Arguments<'_>, of: fn(IntervalValue) -> Result<IntervalValue>) -> Result<ArrayRef> {
    let values = a.values::<Intervals>(0)?;
    a.make::<Intervals>(|row| of(interval_of(values.at(row))).and_then(arrow_interval).map(Some))
}

fn age(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (left, right) = (a.values::<Timestamps>(0)?, a.values::<Timestamps>(1)?);
    a.make::<Intervals>(|row| arrow_interval(age_between(left.at(row), right.at(row))).map(Some))
}

fn age_of_instants(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (left, right) = (a.values::<Timestamps>(0)?, a.values::<Timestamps>(1)?);
    let zone = Zone::new(a.style().time_zone);
    a.make::<Intervals>(|row| {
        let (left, right) = (zone.local(left.at(row)), zone.local(right.at(row)));
        arrow_interval(age_between(left, right)).map(Some)
    })
}

/// Midnight of the session's day, on its clocks.
fn today(a: &Arguments<'_>, zone: &Zone) -> Result<i64> {
    let (day, _) = day_and_time(zone.local(a.facts()?.transaction_timestamp));
    Ok(day * MICROS_PER_DAY)
}

fn age_today(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Timestamps>(0)?;
    let midnight = today(a, &Zone::new(a.style().time_zone))?;
    a.make::<Intervals>(|row| arrow_interval(age_between(midnight, values.at(row))).map(Some))
}

fn age_today_of_instant(a: &Arguments<'_>) -> Result<ArrayRef> {
    let values = a.values::<Timestamps>(0)?;
    let zone = Zone::new(a.style().time_zone);
    let midnight = today(a, &zone)?;
    a.make::<Intervals>(|row| {
        arrow_interval(age_between(midnight, zone.local(values.at(row)))).map(Some)
    })
}

/// Years, months and days as people count them; the days borrow the month of the earlier date.
fn age_between(end: i64, start: i64) -> IntervalValue {
    let is_negative = end < start;
    let (later, earlier) = if is_negative { (start, end) } else { (end, start) };
    let ((later_day, later_time), (earlier_day, earlier_time)) =
        (day_and_time(later), day_and_time(earlier));
    let (to, from) = (Civil::from_days(later_day), Civil::from_days(earlier_day));
    let mut micros = later_time - earlier_time;
    let mut days = i64::from(to.day) - i64::from(from.day);
    let mut months = (to.year - from.year) * 12 + i64::from(to.month) - i64::from(from.month);
    if micros < 0 {
        micros += MICROS_PER_DAY;
        days -= 1;
    }
    while days < 0 {
        days += i64::from(days_in_month(from.year, from.month));
        months -= 1;
    }
    let sign = if is_negative { -1 } else { 1 };
    IntervalValue {
        months: (sign * months) as i32,
        days: (sign * days) as i32,
        micros: sign * micros,
    }
}

fn binned(a: &Arguments<'_>) -> Result<ArrayRef> {
    let strides = a.values::<Intervals>(0)?;
    let (values, origins) = (a.values::<Timestamps>(1)?, a.values::<Timestamps>(2)?);
    a.make::<Timestamps>(|row| {
        let stride = interval_of(strides.at(row));
        if stride.months != 0 {
            let message = "timestamps cannot be binned into intervals containing months or years";
            return Err(Error::new(ErrorKind::FeatureNotSupported, message));
        }
        let length = i64::from(stride.days)
            .checked_mul(MICROS_PER_DAY)
            .and_then(|days| days.checked_add(stride.micros))
            .ok_or_else(interval_out_of_range)?;
        if length <= 0 {
            let message = "stride must be greater than zero";
            return Err(Error::new(ErrorKind::DatetimeFieldOverflow, message));
        }
        let origin = origins.at(row);
        let since = values.at(row).checked_sub(origin).ok_or_else(timestamp_out_of_range)?;
        checked(origin + since.div_euclid(length) * length).map(Some)
    })
}

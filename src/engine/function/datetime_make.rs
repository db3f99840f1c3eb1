//! `make_date`, `make_time`, `make_timestamp`, `make_timestamptz`, `make_interval`: dates and times out of
//! numbers. <https://www.postgresql.org/docs/16/functions-datetime.html>

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    Date32Type, Float64Type, Int32Type, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};

use crate::base::calendar::{Civil, MICROS_PER_DAY, days_in_month};
use crate::base::datatype::BaseType;
use crate::base::render::IntervalValue;
use crate::base::{Error, ErrorKind, Result};

use super::datetime_zone::zone_of_maker;
use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Values};
use super::moment::*;

use Kind::{Float8, Int4, Text};

const MOMENT: &[Kind] = &[Int4, Int4, Int4, Int4, Int4, Float8];

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        "make_date",
        &[Overload::new(&[Int4, Int4, Int4], Returns::Type(BaseType::Date), make_date)],
    ),
    Kernel::immutable(
        "make_time",
        &[Overload::new(&[Int4, Int4, Float8], Returns::Type(BaseType::Time), make_time)],
    ),
    Kernel::immutable(
        "make_timestamp",
        &[Overload::new(MOMENT, Returns::Type(BaseType::Timestamp), make_timestamp)],
    ),
    Kernel::stable(
        "make_timestamptz",
        &[
            Overload::new(MOMENT, Returns::Type(BaseType::Timestamptz), make_timestamptz),
            Overload::new(
                &[Int4, Int4, Int4, Int4, Int4, Float8, Text],
                Returns::Type(BaseType::Timestamptz),
                make_timestamptz,
            ),
        ],
    ),
    Kernel::immutable(
        "make_interval",
        &[Overload::new(
            &[Int4, Int4, Int4, Int4, Int4, Int4, Float8],
            Returns::Type(BaseType::Interval),
            make_interval,
        )
        .optional(7)],
    ),
];

/// The day of a year that counts 1 BC as -1. Errors: 22008.
pub fn day_of(year: i64, month: i64, day: i64) -> Result<i64> {
    let astronomical = if year < 0 { year + 1 } else { year };
    let valid = u32::try_from(month).ok().zip(u32::try_from(day).ok()).filter(|(month, day)| {
        (1..=12).contains(month)
            && *day >= 1
            && *day <= days_in_month(astronomical, *month)
            && year != 0
    });
    let (month, day_number) = valid.ok_or_else(|| {
        let message = format!("date field value out of range: {year}-{month:02}-{day:02}");
        Error::new(ErrorKind::DatetimeFieldOverflow, message)
    })?;
    Ok(Civil { year: astronomical, month, day: day_number }.days())
}

/// The microsecond of the day; 24:00:00 is its end. Errors: 22008.
fn time_of(hour: i32, minute: i32, second: f64) -> Result<i64> {
    let micros = (second * 1e6).round_ties_even();
    let fits = (0..=24).contains(&hour)
        && (0..60).contains(&minute)
        && second.is_finite()
        && (0.0..=60_000_000.0).contains(&micros);
    let time = i64::from(hour) * MICROS_PER_HOUR
        + i64::from(minute) * MICROS_PER_MINUTE
        + if fits { micros as i64 } else { 0 };
    if !fits || time > MICROS_PER_DAY {
        let message = format!("time field value out of range: {hour}:{minute:02}:{second:02}");
        return Err(Error::new(ErrorKind::DatetimeFieldOverflow, message));
    }
    Ok(time)
}

fn integers<'a>(a: &'a Arguments<'_>, first: usize) -> Result<[Values<'a, Int32Type>; 3]> {
    Ok([a.values(first)?, a.values(first + 1)?, a.values(first + 2)?])
}

fn make_date(a: &Arguments<'_>) -> Result<ArrayRef> {
    let [years, months, days] = integers(a, 0)?;
    a.make::<Date32Type>(|row| {
        let day = day_of(years.at(row).into(), months.at(row).into(), days.at(row).into())?;
        i32::try_from(day).map(Some).map_err(|_| timestamp_out_of_range())
    })
}

fn make_time(a: &Arguments<'_>) -> Result<ArrayRef> {
    let (hours, minutes) = (a.values::<Int32Type>(0)?, a.values::<Int32Type>(1)?);
    let seconds = a.values::<Float64Type>(2)?;
    a.make::<Time64MicrosecondType>(|row| {
        time_of(hours.at(row), minutes.at(row), seconds.at(row)).map(Some)
    })
}

/// The clock time that six arguments tell.
fn clock_time<'a>(a: &'a Arguments<'_>) -> Result<impl Fn(usize) -> Result<i64> + 'a> {
    let [years, months, days] = integers(a, 0)?;
    let (hours, minutes) = (a.values::<Int32Type>(3)?, a.values::<Int32Type>(4)?);
    let seconds = a.values::<Float64Type>(5)?;
    Ok(move |row| {
        let day = day_of(years.at(row).into(), months.at(row).into(), days.at(row).into())?;
        at_time(day, time_of(hours.at(row), minutes.at(row), seconds.at(row))?)
    })
}

fn make_timestamp(a: &Arguments<'_>) -> Result<ArrayRef> {
    let local = clock_time(a)?;
    a.make::<TimestampMicrosecondType>(|row| local(row).map(Some))
}

fn make_timestamptz(a: &Arguments<'_>) -> Result<ArrayRef> {
    let local = clock_time(a)?;
    let session = Zone::new(a.style().time_zone);
    let names = a.optional_texts(6)?;
    a.make::<TimestampMicrosecondType>(|row| {
        let instant = match &names {
            Some(names) => Zone::new(zone_of_maker(names.at(row))?).instant(local(row)?),
            None => session.instant(local(row)?),
        };
        checked(instant).map(Some)
    })
}

fn make_interval(a: &Arguments<'_>) -> Result<ArrayRef> {
    let part = |index| a.optional::<Int32Type>(index);
    let (years, months, weeks, days) = (part(0)?, part(1)?, part(2)?, part(3)?);
    let (hours, minutes, seconds) = (part(4)?, part(5)?, a.optional::<Float64Type>(6)?);
    let at = |values: &Option<Values<'_, Int32Type>>, row| {
        values.as_ref().map_or(0, |values| i64::from(values.at(row)))
    };
    a.make::<IntervalMonthDayNanoType>(|row| {
        let seconds = seconds.as_ref().map_or(0.0, |seconds| seconds.at(row));
        let micros = (seconds * 1e6).round_ties_even();
        let months = i32::try_from(at(&years, row) * 12 + at(&months, row));
        let days = i32::try_from(at(&weeks, row) * 7 + at(&days, row));
        let (Ok(months), Ok(days), true) = (months, days, micros.abs() < i64::MAX as f64) else {
            return Err(interval_out_of_range());
        };
        let clock = at(&hours, row) * MICROS_PER_HOUR + at(&minutes, row) * MICROS_PER_MINUTE;
        let micros = clock.checked_add(micros as i64).ok_or_else(interval_out_of_range)?;
        arrow_interval(IntervalValue { months, days, micros }).map(Some)
    })
}

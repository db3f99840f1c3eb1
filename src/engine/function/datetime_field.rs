//! `extract`, `date_part` and `date_trunc`. Fields of a `timestamptz` are those that the clocks of the session's
//! zone show. <https://www.postgresql.org/docs/16/functions-datetime.html#FUNCTIONS-DATETIME-EXTRACT>

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Field, Float64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
};

use crate::base::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_SECOND, SECONDS_PER_DAY, UNIX_EPOCH_JULIAN_DAY, weekday,
};
use crate::base::datatype::BaseType;
use crate::base::render::IntervalValue;
use crate::base::time_zone::TimeZone;
use crate::base::{Error, ErrorKind, Result};

use super::datetime_zone::zone_named;
use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, Shape, Texts, numeric_field};
use super::moment::*;

pub const KERNELS: &[Kernel] = &[
    Kernel::stable("extract", EXTRACT),
    Kernel::stable("date_part", DATE_PART).aliases(&["datepart"]),
    Kernel::stable("date_trunc", DATE_TRUNC).aliases(&["datetrunc"]),
];

const NUMERIC: Returns = Returns::Computed(extracted_field);
const EXTRACT: &[Overload] = &[
    Overload::new(&[Kind::Text, Kind::Timestamp], NUMERIC, extract_timestamp),
    Overload::new(&[Kind::Text, Kind::Timestamptz], NUMERIC, extract_timestamptz),
    Overload::new(&[Kind::Text, Kind::Date], NUMERIC, extract_date),
    Overload::new(&[Kind::Text, Kind::Time], NUMERIC, extract_time),
    Overload::new(&[Kind::Text, Kind::Interval], NUMERIC, extract_interval),
];

const FLOAT: Returns = Returns::Type(BaseType::Float8);
const DATE_PART: &[Overload] = &[
    Overload::new(&[Kind::Text, Kind::Timestamp], FLOAT, extract_timestamp),
    Overload::new(&[Kind::Text, Kind::Timestamptz], FLOAT, extract_timestamptz),
    Overload::new(&[Kind::Text, Kind::Date], FLOAT, part_of_date),
    Overload::new(&[Kind::Text, Kind::Time], FLOAT, extract_time),
    Overload::new(&[Kind::Text, Kind::Interval], FLOAT, extract_interval),
];

const DATE_TRUNC: &[Overload] = &[
    Overload::new(
        &[Kind::Text, Kind::Timestamptz],
        Returns::Type(BaseType::Timestamptz),
        truncate_timestamptz,
    ),
    Overload::new(
        &[Kind::Text, Kind::Timestamp],
        Returns::Type(BaseType::Timestamp),
        truncate_timestamp,
    ),
    Overload::new(
        &[Kind::Text, Kind::Interval],
        Returns::Type(BaseType::Interval),
        truncate_interval,
    ),
    Overload::new(&[Kind::Text, Kind::Time], Returns::Type(BaseType::Interval), truncate_time),
    Overload::new(
        &[Kind::Text, Kind::Timestamptz, Kind::Text],
        Returns::Type(BaseType::Timestamptz),
        truncate_timestamptz,
    ),
];

/// A field of a date or time, by any of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Microseconds,
    Milliseconds,
    Second,
    Minute,
    Hour,
    Day,
    Dow,
    Isodow,
    Doy,
    Week,
    Month,
    Quarter,
    Year,
    Isoyear,
    Decade,
    Century,
    Millennium,
    Julian,
    Epoch,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

impl Part {
    fn parse(name: &str) -> Option<Part> {
        use Part::*;
        Some(match name.trim().to_ascii_lowercase().as_str() {
            "microseconds" | "microsecond" | "us" | "usec" | "usecs" | "usecond" | "useconds" => {
                Microseconds
            }
            "milliseconds" | "millisecond" | "ms" | "msec" | "msecs" | "msecond" | "mseconds" => {
                Milliseconds
            }
            "second" | "seconds" | "sec" | "secs" | "s" => Second,
            "minute" | "minutes" | "min" | "mins" | "m" => Minute,
            "hour" | "hours" | "hr" | "hrs" | "h" => Hour,
            "day" | "days" | "d" => Day,
            "dow" => Dow,
            "isodow" => Isodow,
            "doy" => Doy,
            "week" | "weeks" | "w" => Week,
            "month" | "months" | "mon" | "mons" => Month,
            "quarter" | "qtr" => Quarter,
            "year" | "years" | "yr" | "yrs" | "y" => Year,
            "isoyear" => Isoyear,
            "decade" | "decades" | "dec" | "decs" => Decade,
            "century" | "centuries" | "cent" | "c" => Century,
            "millennium" | "millennia" | "mil" | "mils" => Millennium,
            "julian" | "jd" | "j" => Julian,
            "epoch" => Epoch,
            "timezone" => Timezone,
            "timezone_hour" | "timezone_h" => TimezoneHour,
            "timezone_minute" | "timezone_m" => TimezoneMinute,
            _ => return None,
        })
    }

    /// Digits after the point, as PostgreSQL shows them; those of a date are whole.
    fn scale(self, of_date: bool) -> i8 {
        match self {
            Part::Second => 6,
            Part::Milliseconds => 3,
            Part::Epoch if !of_date => 6,
            Part::Julian if !of_date => 20,
            _ => 0,
        }
    }
}

/// The field that a call names, with the name for errors.
struct Fields<'a> {
    names: Texts<'a>,
    constant: Option<Part>,
    type_name: &'static str,
}

impl<'a> Fields<'a> {
    fn new(arguments: &'a Arguments<'_>, type_name: &'static str) -> Result<Fields<'a>> {
        let names = arguments.texts(0)?;
        let constant = match names.constant() {
            Some(name) => Some(parsed(name, type_name)?),
            None => None,
        };
        Ok(Fields { names, constant, type_name })
    }

    fn at(&self, row: usize) -> Result<Part> {
        match self.constant {
            Some(part) => Ok(part),
            None => parsed(self.names.at(row), self.type_name),
        }
    }

    /// 0A000: the type has no such field.
    fn unsupported(&self, row: usize) -> Error {
        let unit = self.names.at(row).to_lowercase();
        Error::new(
            ErrorKind::FeatureNotSupported,
            format!("unit \"{unit}\" not supported for type {}", self.type_name),
        )
    }
}

fn parsed(name: &str, type_name: &str) -> Result<Part> {
    Part::parse(name).ok_or_else(|| {
        let unit = name.to_lowercase();
        Error::new(
            ErrorKind::InvalidParameterValue,
            format!("unit \"{unit}\" not recognized for type {type_name}"),
        )
    })
}

fn extracted_field(shape: &Shape<'_>) -> Result<Field> {
    let of_date = shape.fields.get(1).is_some_and(|field| *field.data_type() == DataType::Date32);
    Ok(match shape.text(0).and_then(Part::parse).map(|part| part.scale(of_date)) {
        Some(0) => numeric_field(16, 0),
        Some(scale) => numeric_field(14 + scale.unsigned_abs(), scale),
        None => numeric_field(38, 6),
    })
}

/// Writes numbers of any scale as the result wants them.
fn numbers(
    arguments: &Arguments<'_>,
    mut value: impl FnMut(usize) -> Result<(i128, i8)>,
) -> Result<ArrayRef> {
    match arguments.returns.data_type() {
        DataType::Decimal128(_, wanted) => arguments.make::<Decimal128Type>(|row| {
            let (number, scale) = value(row)?;
            let power = |digits: i8| 10_i128.pow(u32::from(digits.unsigned_abs()));
            Ok(Some(match wanted - scale {
                more @ 0.. => number * power(more),
                fewer => number / power(fewer),
            }))
        }),
        _ => arguments.make::<Float64Type>(|row| {
            let (number, scale) = value(row)?;
            Ok(Some(number as f64 / 10_f64.powi(i32::from(scale))))
        }),
    }
}

fn extract_timestamp(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "timestamp without time zone")?;
    let values = arguments.values::<TimestampMicrosecondType>(1)?;
    numbers(arguments, |row| {
        let part = fields.at(row)?;
        let local = values.at(row);
        moment_part(part, local, local).ok_or_else(|| fields.unsupported(row))
    })
}

fn extract_timestamptz(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "timestamp with time zone")?;
    let values = arguments.values::<TimestampMicrosecondType>(1)?;
    let zone = Zone::new(arguments.style().time_zone);
    numbers(arguments, |row| {
        let part = fields.at(row)?;
        let instant = values.at(row);
        let offset = i128::from(zone.offset(instant));
        Ok(match part {
            Part::Timezone => (offset, 0),
            Part::TimezoneHour => (offset / 3_600, 0),
            Part::TimezoneMinute => (offset / 60 % 60, 0),
            _ => moment_part(part, zone.local(instant), instant)
                .ok_or_else(|| fields.unsupported(row))?,
        })
    })
}

fn extract_date(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "date")?;
    let values = arguments.values::<Date32Type>(1)?;
    numbers(arguments, |row| {
        use Part::*;
        match fields.at(row)? {
            part @ (Day | Dow | Isodow | Doy | Week | Month | Quarter | Year | Isoyear | Decade
            | Century | Millennium) => {
                day_part(part, values.at(row).into()).ok_or_else(|| fields.unsupported(row))
            }
            Julian => Ok((i128::from(values.at(row)) + i128::from(UNIX_EPOCH_JULIAN_DAY), 0)),
            Epoch => Ok((i128::from(values.at(row)) * i128::from(SECONDS_PER_DAY), 0)),
            Microseconds | Milliseconds | Second | Minute | Hour | Timezone | TimezoneHour
            | TimezoneMinute => Err(fields.unsupported(row)),
        }
    })
}

/// `date_part` takes a date for its midnight.
fn part_of_date(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "timestamp without time zone")?;
    let values = arguments.values::<Date32Type>(1)?;
    numbers(arguments, |row| {
        let part = fields.at(row)?;
        let midnight = i64::from(values.at(row)) * MICROS_PER_DAY;
        moment_part(part, midnight, midnight).ok_or_else(|| fields.unsupported(row))
    })
}

fn extract_time(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "time without time zone")?;
    let values = arguments.values::<Time64MicrosecondType>(1)?;
    numbers(arguments, |row| {
        let part = fields.at(row)?;
        let time = values.at(row);
        match part {
            Part::Epoch => Ok((i128::from(time), 6)),
            _ => time_part(part, time).ok_or_else(|| fields.unsupported(row)),
        }
    })
}

fn extract_interval(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "interval")?;
    let values = arguments.values::<IntervalMonthDayNanoType>(1)?;
    numbers(arguments, |row| {
        use Part::*;
        let interval = interval_of(values.at(row));
        let (years, months) = (interval.months / 12, interval.months % 12);
        let whole = |number: i32| Ok((i128::from(number), 0));
        match fields.at(row)? {
            Day => whole(interval.days),
            Month => whole(months),
            Quarter => whole(months / 3 + 1),
            Year => whole(years),
            Decade => whole(years / 10),
            Century => whole(years / 100),
            Millennium => whole(years / 1000),
            Hour => Ok((i128::from(interval.micros / MICROS_PER_HOUR), 0)),
            Epoch => Ok((interval_epoch(interval), 6)),
            part => time_part(part, interval.micros).ok_or_else(|| fields.unsupported(row)),
        }
    })
}

/// Microseconds of an interval: a year has 365.25 days, a month 30.
fn interval_epoch(interval: IntervalValue) -> i128 {
    let (years, months) = (interval.months / 12, interval.months % 12);
    let quarter_days =
        i128::from(years) * 1461 + i128::from(months) * 120 + i128::from(interval.days) * 4;
    quarter_days * i128::from(MICROS_PER_DAY / 4) + i128::from(interval.micros)
}

/// A field of what a clock shows; `instant` is the same in UTC.
fn moment_part(part: Part, local: i64, instant: i64) -> Option<(i128, i8)> {
    let (day, time) = day_and_time(local);
    match part {
        Part::Epoch => Some((i128::from(instant), 6)),
        Part::Julian => {
            let whole = i128::from(day + UNIX_EPOCH_JULIAN_DAY) * 10_i128.pow(20);
            let part = i128::from(time) * 10_i128.pow(20) / i128::from(MICROS_PER_DAY);
            Some((whole + part, 20))
        }
        Part::Timezone | Part::TimezoneHour | Part::TimezoneMinute => None,
        _ => time_part(part, time).or_else(|| day_part(part, day)),
    }
}

fn time_part(part: Part, time: i64) -> Option<(i128, i8)> {
    let in_minute = time % MICROS_PER_MINUTE;
    let (value, scale) = match part {
        Part::Microseconds => (in_minute, 0),
        Part::Milliseconds => (in_minute, 3),
        Part::Second => (in_minute, 6),
        Part::Minute => (time / MICROS_PER_MINUTE % 60, 0),
        Part::Hour => (time / MICROS_PER_HOUR, 0),
        _ => return None,
    };
    Some((value.into(), scale))
}

fn day_part(part: Part, day: i64) -> Option<(i128, i8)> {
    let civil = Civil::from_days(day);
    let year = civil.year;
    let value = match part {
        Part::Day => civil.day.into(),
        Part::Dow => weekday(day) as i64,
        Part::Isodow => (day + 3).rem_euclid(7) + 1,
        Part::Doy => day_of_year(day),
        Part::Week => iso_week(day).1,
        Part::Month => civil.month.into(),
        Part::Quarter => i64::from((civil.month - 1) / 3 + 1),
        Part::Year => year_without_zero(year),
        Part::Isoyear => year_without_zero(iso_week(day).0),
        Part::Decade => year.div_euclid(10),
        Part::Century => {
            if year > 0 {
                (year + 99) / 100
            } else {
                -((99 - (year - 1)) / 100)
            }
        }
        Part::Millennium => {
            if year > 0 {
                (year + 999) / 1000
            } else {
                -((999 - (year - 1)) / 1000)
            }
        }
        _ => return None,
    };
    Some((value.into(), 0))
}

fn truncate_timestamp(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "timestamp without time zone")?;
    let values = arguments.values::<TimestampMicrosecondType>(1)?;
    arguments.make::<TimestampMicrosecondType>(|row| {
        let part = fields.at(row)?;
        let local = truncated(part, values.at(row)).ok_or_else(|| fields.unsupported(row))?;
        checked(local).map(Some)
    })
}

fn truncate_timestamptz(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "timestamp with time zone")?;
    let values = arguments.values::<TimestampMicrosecondType>(1)?;
    let names = arguments.optional_texts(2)?;
    let fixed = match &names {
        None => Some(Zone::new(arguments.style().time_zone)),
        Some(names) => match names.constant() {
            Some(name) => Some(Zone::new(zone_named(name)?)),
            None => None,
        },
    };
    arguments.make::<TimestampMicrosecondType>(|row| {
        let part = fields.at(row)?;
        let own = match (&fixed, &names) {
            (None, Some(names)) => Some(Zone::new(zone_named(names.at(row))?)),
            _ => None,
        };
        let zone = own.as_ref().or(fixed.as_ref());
        let utc = Zone::new(TimeZone::UTC);
        let zone = zone.unwrap_or(&utc);
        let instant = values.at(row);
        let local = truncated(part, zone.local(instant)).ok_or_else(|| fields.unsupported(row))?;
        // Below a day the offset stays what it was, so that a doubled hour is not left.
        let is_of_clock = matches!(
            part,
            Part::Hour | Part::Minute | Part::Second | Part::Milliseconds | Part::Microseconds
        );
        let made = match is_of_clock {
            true => local - zone.offset(instant) * MICROS_PER_SECOND,
            false => zone.instant(local),
        };
        checked(made).map(Some)
    })
}

/// The start of the part that a clock time lies in.
fn truncated(part: Part, local: i64) -> Option<i64> {
    use Part::*;
    let (day, _) = day_and_time(local);
    let civil = Civil::from_days(day);
    let start = |year: i64, month: u32| Some(Civil { year, month, day: 1 }.days());
    // Centuries begin with year 1.
    let span_start = |years: i64| start((civil.year - 1).div_euclid(years) * years + 1, 1);
    let day = match part {
        Microseconds => return Some(local),
        Milliseconds => return Some(local.div_euclid(1_000) * 1_000),
        Second => return Some(local.div_euclid(MICROS_PER_SECOND) * MICROS_PER_SECOND),
        Minute => return Some(local.div_euclid(MICROS_PER_MINUTE) * MICROS_PER_MINUTE),
        Hour => return Some(local.div_euclid(MICROS_PER_HOUR) * MICROS_PER_HOUR),
        Day => Some(day),
        Week => Some(day - (day + 3).rem_euclid(7)),
        Month => start(civil.year, civil.month),
        Quarter => start(civil.year, (civil.month - 1) / 3 * 3 + 1),
        Year => start(civil.year, 1),
        Decade => start(civil.year.div_euclid(10) * 10, 1),
        Century => span_start(100),
        Millennium => span_start(1000),
        Dow | Isodow | Doy | Isoyear | Julian | Epoch | Timezone | TimezoneHour
        | TimezoneMinute => None,
    };
    day.map(|day| day * MICROS_PER_DAY)
}

fn truncate_interval(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "interval")?;
    let values = arguments.values::<IntervalMonthDayNanoType>(1)?;
    arguments.make::<IntervalMonthDayNanoType>(|row| {
        truncated_interval(&fields, row, interval_of(values.at(row))).map(Some)
    })
}

/// A time is read as the interval since midnight, as PostgreSQL casts it.
fn truncate_time(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let fields = Fields::new(arguments, "interval")?;
    let values = arguments.values::<Time64MicrosecondType>(1)?;
    arguments.make::<IntervalMonthDayNanoType>(|row| {
        let interval = IntervalValue { months: 0, days: 0, micros: values.at(row) };
        truncated_interval(&fields, row, interval).map(Some)
    })
}

fn truncated_interval(
    fields: &Fields<'_>,
    row: usize,
    interval: IntervalValue,
) -> Result<IntervalMonthDayNano> {
    use Part::*;
    let IntervalValue { months, days, micros } = interval;
    let of_months = |count: i32| Some((months / count * count, 0, 0));
    let of_micros = |count: i64| Some((months, days, micros / count * count));
    let made = match fields.at(row)? {
        Microseconds => of_micros(1),
        Milliseconds => of_micros(1_000),
        Second => of_micros(MICROS_PER_SECOND),
        Minute => of_micros(MICROS_PER_MINUTE),
        Hour => of_micros(MICROS_PER_HOUR),
        Day => Some((months, days, 0)),
        Month => of_months(1),
        Quarter => of_months(3),
        Year => of_months(12),
        Decade => of_months(120),
        Century => of_months(1_200),
        Millennium => of_months(12_000),
        Week | Dow | Isodow | Doy | Isoyear | Julian | Epoch | Timezone | TimezoneHour
        | TimezoneMinute => None,
    };
    let (months, days, micros) = made.ok_or_else(|| fields.unsupported(row))?;
    arrow_interval(IntervalValue { months, days, micros })
}

//! From one way of telling time to another: `AT TIME ZONE`, and the casts between types with a zone and types
//! without one, which go by the session's zone.
//! <https://www.postgresql.org/docs/16/functions-datetime.html#FUNCTIONS-DATETIME-ZONECONVERT>

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{
    DataType, Float64Type, Int32Type, IntervalMonthDayNanoType, Time64MicrosecondType, TimeUnit,
    TimestampMicrosecondType,
};

use crate::base::calendar::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::base::datatype::BaseType;
use crate::base::time_zone::TimeZone;
use crate::base::value::parse_offset;
use crate::base::{Error, ErrorKind, Result};

use super::array::{elements, elements_field};
use super::kernel::{Arguments, Kernel, Kind, Overload, Returns, broken};
use super::moment::*;

const TIMESTAMP: Returns = Returns::Type(BaseType::Timestamp);
const TIMESTAMPTZ: Returns = Returns::Type(BaseType::Timestamptz);
const TIME: Returns = Returns::Type(BaseType::Time);
const INTERVAL: Returns = Returns::Type(BaseType::Interval);

pub const KERNELS: &[Kernel] = &[
    Kernel::immutable(
        "timezone",
        &[
            Overload::new(&[Kind::Text, Kind::Timestamptz], TIMESTAMP, local_in_named),
            Overload::new(&[Kind::Text, Kind::Timestamp], TIMESTAMPTZ, instant_in_named),
            Overload::new(&[Kind::Interval, Kind::Timestamptz], TIMESTAMP, local_in_offset),
            Overload::new(&[Kind::Interval, Kind::Timestamp], TIMESTAMPTZ, instant_in_offset),
        ],
    ),
    Kernel::stable(
        LOCAL_TIMESTAMP,
        &[Overload::new(&[Kind::Timestamptz], TIMESTAMP, |arguments| {
            let zone = Zone::new(arguments.style().time_zone);
            converted(arguments, |value| zone.local(value))
        })],
    ),
    Kernel::stable(
        INSTANT,
        &[Overload::new(&[Kind::Timestamp], TIMESTAMPTZ, |arguments| {
            let zone = Zone::new(arguments.style().time_zone);
            converted(arguments, |value| zone.instant(value))
        })],
    ),
    Kernel::stable(
        LOCAL_ELEMENTS,
        &[Overload::new(
            &[Kind::Array],
            Returns::Computed(|shape| elements_field(shape, &moments(None))),
            |arguments| {
                let zone = Zone::new(arguments.style().time_zone);
                elements(arguments, &|values| {
                    converted_values(values, None, &|value| zone.local(value))
                })
            },
        )],
    ),
    Kernel::stable(
        INSTANT_ELEMENTS,
        &[Overload::new(
            &[Kind::Array],
            Returns::Computed(|shape| elements_field(shape, &moments(Some(UTC)))),
            |arguments| {
                let zone = Zone::new(arguments.style().time_zone);
                elements(arguments, &|values| {
                    converted_values(values, Some(UTC), &|value| zone.instant(value))
                })
            },
        )],
    ),
    Kernel::immutable(
        TIME_OF_INTERVAL,
        &[Overload::new(&[Kind::Interval], TIME, time_of_interval)],
    ),
    Kernel::immutable(
        INTERVAL_OF_TIME,
        &[Overload::new(&[Kind::Time], INTERVAL, interval_of_time)],
    ),
    Kernel::immutable(
        DATETIME_ROUNDED,
        &[
            Overload::new(&[Kind::Timestamp, Kind::Int4], TIMESTAMP, rounded_timestamp),
            Overload::new(&[Kind::Timestamptz, Kind::Int4], TIMESTAMPTZ, rounded_timestamp),
            Overload::new(&[Kind::Time, Kind::Int4], TIME, rounded_time),
            Overload::new(&[Kind::Interval, Kind::Int4], INTERVAL, rounded_interval),
        ],
    ),
    Kernel::immutable(
        "to_timestamp",
        &[
            Overload::new(&[Kind::Float8], TIMESTAMPTZ, of_epoch),
            Overload::new(&[Kind::Text, Kind::Text], TIMESTAMPTZ, super::template::to_timestamp),
        ],
    ),
];

/// A `timestamptz` as the clocks of the session's zone show it.
pub const LOCAL_TIMESTAMP: &str = "timestamp_in_session_zone";
/// The instant at which the clocks of the session's zone show a `timestamp`.
pub const INSTANT: &str = "instant_in_session_zone";
/// The same of the elements of arrays.
pub const LOCAL_ELEMENTS: &str = "timestamps_in_session_zone";
pub const INSTANT_ELEMENTS: &str = "instants_in_session_zone";
/// A moment with so many digits of a second.
pub const DATETIME_ROUNDED: &str = "datetime_rounded";
pub const TIME_OF_INTERVAL: &str = "time_of_interval";
pub const INTERVAL_OF_TIME: &str = "interval_of_time";

/// The zone that a text names. A number of hours counts west, as in POSIX.
/// Errors: 22023.
pub fn zone_named(name: &str) -> Result<TimeZone> {
    let zone = abbreviation(name).map(TimeZone::Fixed).or_else(|| TimeZone::from_name(name));
    if let Some(zone) = zone {
        return Ok(zone);
    }
    let unknown = || {
        let message = format!("time zone \"{name}\" not recognized");
        Error::new(ErrorKind::InvalidParameterValue, message)
    };
    match TimeZone::parse(name).map_err(|_| unknown())? {
        // A bare number is east for SET and west here.
        TimeZone::Fixed(seconds) if name.trim().parse::<f64>().is_ok() => {
            Ok(TimeZone::Fixed(-seconds))
        }
        zone => Ok(zone),
    }
}

/// The same for `make_timestamptz`, where a number of hours counts east and has a sign. Errors: 22023.
pub fn zone_of_maker(name: &str) -> Result<TimeZone> {
    let refused = |message: String| Error::new(ErrorKind::InvalidParameterValue, message);
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        let message = format!("invalid input syntax for type numeric time zone: \"{name}\"");
        return Err(refused(message)
            .with_hint("Numeric time zones must have \"-\" or \"+\" as first character."));
    }
    if !name.starts_with(['+', '-']) {
        return zone_named(name);
    }
    parse_offset(name.as_bytes())
        .map(TimeZone::Fixed)
        .map_err(|_| refused(format!("numeric time zone \"{name}\" out of range")))
}

/// Seconds east of Greenwich of PostgreSQL's most used abbreviations that no zone has for its name.
fn abbreviation(name: &str) -> Option<i32> {
    let hours = match name.to_ascii_uppercase().as_str() {
        "Z" | "UT" | "ZULU" | "WET" => 0,
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" | "AKDT" => -8,
        "AKST" => -9,
        "BST" | "WEST" | "CET" => 1,
        "CEST" | "EET" => 2,
        "EEST" | "MSK" => 3,
        "JST" | "KST" => 9,
        "AEST" => 10,
        "AEDT" => 11,
        _ => return None,
    };
    Some(hours * 3_600)
}

fn converted(arguments: &Arguments<'_>, of: impl Fn(i64) -> i64) -> Result<ArrayRef> {
    let values = arguments.values::<TimestampMicrosecondType>(arguments.count() - 1)?;
    arguments.make::<TimestampMicrosecondType>(|row| checked(of(values.at(row))).map(Some))
}

/// The zone of `timestamptz` in Arrow.
const UTC: &str = "UTC";

/// Moments with a zone, or as clocks show them.
fn moments(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Arc::from))
}

/// Dates or moments with each converted.
fn converted_values(
    values: &ArrayRef,
    zone: Option<&str>,
    of: &dyn Fn(i64) -> i64,
) -> Result<ArrayRef> {
    let micros = cast(values, &moments(None)).map_err(broken)?;
    let micros = micros.as_primitive::<TimestampMicrosecondType>();
    let made = micros.iter().map(|value| value.map(|value| checked(of(value))).transpose());
    let made: TimestampMicrosecondArray = made.collect::<Result<_>>()?;
    Ok(Arc::new(made.with_timezone_opt(zone.map(Arc::<str>::from))))
}

fn in_named(arguments: &Arguments<'_>, of: impl Fn(&Zone, i64) -> i64) -> Result<ArrayRef> {
    let names = arguments.texts(0)?;
    if let Some(name) = names.constant() {
        let zone = Zone::new(zone_named(name)?);
        return converted(arguments, |value| of(&zone, value));
    }
    let values = arguments.values::<TimestampMicrosecondType>(1)?;
    arguments.make::<TimestampMicrosecondType>(|row| {
        let zone = Zone::new(zone_named(names.at(row))?);
        checked(of(&zone, values.at(row))).map(Some)
    })
}

fn local_in_named(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    in_named(arguments, Zone::local)
}

fn instant_in_named(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    in_named(arguments, Zone::instant)
}

fn in_offset(arguments: &Arguments<'_>, sign: i64) -> Result<ArrayRef> {
    let offsets = arguments.values::<IntervalMonthDayNanoType>(0)?;
    let values = arguments.values::<TimestampMicrosecondType>(1)?;
    arguments.make::<TimestampMicrosecondType>(|row| {
        let offset = interval_of(offsets.at(row));
        if offset.months != 0 || offset.days != 0 {
            let message = "interval time zone must not include months or days";
            return Err(Error::new(ErrorKind::InvalidParameterValue, message));
        }
        let seconds = offset.micros / MICROS_PER_SECOND * MICROS_PER_SECOND;
        checked(values.at(row).saturating_add(sign * seconds)).map(Some)
    })
}

fn local_in_offset(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    in_offset(arguments, 1)
}

fn instant_in_offset(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    in_offset(arguments, -1)
}

fn time_of_interval(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let values = arguments.values::<IntervalMonthDayNanoType>(0)?;
    arguments.make::<Time64MicrosecondType>(|row| {
        Ok(Some(interval_of(values.at(row)).micros.rem_euclid(MICROS_PER_DAY)))
    })
}

fn interval_of_time(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let values = arguments.values::<Time64MicrosecondType>(0)?;
    arguments.make::<IntervalMonthDayNanoType>(|row| {
        let micros = values.at(row);
        arrow_interval(crate::base::render::IntervalValue { micros, ..Default::default() })
            .map(Some)
    })
}

const PRECISION_MAX: i32 = 6;

/// Microseconds with as many digits of the second: halves away from zero.
fn rounded(micros: i64, digits: i32) -> i64 {
    let digits = digits.clamp(0, PRECISION_MAX);
    let unit = 10_i64.pow((PRECISION_MAX - digits).unsigned_abs());
    let half = if micros < 0 { -(unit / 2) } else { unit / 2 };
    micros.saturating_add(half) / unit * unit
}

fn rounded_timestamp(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    use crate::base::calendar::POSTGRES_EPOCH_MICROS;
    let values = arguments.values::<TimestampMicrosecondType>(0)?;
    let digits = arguments.values::<Int32Type>(1)?;
    arguments.make::<TimestampMicrosecondType>(|row| {
        let since_2000 = values.at(row).saturating_sub(POSTGRES_EPOCH_MICROS);
        checked(rounded(since_2000, digits.at(row)) + POSTGRES_EPOCH_MICROS).map(Some)
    })
}

fn rounded_time(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let values = arguments.values::<Time64MicrosecondType>(0)?;
    let digits = arguments.values::<Int32Type>(1)?;
    arguments.make::<Time64MicrosecondType>(|row| Ok(Some(rounded(values.at(row), digits.at(row)))))
}

fn rounded_interval(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let values = arguments.values::<IntervalMonthDayNanoType>(0)?;
    let digits = arguments.values::<Int32Type>(1)?;
    arguments.make::<IntervalMonthDayNanoType>(|row| {
        let value = interval_of(values.at(row));
        let micros = rounded(value.micros, digits.at(row));
        arrow_interval(crate::base::render::IntervalValue { micros, ..value }).map(Some)
    })
}

/// `to_timestamp(double precision)`: seconds since 1970.
fn of_epoch(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let values = arguments.values::<Float64Type>(0)?;
    arguments.make::<TimestampMicrosecondType>(|row| {
        let seconds = values.at(row);
        let micros = (seconds * 1e6).round_ties_even();
        if seconds.is_nan() || micros.abs() >= i64::MAX as f64 {
            return Err(timestamp_out_of_range());
        }
        checked(micros as i64).map(Some)
    })
}

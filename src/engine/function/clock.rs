//! The current time, as the statement's facts have it: stable within a transaction where PostgreSQL's is.
//! <https://www.postgresql.org/docs/16/functions-datetime.html#FUNCTIONS-DATETIME-CURRENT>

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Datelike, NaiveDateTime};
use chrono_tz::{TZ_VARIANTS, Tz};
use datafusion::logical_expr::Volatility;

use crate::base::{Error, ErrorKind};
use crate::engine::facts::Facts;
use crate::engine::system::cell::Cell;

use super::define::*;

const PRECISION_MAX: i64 = 6;

pub const FUNCTIONS: &[Function] = &[
    Function::stable("now", &[], TIMESTAMPTZ, transaction_timestamp)
        .aliases(&["transaction_timestamp"]),
    Function::stable("current_timestamp", &[AN_INT4], TIMESTAMPTZ, transaction_timestamp)
        .optional(1),
    Function::stable("statement_timestamp", &[], TIMESTAMPTZ, |call, _| {
        Ok(Cell::Timestamp(call.facts()?.statement_timestamp))
    }),
    Function {
        volatility: Volatility::Volatile,
        ..Function::stable("clock_timestamp", &[], TIMESTAMPTZ, clock_timestamp)
    },
    Function::stable("localtimestamp", &[AN_INT4], TIMESTAMP, local_timestamp).optional(1),
    Function {
        volatility: Volatility::Volatile,
        ..Function::stable("timeofday", &[], TEXT, time_of_day)
    },
    Function::stable("current_date", &[], DATE, current_date).aliases(&["today"]),
];

fn transaction_timestamp<'a>(
    call: &Call<'_>,
    arguments: &'a [Cell<'a>],
) -> Result<Cell<'a>, Error> {
    Ok(Cell::Timestamp(rounded(call.facts()?.transaction_timestamp, arguments)))
}

fn clock_timestamp<'a>(_: &Call<'_>, _: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| Error::internal("the clock stands before 1970").caused_by(error))?;
    i64::try_from(now.as_micros()).map(Cell::Timestamp).map_err(|_| out_of_range())
}

fn local_timestamp<'a>(call: &Call<'_>, arguments: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let local = local_time(call)?.and_utc().timestamp_micros();
    Ok(Cell::Timestamp(rounded(local, arguments)))
}

fn current_date<'a>(call: &Call<'_>, _: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    const EPOCH_DAYS_FROM_CE: i32 = 719_163;
    Ok(Cell::Date(local_time(call)?.date().num_days_from_ce() - EPOCH_DAYS_FROM_CE))
}

/// The time now, as a text: `Mon May 06 07:08:09.123456 2024 CEST`.
fn time_of_day<'a>(call: &Call<'_>, _: &'a [Cell<'a>]) -> Result<Cell<'a>, Error> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_err(|error| Error::internal("the clock stands before 1970").caused_by(error))?;
    let micros = i64::try_from(now.as_micros()).map_err(|_| out_of_range())?;
    let zone = time_zone(call.facts()?)?;
    let now = DateTime::from_timestamp_micros(micros).ok_or_else(out_of_range)?;
    Ok(now.with_timezone(zone).format("%a %b %d %H:%M:%S%.6f %Y %Z").to_string().into())
}

/// The transaction's time on the wall clock of the session's zone.
fn local_time(call: &Call<'_>) -> Result<NaiveDateTime, Error> {
    let facts = call.facts()?;
    let now =
        DateTime::from_timestamp_micros(facts.transaction_timestamp).ok_or_else(out_of_range)?;
    Ok(now.with_timezone(time_zone(facts)?).naive_local())
}

fn time_zone(facts: &Facts) -> Result<&'static Tz, Error> {
    let zone = facts.settings.get("timezone").map_or("UTC", |setting| setting.value.as_str());
    let known = TZ_VARIANTS.iter().find(|known| known.name().eq_ignore_ascii_case(zone));
    known.ok_or_else(|| {
        let message = format!("invalid value for parameter \"TimeZone\": \"{zone}\"");
        Error::new(ErrorKind::InvalidParameterValue, message)
    })
}

/// The time with as many digits of the second as the argument says.
fn rounded(micros: i64, arguments: &[Cell<'_>]) -> i64 {
    if arguments.is_empty() {
        return micros;
    }
    let digits = number(arguments, 0).clamp(0, PRECISION_MAX);
    let unit = 10_i64.pow(u32::try_from(PRECISION_MAX - digits).unwrap_or_default());
    (micros + unit / 2).div_euclid(unit) * unit
}

fn out_of_range() -> Error {
    Error::new(ErrorKind::DatetimeFieldOverflow, "timestamp out of range")
}

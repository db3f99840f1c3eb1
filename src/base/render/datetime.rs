//! Dates, times and timestamps as text in the session's `DateStyle`, and as PostgreSQL's binary counts from
//! the year 2000. It reads no clock.

use bytes::{BufMut, BytesMut};

use super::ascii::Ascii;
use crate::base::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_SECOND, POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_MICROS,
    SECONDS_PER_DAY, weekday,
};
use crate::base::text_style::{DateLayout, DateOrder, DateStyle};
use crate::base::time_zone::OffsetCache;
use crate::base::{Error, ErrorKind, Result};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Writes a date, given in days since 1970-01-01.
pub fn write_date(days: i64, style: DateStyle, out: &mut BytesMut) {
    let civil = Civil::from_days(days);
    let mut line = Ascii::new();
    let separator = match style.layout {
        DateLayout::Iso => {
            push_iso_date(civil, &mut line);
            push_era(civil, &mut line);
            return line.write_to(out);
        }
        DateLayout::Sql => b'/',
        DateLayout::Postgres => b'-',
        DateLayout::German => b'.',
    };
    push_local_date(civil, style, separator, &mut line);
    push_era(civil, &mut line);
    line.write_to(out);
}

/// Writes a time of day, given in microseconds since midnight.
pub fn write_time(micros: i64, out: &mut BytesMut) {
    let mut line = Ascii::new();
    push_time(micros, &mut line);
    line.write_to(out);
}

/// Writes a timestamp without zone, given in microseconds since 1970-01-01.
pub fn write_timestamp(micros: i64, style: DateStyle, out: &mut BytesMut) {
    let mut line = Ascii::new();
    let civil = push_timestamp(i128::from(micros), style, &mut line);
    push_era(civil, &mut line);
    line.write_to(out);
}

/// Writes an instant, given in microseconds since 1970-01-01 UTC, as clocks of the zone show it.
pub fn write_timestamptz(micros: i64, style: DateStyle, zone: &OffsetCache, out: &mut BytesMut) {
    let utc_seconds = micros.div_euclid(MICROS_PER_SECOND);
    let offset = zone.offset_at(utc_seconds);
    let local = i128::from(micros) + i128::from(offset) * i128::from(MICROS_PER_SECOND);
    let mut line = Ascii::new();
    let civil = push_timestamp(local, style, &mut line);
    if style.layout == DateLayout::Iso {
        push_offset(offset, &mut line);
    } else {
        zone.zone().with_abbreviation_at(utc_seconds, |abbreviation| {
            line.push(b' ');
            match abbreviation {
                Some(name) => line.push_str(name),
                None => push_offset(offset, &mut line),
            }
        });
    }
    push_era(civil, &mut line);
    line.write_to(out);
}

/// Writes a timestamp as JSON has it: ISO 8601 with a `T`, and with the offset of the zone if there is one.
pub fn write_json_timestamp(micros: i64, zone: Option<&OffsetCache>, out: &mut BytesMut) {
    let offset = zone.map(|zone| zone.offset_at(micros.div_euclid(MICROS_PER_SECOND)));
    let east = i128::from(offset.unwrap_or(0)) * i128::from(MICROS_PER_SECOND);
    let (days, time) = split(i128::from(micros) + east);
    let civil = Civil::from_days(days);
    let mut line = Ascii::new();
    push_iso_date(civil, &mut line);
    line.push(b'T');
    push_time(time, &mut line);
    if let Some(offset) = offset {
        push_offset(offset, &mut line);
        if offset % 3600 == 0 {
            line.push_str(":00");
        }
    }
    push_era(civil, &mut line);
    line.write_to(out);
}

/// The binary form of a date: days since 2000-01-01.
pub fn binary_date(days: i64) -> Result<i32> {
    let since_2000 =
        days.checked_sub(POSTGRES_EPOCH_DAYS).and_then(|days| i32::try_from(days).ok());
    since_2000.ok_or_else(|| Error::new(ErrorKind::DatetimeFieldOverflow, "date out of range"))
}

/// The binary form of a timestamp: microseconds since 2000-01-01.
pub fn binary_timestamp(micros: i64) -> Result<i64> {
    micros.checked_sub(POSTGRES_EPOCH_MICROS).ok_or_else(timestamp_out_of_range)
}

/// 22008, for instants that 64 bits of microseconds do not hold.
pub fn timestamp_out_of_range() -> Error {
    Error::new(ErrorKind::DatetimeFieldOverflow, "timestamp out of range")
}

fn split(local_micros: i128) -> (i64, i64) {
    let day = i128::from(MICROS_PER_DAY);
    (local_micros.div_euclid(day) as i64, local_micros.rem_euclid(day) as i64)
}

fn push_timestamp(local_micros: i128, style: DateStyle, line: &mut Ascii) -> Civil {
    let (days, time) = split(local_micros);
    let civil = Civil::from_days(days);
    match style.layout {
        DateLayout::Iso => push_iso_date(civil, line),
        DateLayout::Sql => push_local_date(civil, style, b'/', line),
        DateLayout::German => push_local_date(civil, style, b'.', line),
        DateLayout::Postgres => {
            let month = MONTHS.get(civil.month as usize - 1).copied().unwrap_or_default();
            line.push_str(WEEKDAYS.get(weekday(days)).copied().unwrap_or_default());
            line.push(b' ');
            if style.order == DateOrder::Dmy {
                line.push_two(civil.day);
                line.push(b' ');
                line.push_str(month);
            } else {
                line.push_str(month);
                line.push(b' ');
                line.push_two(civil.day);
            }
            line.push(b' ');
            push_time(time, line);
            line.push(b' ');
            line.push_year(displayed_year(civil));
            return civil;
        }
    }
    line.push(b' ');
    push_time(time, line);
    civil
}

fn push_iso_date(civil: Civil, line: &mut Ascii) {
    line.push_year(displayed_year(civil));
    line.push(b'-');
    line.push_two(civil.month);
    line.push(b'-');
    line.push_two(civil.day);
}

fn push_local_date(civil: Civil, style: DateStyle, separator: u8, line: &mut Ascii) {
    let day_first = style.order == DateOrder::Dmy || style.layout == DateLayout::German;
    let (first, second) =
        if day_first { (civil.day, civil.month) } else { (civil.month, civil.day) };
    line.push_two(first);
    line.push(separator);
    line.push_two(second);
    line.push(separator);
    line.push_year(displayed_year(civil));
}

fn push_time(micros: i64, line: &mut Ascii) {
    let seconds = (micros / MICROS_PER_SECOND).clamp(0, SECONDS_PER_DAY) as u32;
    line.push_two(seconds / 3600);
    line.push(b':');
    line.push_two(seconds / 60 % 60);
    line.push(b':');
    line.push_two(seconds % 60);
    line.push_fraction(micros.rem_euclid(MICROS_PER_SECOND) as u32);
}

/// `+02`, `+05:30` or `+00:53:28`.
fn push_offset(seconds: i32, line: &mut Ascii) {
    line.push(if seconds < 0 { b'-' } else { b'+' });
    let magnitude = seconds.unsigned_abs();
    line.push_two(magnitude / 3600);
    if !magnitude.is_multiple_of(3600) {
        line.push(b':');
        line.push_two(magnitude / 60 % 60);
    }
    if !magnitude.is_multiple_of(60) {
        line.push(b':');
        line.push_two(magnitude % 60);
    }
}

fn push_era(civil: Civil, line: &mut Ascii) {
    if civil.year <= 0 {
        line.push_str(" BC");
    }
}

/// Year 0 is 1 BC, year -1 is 2 BC.
fn displayed_year(civil: Civil) -> u64 {
    if civil.year > 0 { civil.year as u64 } else { (1 - civil.year) as u64 }
}

/// Writes the binary form of a timestamp.
pub fn write_binary_timestamp(micros: i64, out: &mut BytesMut) -> Result<()> {
    out.put_i64(binary_timestamp(micros)?);
    Ok(())
}

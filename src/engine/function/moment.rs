//! Dates, times and intervals as kernels reckon with them: microseconds, civil days, the session's zone. It
//! reads no text and knows no function.

use datafusion::arrow::datatypes::IntervalMonthDayNano;

use crate::base::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_SECOND, POSTGRES_EPOCH_MICROS, days_in_month,
};
use crate::base::render::IntervalValue;
use crate::base::time_zone::{OffsetCache, TimeZone};
use crate::base::{Error, ErrorKind, Result};

pub const MICROS_PER_HOUR: i64 = 3_600 * MICROS_PER_SECOND;
pub const MICROS_PER_MINUTE: i64 = 60 * MICROS_PER_SECOND;

/// PostgreSQL's timestamps begin with 4714-11-24 BC and end before 294277-01-01.
const FIRST_MICROS: i64 = -211_813_488_000_000_000 + POSTGRES_EPOCH_MICROS;
const END_MICROS: i64 = 9_223_371_331_200_000_000;

/// The day since 1970-01-01 and the microsecond in it.
pub fn day_and_time(micros: i64) -> (i64, i64) {
    (micros.div_euclid(MICROS_PER_DAY), micros.rem_euclid(MICROS_PER_DAY))
}

/// 22008.
pub fn timestamp_out_of_range() -> Error {
    Error::new(ErrorKind::DatetimeFieldOverflow, "timestamp out of range")
}

/// 22008.
pub fn interval_out_of_range() -> Error {
    Error::new(ErrorKind::DatetimeFieldOverflow, "interval out of range")
}

/// The timestamp, when PostgreSQL has it.
pub fn checked(micros: i64) -> Result<i64> {
    if (FIRST_MICROS..END_MICROS).contains(&micros) {
        Ok(micros)
    } else {
        Err(timestamp_out_of_range())
    }
}

/// The microsecond of a day and a time.
pub fn at_time(days: i64, time: i64) -> Result<i64> {
    let micros = days.checked_mul(MICROS_PER_DAY).and_then(|start| start.checked_add(time));
    checked(micros.ok_or_else(timestamp_out_of_range)?)
}

/// A zone with its offsets remembered.
pub struct Zone {
    offsets: OffsetCache,
}

impl Zone {
    pub fn new(zone: TimeZone) -> Zone {
        Zone { offsets: OffsetCache::new(zone) }
    }

    /// Seconds east of Greenwich at an instant.
    pub fn offset(&self, instant: i64) -> i64 {
        i64::from(self.offsets.offset_at(instant.div_euclid(MICROS_PER_SECOND)))
    }

    /// What the zone's clocks show at an instant.
    pub fn local(&self, instant: i64) -> i64 {
        instant.saturating_add(self.offset(instant) * MICROS_PER_SECOND)
    }

    /// The instant at which the zone's clocks show this.
    pub fn instant(&self, local: i64) -> i64 {
        let seconds = local.div_euclid(MICROS_PER_SECOND);
        let fraction = local.rem_euclid(MICROS_PER_SECOND);
        let instant = self.offsets.zone().utc_of_local(seconds);
        instant.saturating_mul(MICROS_PER_SECOND).saturating_add(fraction)
    }
}

/// The day some months later, or the last of its month.
pub fn add_months(days: i64, months: i32) -> i64 {
    if months == 0 {
        return days;
    }
    let civil = Civil::from_days(days);
    let count = civil.year * 12 + i64::from(civil.month) - 1 + i64::from(months);
    let year = count.div_euclid(12);
    let month = count.rem_euclid(12) as u32 + 1;
    let day = civil.day.min(days_in_month(year, month));
    Civil { year, month, day }.days()
}

/// A clock time and an interval: months first, then days, then the time.
pub fn add_interval(local: i64, interval: IntervalValue) -> Result<i64> {
    let (days, time) = day_and_time(local);
    let days = add_months(days, interval.months) + i64::from(interval.days);
    let micros = at_time(days, time)?.checked_add(interval.micros);
    checked(micros.ok_or_else(timestamp_out_of_range)?)
}

/// An instant and an interval: months and days on the zone's clocks, the time as it passes.
pub fn add_interval_in(zone: &Zone, instant: i64, interval: IntervalValue) -> Result<i64> {
    let mut moved = instant;
    if interval.months != 0 || interval.days != 0 {
        let by_days = IntervalValue { micros: 0, ..interval };
        moved = zone.instant(add_interval(zone.local(instant), by_days)?);
    }
    checked(moved.checked_add(interval.micros).ok_or_else(timestamp_out_of_range)?)
}

/// The interval with all its signs changed.
pub fn negated(interval: IntervalValue) -> Result<IntervalValue> {
    let value = || {
        Some(IntervalValue {
            months: interval.months.checked_neg()?,
            days: interval.days.checked_neg()?,
            micros: interval.micros.checked_neg()?,
        })
    };
    value().ok_or_else(interval_out_of_range)
}

/// An interval of Arrow as PostgreSQL has it.
pub fn interval_of(value: IntervalMonthDayNano) -> IntervalValue {
    IntervalValue {
        months: value.months,
        days: value.days,
        micros: value.nanoseconds.div_euclid(1_000),
    }
}

/// An interval of PostgreSQL as Arrow has it.
pub fn arrow_interval(value: IntervalValue) -> Result<IntervalMonthDayNano> {
    let nanoseconds = value.micros.checked_mul(1_000).ok_or_else(interval_out_of_range)?;
    Ok(IntervalMonthDayNano::new(value.months, value.days, nanoseconds))
}

/// Whole days of a time, cut towards zero, and the rest.
pub fn justified_hours(interval: IntervalValue) -> Result<IntervalValue> {
    let days = i32::try_from(interval.micros / MICROS_PER_DAY);
    let micros = interval.micros % MICROS_PER_DAY;
    let days = days.ok().and_then(|days| interval.days.checked_add(days));
    Ok(same_sign_time(IntervalValue {
        days: days.ok_or_else(interval_out_of_range)?,
        micros,
        ..interval
    }))
}

/// Months of 30 days.
pub fn justified_days(interval: IntervalValue) -> Result<IntervalValue> {
    let months = interval.months.checked_add(interval.days / 30);
    Ok(same_sign_days(IntervalValue {
        months: months.ok_or_else(interval_out_of_range)?,
        days: interval.days % 30,
        ..interval
    }))
}

/// Days and months out of everything, with one sign.
pub fn justified(interval: IntervalValue) -> Result<IntervalValue> {
    let carried = i32::try_from(interval.micros / MICROS_PER_DAY);
    let days = carried.ok().and_then(|days| interval.days.checked_add(days));
    let days = days.ok_or_else(interval_out_of_range)?;
    let months = interval.months.checked_add(days / 30).ok_or_else(interval_out_of_range)?;
    let mut made =
        IntervalValue { months, days: days % 30, micros: interval.micros % MICROS_PER_DAY };
    if made.months > 0 && (made.days < 0 || made.days == 0 && made.micros < 0) {
        made.days += 30;
        made.months -= 1;
    } else if made.months < 0 && (made.days > 0 || made.days == 0 && made.micros > 0) {
        made.days -= 30;
        made.months += 1;
    }
    Ok(same_sign_time(made))
}

fn same_sign_time(mut interval: IntervalValue) -> IntervalValue {
    if interval.days > 0 && interval.micros < 0 {
        interval.micros += MICROS_PER_DAY;
        interval.days -= 1;
    } else if interval.days < 0 && interval.micros > 0 {
        interval.micros -= MICROS_PER_DAY;
        interval.days += 1;
    }
    interval
}

fn same_sign_days(mut interval: IntervalValue) -> IntervalValue {
    if interval.months > 0 && interval.days < 0 {
        interval.days += 30;
        interval.months -= 1;
    } else if interval.months < 0 && interval.days > 0 {
        interval.days -= 30;
        interval.months += 1;
    }
    interval
}

/// The ISO year and week of a day.
pub fn iso_week(days: i64) -> (i64, i64) {
    // The Thursday of a week tells its year.
    let weekday = (days + 3).rem_euclid(7);
    let thursday = days - weekday + 3;
    let year = Civil::from_days(thursday).year;
    let first = Civil { year, month: 1, day: 1 }.days();
    (year, (thursday - first) / 7 + 1)
}

/// The Monday of the first ISO week of a year.
pub fn iso_year_start(year: i64) -> i64 {
    let fourth = Civil { year, month: 1, day: 4 }.days();
    fourth - (fourth + 3).rem_euclid(7)
}

/// The day of the year, from 1.
pub fn day_of_year(days: i64) -> i64 {
    let year = Civil::from_days(days).year;
    days - Civil { year, month: 1, day: 1 }.days() + 1
}

/// Years as people count them: there is no year 0, 1 BC is -1.
pub fn year_without_zero(year: i64) -> i64 {
    if year > 0 { year } else { year - 1 }
}

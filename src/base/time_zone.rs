//! Time zones as the `TimeZone` setting names them, and the offsets they have at an instant. It reads no
//! clock and renders no timestamp.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Offset, TimeZone as _};
use chrono_tz::{OffsetName, TZ_VARIANTS, Tz};

use super::calendar::{Civil, SECONDS_PER_DAY};
use super::error::{Error, ErrorKind, Result};

/// The time zone of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeZone {
    /// A zone of the IANA database, with its history of offsets.
    Named(Tz),
    /// Seconds east of Greenwich, at all times.
    Fixed(i32),
}

/// PostgreSQL takes no zone that is more than a week away (`MAX_TZDISP_HOUR` is for literals only).
const OFFSET_SECONDS_MAX: i32 = 167 * 3600 + 3599;

impl TimeZone {
    pub const UTC: TimeZone = TimeZone::Named(Tz::UTC);

    /// Reads the value of the `TimeZone` setting.
    ///
    /// The rules are PostgreSQL's: names in any case; a plain number is hours *east* (`+02`, `5.5`); a
    /// POSIX form counts *west* (`GMT-03:30`, `<+05>-5`, `-03:30` are all east of Greenwich).
    pub fn parse(text: &str) -> Result<TimeZone> {
        let trimmed = text.trim();
        let zone = named(trimmed).or_else(|| hours_east(trimmed)).or_else(|| posix(trimmed));
        zone.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidParameterValue,
                format!("invalid value for parameter \"TimeZone\": \"{text}\""),
            )
        })
    }

    /// Seconds east of Greenwich at an instant, given in seconds since 1970-01-01 UTC.
    pub fn offset_at(self, utc_seconds: i64) -> i32 {
        match self {
            TimeZone::Named(zone) => {
                let instant = covered_instant(utc_seconds);
                zone.offset_from_utc_datetime(&instant.naive_utc()).fix().local_minus_utc()
            }
            TimeZone::Fixed(seconds) => seconds,
        }
    }

    /// The instant at which clocks of this zone show `local_seconds`, both in seconds since 1970-01-01.
    ///
    /// A time that a change of offset skips is read with the offset before the change, a time that
    /// happens twice is its second happening, as in PostgreSQL.
    pub fn utc_of_local(self, local_seconds: i64) -> i64 {
        let before = i64::from(self.offset_at(local_seconds.saturating_sub(SECONDS_PER_DAY)));
        let after = i64::from(self.offset_at(local_seconds.saturating_add(SECONDS_PER_DAY)));
        let early = local_seconds.saturating_sub(before);
        let late = local_seconds.saturating_sub(after);
        if before != after && i64::from(self.offset_at(late)) == after { late } else { early }
    }

    /// Calls `take` with the abbreviation in use at an instant, such as `CET`, if the zone has one.
    pub fn with_abbreviation_at<T>(
        self,
        utc_seconds: i64,
        take: impl FnOnce(Option<&str>) -> T,
    ) -> T {
        match self {
            TimeZone::Named(zone) => {
                let instant = covered_instant(utc_seconds);
                take(zone.offset_from_utc_datetime(&instant.naive_utc()).abbreviation())
            }
            TimeZone::Fixed(seconds) => take(Some(&offset_text(seconds))),
        }
    }

    /// The zone that a literal or a setting calls `name`, in any case.
    pub fn from_name(name: &str) -> Option<TimeZone> {
        named(name)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TimeZone::Named(zone) => f.write_str(zone.name()),
            TimeZone::Fixed(seconds) => {
                // POSIX counts west: a zone two hours east is <+02>-02.
                write!(f, "<{}>{}", offset_text(*seconds), offset_text(-*seconds))
            }
        }
    }
}

/// `+02` or `+05:30`.
fn offset_text(seconds: i32) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let magnitude = seconds.unsigned_abs();
    let (hours, minutes, rest) = (magnitude / 3600, magnitude / 60 % 60, magnitude % 60);
    match (minutes, rest) {
        (0, 0) => format!("{sign}{hours:02}"),
        (_, 0) => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}:{minutes:02}:{rest:02}"),
    }
}

fn named(name: &str) -> Option<TimeZone> {
    if let Ok(zone) = name.parse::<Tz>() {
        return Some(TimeZone::Named(zone));
    }
    TZ_VARIANTS
        .iter()
        .find(|zone| zone.name().eq_ignore_ascii_case(name))
        .map(|&zone| TimeZone::Named(zone))
}

fn hours_east(text: &str) -> Option<TimeZone> {
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
    let hours: f64 = text.parse().ok().filter(|_| numeric)?;
    let seconds = (hours * 3600.0) as i32;
    (seconds.abs() <= OFFSET_SECONDS_MAX).then_some(TimeZone::Fixed(seconds))
}

/// `GMT-03:30`, `<+05>-5`, `-03:30`: an optional name, then the hours west of Greenwich.
fn posix(text: &str) -> Option<TimeZone> {
    let offset = match text.strip_prefix('<') {
        Some(quoted) => quoted.split_once('>')?.1,
        None => text.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()),
    };
    let (east, digits) = match offset.as_bytes().first()? {
        b'-' => (1, offset.get(1..)?),
        b'+' => (-1, offset.get(1..)?),
        _ => (-1, offset),
    };
    let (hours, minutes) = digits.split_once(':').unwrap_or((digits, "0"));
    let seconds = two_digits(hours)? * 3600 + two_digits(minutes).filter(|&part| part < 60)? * 60;
    Some(TimeZone::Fixed(east * seconds))
}

fn two_digits(text: &str) -> Option<i32> {
    let fits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| fits)
}

/// The instant whose offset holds for `utc_seconds` too, inside what the zone tables cover.
///
/// The tables end in 2099. Their last rules go on, so a later year has the offsets of the covered year
/// that begins on the same weekday and is as long: the calendar repeats every 28 years in there. Only Morocco,
/// whose tables follow Ramadan until 2087, may be an hour off after 2099.
fn covered_instant(utc_seconds: i64) -> DateTime<chrono::Utc> {
    const FIRST_SECOND: i64 = -5_364_662_400; // 1800-01-01: all zones have local mean time then
    const LAST_SECOND: i64 = 4_039_372_800; // 2098-01-01
    let covered = if utc_seconds < LAST_SECOND {
        utc_seconds.max(FIRST_SECOND)
    } else {
        let days = utc_seconds.div_euclid(SECONDS_PER_DAY);
        let civil = Civil::from_days(days);
        let new_year = |year| Civil { year, month: 1, day: 1 }.days();
        let (start, end) = (new_year(civil.year), new_year(civil.year + 1));
        let alike = (2070..2098).rev().find(|&year| {
            (new_year(year) - start) % 7 == 0 && new_year(year + 1) - new_year(year) == end - start
        });
        let start_alike = alike.map_or(start, new_year);
        (days - start + start_alike) * SECONDS_PER_DAY + utc_seconds.rem_euclid(SECONDS_PER_DAY)
    };
    DateTime::from_timestamp(covered, 0).unwrap_or_default()
}

/// Offsets of one zone, remembered by day: most timestamps of a batch lie near each other.
///
/// Only days without a change of offset are remembered. Shared reads and writes are safe: a slot is one
/// atomic word that holds the day together with its offset.
pub struct OffsetCache {
    zone: TimeZone,
    slots: Vec<AtomicU64>,
}

const SLOTS: usize = 1024;

/// A day that no timestamp has.
const NO_DAY: u64 = (i32::MIN as u32 as u64) << 32;

impl OffsetCache {
    pub fn new(zone: TimeZone) -> OffsetCache {
        let slots = match zone {
            TimeZone::Named(Tz::UTC) | TimeZone::Fixed(_) => Vec::new(),
            TimeZone::Named(_) => (0..SLOTS).map(|_| AtomicU64::new(NO_DAY)).collect(),
        };
        OffsetCache { zone, slots }
    }

    /// As [`TimeZone::offset_at`].
    pub fn offset_at(&self, utc_seconds: i64) -> i32 {
        let day = utc_seconds.div_euclid(SECONDS_PER_DAY);
        let Some(slot) = self.slots.get(day.rem_euclid(SLOTS as i64) as usize) else {
            return match self.zone {
                TimeZone::Named(_) => 0,
                TimeZone::Fixed(seconds) => seconds,
            };
        };
        let known = slot.load(Ordering::Relaxed);
        if (known >> 32) as u32 as i32 as i64 == day {
            return known as u32 as i32;
        }
        let offset = self.zone.offset_at(utc_seconds);
        let first = self.zone.offset_at(day * SECONDS_PER_DAY);
        let last = self.zone.offset_at((day + 1) * SECONDS_PER_DAY - 1);
        if let (true, true, Ok(day)) = (offset == first, offset == last, i32::try_from(day)) {
            slot.store(u64::from(day as u32) << 32 | u64::from(offset as u32), Ordering::Relaxed);
        }
        offset
    }

    pub fn zone(&self) -> TimeZone {
        self.zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: TimeZone = TimeZone::Named(Tz::Europe__Berlin);

    #[test]
    fn settings_are_read_as_postgresql_reads_them() {
        for (text, zone) in [
            ("europe/berlin", BERLIN),
            ("UTC", TimeZone::UTC),
            ("GMT", TimeZone::Named(Tz::GMT)),
            ("+02", TimeZone::Fixed(7200)),
            ("-5", TimeZone::Fixed(-18000)),
            ("5.5", TimeZone::Fixed(19800)),
            ("-03:30", TimeZone::Fixed(12600)),
            ("GMT-03:30", TimeZone::Fixed(12600)),
            ("GMT+3", TimeZone::Fixed(-10800)),
            ("<+05>-5", TimeZone::Fixed(18000)),
        ] {
            assert_eq!(TimeZone::parse(text).unwrap(), zone, "{text}");
        }
        for text in ["", "PST", "Z", "Mars/Phobos", "nan", "+03:30:15", "+03:99"] {
            assert_eq!(TimeZone::parse(text).unwrap_err().sqlstate(), "22023", "{text}");
        }
        assert_eq!(TimeZone::Fixed(19800).to_string(), "<+05:30>-05:30");
    }

    #[test]
    fn skipped_times_take_the_earlier_offset_and_doubled_times_the_later() {
        let local = |month, day, hour: i64, minute: i64| {
            Civil { year: 2024, month, day }.days() * SECONDS_PER_DAY + hour * 3600 + minute * 60
        };
        assert_eq!(local(3, 31, 2, 30) - BERLIN.utc_of_local(local(3, 31, 2, 30)), 3600);
        assert_eq!(local(3, 31, 3, 0) - BERLIN.utc_of_local(local(3, 31, 3, 0)), 7200);
        assert_eq!(local(10, 27, 2, 30) - BERLIN.utc_of_local(local(10, 27, 2, 30)), 3600);
        assert_eq!(local(10, 27, 1, 59) - BERLIN.utc_of_local(local(10, 27, 1, 59)), 7200);
    }

    #[test]
    fn summer_time_goes_on_after_the_tables_end() {
        let july = Civil { year: 9876, month: 7, day: 4 }.days() * SECONDS_PER_DAY;
        let january = Civil { year: 9876, month: 1, day: 4 }.days() * SECONDS_PER_DAY;
        assert_eq!((BERLIN.offset_at(july), BERLIN.offset_at(january)), (7200, 3600));
        assert_eq!(BERLIN.offset_at(i64::MIN / 2), 3208);
    }

    #[test]
    fn remembered_offsets_are_the_real_ones() {
        let cache = OffsetCache::new(BERLIN);
        for second in (0..4_000_000_000).step_by(1_000_003) {
            assert_eq!(cache.offset_at(second), BERLIN.offset_at(second));
            assert_eq!(cache.offset_at(second + 3000), BERLIN.offset_at(second + 3000));
        }
    }
}

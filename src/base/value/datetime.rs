//! Dates, times and timestamps from the many texts that PostgreSQL takes: `2024-01-31 10:00+02`, `20240131`,
//! `Jan 31 2024`, `1/31/2024`, `now`. It reads the clock for `now` and the words beside it, nothing else.

use chrono::Utc;

use super::clock::{Clock, OffsetError, digits, parse_offset, split_fraction};
use super::datetime_tokens::{Token, tokens};
use super::datetime_words::{Special, Word, meaning};
use super::syntax::{datetime_out_of_range, field_overflow, invalid_datetime, shown, trimmed};
use crate::base::calendar::{
    Civil, MICROS_PER_DAY, MICROS_PER_SECOND, SECONDS_PER_DAY, UNIX_EPOCH_JULIAN_DAY, days_in_month,
};
use crate::base::text_style::{DateOrder, TextStyle};
use crate::base::time_zone::TimeZone;
use crate::base::{Error, ErrorKind, Result};

/// The last day of PostgreSQL's `date`, 5874897-12-31, from its Julian day.
const LAST_DAY: i64 = 2_147_483_493 - UNIX_EPOCH_JULIAN_DAY;

/// Reads a `date` as days since 1970-01-01. A time and a zone after the date are ignored.
pub fn parse_date(text: &[u8], style: &TextStyle) -> Result<i32> {
    if let Some(days) = iso_date(text) {
        return Ok(days as i32);
    }
    let moment = Moment::parse(text, "date", style)?;
    let days = moment.days.ok_or_else(|| invalid_datetime("date", text))?;
    let in_range = (-UNIX_EPOCH_JULIAN_DAY..=LAST_DAY).contains(&days);
    i32::try_from(days).ok().filter(|_| in_range).ok_or_else(|| datetime_out_of_range("date", text))
}

/// Reads a `time` as microseconds since midnight. A date and a zone are ignored.
pub fn parse_time(text: &[u8], style: &TextStyle) -> Result<i64> {
    let moment = Moment::parse(text, "time", style)?;
    moment.time.ok_or_else(|| invalid_datetime("time", text))
}

/// Reads a `timetz`: microseconds since midnight, and seconds east of Greenwich. Without a zone it is in the session's,
/// at the date that stands there, or now.
pub fn parse_timetz(text: &[u8], style: &TextStyle) -> Result<(i64, i32)> {
    let type_name = "time with time zone";
    let moment = Moment::parse(text, type_name, style)?;
    let micros = moment.time.ok_or_else(|| invalid_datetime(type_name, text))?;
    let local = moment.days.map(|days| days * SECONDS_PER_DAY + micros / MICROS_PER_SECOND);
    let offset_at = |zone: TimeZone, local: i64| zone.offset_at(zone.utc_of_local(local));
    let offset = match (moment.zone, local) {
        (Some(TimeZone::Fixed(offset)), _) => offset,
        (Some(zone), Some(local)) => offset_at(zone, local),
        // The offset of a place changes with the date.
        (Some(zone), None) if zone == TimeZone::UTC => 0,
        (Some(_), None) => return Err(invalid_datetime(type_name, text)),
        (None, Some(local)) => offset_at(style.time_zone, local),
        (None, None) => style.time_zone.offset_at(chrono::Utc::now().timestamp()),
    };
    Ok((micros, offset))
}

/// Reads a `timestamp` as microseconds since 1970-01-01. A zone is ignored.
pub fn parse_timestamp(text: &[u8], style: &TextStyle) -> Result<i64> {
    if let Some((micros, _)) = iso_timestamp(text) {
        return Ok(micros);
    }
    let moment = Moment::parse(text, "timestamp", style)?;
    local_micros(&moment, text, "timestamp")
}

/// Reads a `timestamptz` as microseconds since 1970-01-01 UTC. Without a zone it is in the session's.
pub fn parse_timestamptz(text: &[u8], style: &TextStyle) -> Result<i64> {
    let (local, zone) = match iso_timestamp(text) {
        Some((local, offset)) => (local, offset.map(TimeZone::Fixed)),
        None => {
            let moment = Moment::parse(text, "timestamp with time zone", style)?;
            (local_micros(&moment, text, "timestamp with time zone")?, moment.zone)
        }
    };
    let seconds = local.div_euclid(MICROS_PER_SECOND);
    let utc = match zone.unwrap_or(style.time_zone) {
        TimeZone::Fixed(offset) => seconds - i64::from(offset),
        zone => zone.utc_of_local(seconds),
    };
    utc.checked_mul(MICROS_PER_SECOND)
        .and_then(|micros| micros.checked_add(local.rem_euclid(MICROS_PER_SECOND)))
        .ok_or_else(|| datetime_out_of_range("timestamp", text))
}

fn local_micros(moment: &Moment, text: &[u8], type_name: &str) -> Result<i64> {
    let days = moment.days.ok_or_else(|| invalid_datetime(type_name, text))?;
    Some(days)
        .filter(|&days| days >= -UNIX_EPOCH_JULIAN_DAY)
        .and_then(|days| days.checked_mul(MICROS_PER_DAY))
        .and_then(|micros| micros.checked_add(moment.time.unwrap_or(0)))
        .ok_or_else(|| datetime_out_of_range("timestamp", text))
}

/// Exactly `YYYY-MM-DD`: what nearly every date is.
#[inline]
fn iso_date(text: &[u8]) -> Option<i64> {
    let &[a, b, c, d, b'-', e, f, b'-', g, h] = text else { return None };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let two = |high: u8, low: u8| Some(digit(high)? * 10 + digit(low)?);
    let year = i64::from(two(a, b)? * 100 + two(c, d)?);
    let (month, day) = (two(e, f)?, two(g, h)?);
    let valid =
        year > 0 && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    valid.then(|| Civil { year, month, day }.days())
}

/// Exactly `YYYY-MM-DD HH:MM:SS`, with `T` or a space, an optional fraction and an optional `Z` or offset.
#[inline]
fn iso_timestamp(text: &[u8]) -> Option<(i64, Option<i32>)> {
    let (date, rest) = text.split_at_checked(10)?;
    let days = iso_date(date)?;
    let (&[b' ' | b'T', a, b, b':', c, d, b':', e, f], rest) = rest.split_first_chunk::<9>()?
    else {
        return None;
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| i64::from(byte - b'0'));
    let two = |high: u8, low: u8| Some(digit(high)? * 10 + digit(low)?);
    let (hours, minutes, seconds) = (two(a, b)?, two(c, d)?, two(e, f)?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let mut micros = 0;
    let mut zone = rest;
    if let Some((b'.', fraction)) = rest.split_first() {
        let count = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 || count > 6 {
            return None;
        }
        for position in 0..6 {
            micros = micros * 10
                + fraction
                    .get(position)
                    .filter(|_| position < count)
                    .map_or(0, |digit| i64::from(digit - b'0'));
        }
        zone = fraction.get(count..)?;
    }
    let offset = match zone {
        [] => None,
        b"Z" | b"+00" | b"+00:00" => Some(0),
        _ => Some(parse_offset(zone).ok()?),
    };
    let seconds = days * SECONDS_PER_DAY + hours * 3600 + minutes * 60 + seconds;
    Some((seconds * MICROS_PER_SECOND + micros, offset))
}

/// What a text says, before a type is made of it.
struct Moment {
    days: Option<i64>,
    time: Option<i64>,
    zone: Option<TimeZone>,
}

/// A number in a date, with the count of its digits: `08` and `1999` mean different things.
#[derive(Clone, Copy)]
struct Part {
    value: i64,
    width: usize,
}

impl Part {
    fn parse(text: &[u8]) -> Option<Part> {
        Some(Part { value: digits(text)?, width: text.len() })
    }

    /// `1999` and `099` can only be years.
    fn is_year(self) -> bool {
        self.width >= 3
    }
}

/// Collects what the tokens say.
struct Reader<'a> {
    text: &'a [u8],
    type_name: &'a str,
    order: DateOrder,
    numbers: Vec<Part>,
    month: Option<u32>,
    date: Option<i64>,
    /// A complete date whose year may still turn out to be before Christ.
    civil: Option<(Part, i64, i64)>,
    clock: Option<Clock>,
    zone: Option<TimeZone>,
    before_christ: bool,
    afternoon: Option<bool>,
    special: Option<Special>,
    mark: Option<Word>,
}

impl Moment {
    fn parse(text: &[u8], type_name: &str, style: &TextStyle) -> Result<Moment> {
        let mut reader = Reader {
            text,
            type_name,
            order: style.date_style.order,
            numbers: Vec::new(),
            month: None,
            date: None,
            civil: None,
            clock: None,
            zone: None,
            before_christ: false,
            afternoon: None,
            special: None,
            mark: None,
        };
        for token in tokens(trimmed(text)).ok_or_else(|| reader.invalid())? {
            reader.take(token)?;
        }
        reader.finish(style)
    }
}

impl Reader<'_> {
    fn invalid(&self) -> Error {
        invalid_datetime(self.type_name, self.text)
    }

    fn overflow(&self) -> Error {
        field_overflow(self.text)
    }

    fn take(&mut self, token: Token<'_>) -> Result<()> {
        match token {
            Token::Number(digits) => self.take_number(digits),
            Token::Date(parts) => self.take_date(parts),
            Token::Clock(text) => {
                let clock = Clock::parse(text).ok_or_else(|| self.invalid())?;
                self.set_clock(clock)
            }
            Token::Offset(text) => {
                let offset = parse_offset(text).map_err(|error| match error {
                    OffsetError::Syntax => self.invalid(),
                    OffsetError::OutOfRange => Error::new(
                        ErrorKind::DatetimeFieldOverflow,
                        format!("time zone displacement out of range: \"{}\"", shown(self.text)),
                    ),
                })?;
                self.set_zone(TimeZone::Fixed(offset))
            }
            Token::Zone(name) => {
                let zone =
                    std::str::from_utf8(name).ok().and_then(|name| TimeZone::parse(name).ok());
                let zone = zone.ok_or_else(|| unknown_zone(name))?;
                self.set_zone(zone)
            }
            Token::Word(word) => self.take_word(word),
        }
    }

    fn take_word(&mut self, word: &[u8]) -> Result<()> {
        match meaning(word) {
            Some(Word::Month(month)) if self.month.is_none() => self.month = Some(month),
            Some(Word::Month(_)) => return Err(self.invalid()),
            Some(Word::Ignored | Word::AnnoDomini) => {}
            Some(Word::BeforeChrist) => self.before_christ = true,
            Some(Word::Am) => self.afternoon = Some(false),
            Some(Word::Pm) => self.afternoon = Some(true),
            Some(Word::Offset(offset)) => return self.set_zone(TimeZone::Fixed(offset)),
            Some(mark @ (Word::JulianDay | Word::TimeMark)) => self.mark = Some(mark),
            Some(Word::Special(special)) => self.special = Some(special),
            None => {
                let zone = std::str::from_utf8(word).ok().and_then(TimeZone::from_name);
                let zone = zone.ok_or_else(|| self.invalid())?;
                return self.set_zone(zone);
            }
        }
        Ok(())
    }

    fn take_number(&mut self, text: &[u8]) -> Result<()> {
        match self.mark.take() {
            Some(Word::JulianDay) => {
                let day = digits(text).ok_or_else(|| self.invalid())?;
                self.date = Some(day - UNIX_EPOCH_JULIAN_DAY);
                return Ok(());
            }
            Some(_) => {
                let clock = Clock::parse_compact(text).ok_or_else(|| self.invalid())?;
                return self.set_clock(clock);
            }
            None => {}
        }
        let (whole, fraction) = split_fraction(text);
        let has_date = self.civil.is_some() || self.date.is_some();
        if has_date || self.type_name == "time" || (fraction.is_some() && whole.len() == 6) {
            let clock = Clock::parse_compact(text).ok_or_else(|| self.invalid())?;
            return self.set_clock(clock);
        }
        if let Some(day_of_year) = fraction {
            return self.take_day_of_year(whole, day_of_year);
        }
        let compact = match text.len() {
            8 => text.split_at_checked(4),
            6 if self.numbers.is_empty() && self.month.is_none() => text.split_at_checked(2),
            _ => None,
        };
        if let Some((year, rest)) = compact {
            let year = Part::parse(year).ok_or_else(|| self.invalid())?;
            let month_day = digits(rest).ok_or_else(|| self.invalid())?;
            self.civil = Some((year, month_day / 100, month_day % 100));
            return Ok(());
        }
        let part = Part::parse(text).ok_or_else(|| self.invalid())?;
        self.numbers.push(part);
        Ok(())
    }

    /// `1999.008` is the eighth day of 1999.
    fn take_day_of_year(&mut self, year: &[u8], day: &[u8]) -> Result<()> {
        let (year, day) = match (Part::parse(year), digits(day)) {
            (Some(year), Some(number)) if year.width == 4 && day.len() == 3 => (year.value, number),
            _ => return Err(self.invalid()),
        };
        let days_in_year = if days_in_month(year, 2) == 29 { 366 } else { 365 };
        if !(1..=days_in_year).contains(&day) {
            return Err(self.overflow());
        }
        self.date = Some(Civil { year, month: 1, day: 1 }.days() + day - 1);
        Ok(())
    }

    fn take_date(&mut self, text: &[u8]) -> Result<()> {
        if self.civil.is_some() || self.date.is_some() {
            return Err(self.invalid());
        }
        for part in text.split(|byte| matches!(byte, b'-' | b'/' | b'.')) {
            match (Part::parse(part), meaning(part)) {
                (Some(number), _) => self.numbers.push(number),
                (None, Some(Word::Month(month))) if self.month.is_none() => {
                    self.month = Some(month)
                }
                _ => return Err(self.invalid()),
            }
        }
        self.arrange()
    }

    /// Makes a date of the numbers and the month read so far.
    fn arrange(&mut self) -> Result<()> {
        let civil = match (self.month.map(i64::from), self.numbers.as_slice()) {
            (Some(month), &[first, second]) => {
                let year_first =
                    first.is_year() || (self.order == DateOrder::Ymd && !second.is_year());
                let (year, day) = if year_first { (first, second) } else { (second, first) };
                (year, month, day.value)
            }
            (None, &[first, second, third]) if first.is_year() || self.order == DateOrder::Ymd => {
                (first, second.value, third.value)
            }
            (None, &[first, second, third]) => match self.order {
                DateOrder::Dmy => (third, second.value, first.value),
                DateOrder::Mdy | DateOrder::Ymd => (third, first.value, second.value),
            },
            _ => return Err(self.invalid()),
        };
        self.civil = Some(civil);
        Ok(())
    }

    fn set_clock(&mut self, clock: Clock) -> Result<()> {
        if self.clock.is_some() {
            return Err(self.invalid());
        }
        self.clock = Some(clock);
        Ok(())
    }

    fn set_zone(&mut self, zone: TimeZone) -> Result<()> {
        if self.zone.is_some() {
            return Err(self.invalid());
        }
        self.zone = Some(zone);
        Ok(())
    }

    fn finish(mut self, style: &TextStyle) -> Result<Moment> {
        if let Some(special) = self.special {
            return self.finish_special(special, style);
        }
        if self.civil.is_none() && self.date.is_none() && !self.numbers.is_empty() {
            self.arrange()?;
        } else if self.civil.is_none() && self.month.is_some() {
            return Err(self.invalid());
        }
        let time = self.time()?;
        let days = match self.civil {
            Some(civil) => Some(self.days(civil)?),
            None => self.date,
        };
        if days.is_none() && time.is_none() {
            return Err(self.invalid());
        }
        Ok(Moment { days, time, zone: self.zone })
    }

    fn time(&self) -> Result<Option<i64>> {
        let Some(mut clock) = self.clock else {
            return if self.afternoon.is_some() { Err(self.invalid()) } else { Ok(None) };
        };
        if let Some(afternoon) = self.afternoon {
            if clock.hours > 12 {
                return Err(self.overflow());
            }
            clock.hours = clock.hours % 12 + if afternoon { 12 } else { 0 };
        }
        clock.time_of_day().map(Some).ok_or_else(|| self.overflow())
    }

    fn days(&self, (year, month, day): (Part, i64, i64)) -> Result<i64> {
        let astronomical = match (year.value, self.before_christ) {
            (0, _) if year.is_year() || self.before_christ => return Err(self.overflow()),
            (value, true) => 1 - value,
            (value @ 0..70, false) if year.width <= 2 => 2000 + value,
            (value @ 70..100, false) if year.width <= 2 => 1900 + value,
            (value, false) => value,
        };
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return Err(self
                .overflow()
                .with_hint("Perhaps you need a different \"datestyle\" setting."));
        }
        let (month, day) = (month as u32, day as u32);
        if day > days_in_month(astronomical, month) {
            return Err(self.overflow());
        }
        if astronomical.abs() > 6_000_000 {
            return Err(datetime_out_of_range(
                if self.type_name == "date" { "date" } else { "timestamp" },
                self.text,
            ));
        }
        Ok(Civil { year: astronomical, month, day }.days())
    }

    fn finish_special(&self, special: Special, style: &TextStyle) -> Result<Moment> {
        let now = Utc::now().timestamp_micros();
        let seconds = now.div_euclid(MICROS_PER_SECOND);
        let offset = i64::from(style.time_zone.offset_at(seconds));
        let local = now + offset * MICROS_PER_SECOND;
        let today = local.div_euclid(MICROS_PER_DAY);
        let time = self.time()?;
        let at = |days: i64| Moment { days: Some(days), time, zone: self.zone };
        match special {
            Special::Epoch => {
                Ok(Moment { days: Some(0), time: Some(0), zone: Some(TimeZone::Fixed(0)) })
            }
            Special::Now => Ok(Moment {
                days: Some(today),
                time: Some(local.rem_euclid(MICROS_PER_DAY)),
                zone: Some(TimeZone::Fixed(offset as i32)),
            }),
            Special::Today => Ok(at(today)),
            Special::Tomorrow => Ok(at(today + 1)),
            Special::Yesterday => Ok(at(today - 1)),
            Special::AllBalls => {
                Ok(Moment { days: self.date, time: Some(0), zone: Some(TimeZone::Fixed(0)) })
            }
            Special::Infinity => Err(Error::new(
                ErrorKind::DatetimeFieldOverflow,
                format!("infinite values of type {} are not supported", self.type_name),
            )
            .with_hint("Use a date in the far future or past instead.")),
        }
    }
}

fn unknown_zone(name: &[u8]) -> Error {
    Error::new(
        ErrorKind::InvalidParameterValue,
        format!("time zone \"{}\" not recognized", shown(name)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::text_style::{DateLayout, DateStyle};
    use chrono_tz::Tz;

    fn date(text: &str) -> Result<Civil> {
        parse_date(text.as_bytes(), &TextStyle::default()).map(|days| Civil::from_days(days.into()))
    }

    fn instant(text: &str, zone: TimeZone) -> i64 {
        let style = TextStyle { time_zone: zone, ..TextStyle::default() };
        parse_timestamptz(text.as_bytes(), &style).unwrap() / MICROS_PER_SECOND
    }

    #[test]
    fn dates_have_many_spellings() {
        for text in [
            "1999-01-08",
            "January 8, 1999",
            "1/8/1999",
            "1999-Jan-08",
            "Jan-08-1999",
            "08-Jan-1999",
            "19990108",
            "990108",
            "1999.008",
            "J2451187",
            "1999 Jan 08",
            "Fri 08 Jan 1999 23:59:59 PST",
            "1999-01-08T23:00:00Z",
            "8 jan 99",
        ] {
            assert_eq!(date(text).unwrap(), Civil { year: 1999, month: 1, day: 8 }, "{text}");
        }
        assert_eq!(date("January 8, 99 BC").unwrap(), Civil { year: -98, month: 1, day: 8 });
        let dmy = TextStyle {
            date_style: DateStyle { layout: DateLayout::Iso, order: DateOrder::Dmy },
            ..TextStyle::default()
        };
        assert_eq!(
            Civil::from_days(parse_date(b"31.01.2024", &dmy).unwrap().into()),
            Civil { year: 2024, month: 1, day: 31 }
        );
    }

    #[test]
    fn wrong_dates_have_the_sqlstates_of_postgresql() {
        for (text, sqlstate) in [
            ("", "22007"),
            ("abc", "22007"),
            ("2024-01", "22007"),
            ("12", "22007"),
            ("Jan 08", "22007"),
            ("2024-13-01", "22008"),
            ("13/2/2024", "22008"),
            ("2024-02-30", "22008"),
            ("0000-01-01", "22008"),
            ("infinity", "22008"),
            ("5874898-01-01", "22008"),
            ("2024-01-01 10:00 foo/bar", "22023"),
        ] {
            assert_eq!(date(text).unwrap_err().sqlstate(), sqlstate, "{text}");
        }
        let error = date("13/2/2024").unwrap_err();
        assert!(error.hint().unwrap().contains("datestyle"));
    }

    #[test]
    fn zones_come_in_many_forms() {
        let utc = TimeZone::UTC;
        let expected = instant("2024-01-01 10:00:00Z", utc);
        for (text, hours) in [
            ("2024-01-01 10:00 PST", 8.0),
            ("2024-01-01 10:00 Europe/Berlin", -1.0),
            ("2024-01-01 10:00+02:30", -2.5),
            ("2024-01-01 10:00-0330", 3.5),
            ("2024-01-01 10:00 z", 0.0),
            ("2024-01-01 10:00 UTC+3", 3.0),
            ("20240101T100000+01", -1.0),
            ("Mon Jan 01 10:00:00 2024 CET", -1.0),
            ("2024-01-01 10:00 AM America/New_York", 5.0),
        ] {
            assert_eq!(instant(text, utc) - expected, (hours * 3600.0) as i64, "{text}");
        }
        let berlin = TimeZone::Named(Tz::Europe__Berlin);
        assert_eq!(instant("2024-07-01 12:00", berlin), instant("2024-07-01 10:00Z", utc));
        assert_eq!(instant("epoch", berlin), 0);
    }

    #[test]
    fn times_and_timestamps() {
        let style = TextStyle::default();
        for text in ["04:05:06", "040506", "04:05:06 AM", "1999-01-08 04:05:06"] {
            assert_eq!(parse_time(text.as_bytes(), &style).unwrap(), 14_706_000_000, "{text}");
        }
        assert_eq!(parse_time(b"04:05 PM", &style).unwrap(), 57_900_000_000);
        assert_eq!(parse_time(b"24:00", &style).unwrap(), MICROS_PER_DAY);
        assert_eq!(parse_time(b"24:00:00.1", &style).unwrap_err().sqlstate(), "22008");
        assert_eq!(parse_time(b"4 pm", &style).unwrap_err().sqlstate(), "22007");
        let timestamp = |text: &str| parse_timestamp(text.as_bytes(), &style);
        assert_eq!(timestamp("1970-01-01 00:00:60.5").unwrap(), 60_500_000);
        assert_eq!(timestamp("1970-01-01 24:00").unwrap(), MICROS_PER_DAY);
        assert_eq!(timestamp("20240131 040506.789").unwrap() % MICROS_PER_DAY, 14_706_789_000);
        assert_eq!(timestamp("04:05").unwrap_err().sqlstate(), "22007");
        assert_eq!(timestamp("294277-01-01").unwrap_err().sqlstate(), "22008");
        let now = timestamp("now").unwrap() - Utc::now().timestamp_micros();
        assert!(now.abs() < 60 * MICROS_PER_SECOND);
        assert_eq!(
            timestamp("tomorrow").unwrap() - timestamp("yesterday").unwrap(),
            2 * MICROS_PER_DAY
        );
    }
}

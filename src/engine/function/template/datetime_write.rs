//! Dates, times and intervals written by a template. It reads none.

use std::fmt::Write;

use crate::base::calendar::{Civil, MICROS_PER_SECOND, UNIX_EPOCH_JULIAN_DAY, weekday};
use crate::base::render::IntervalValue;
use crate::base::{Error, ErrorKind, Result};

use super::super::moment::{
    MICROS_PER_HOUR, MICROS_PER_MINUTE, day_and_time, day_of_year, iso_week, iso_year_start,
};
use super::datetime_pattern::{Case, Keyword, Pattern, Piece};
use super::numeral::{ordinal_ending, roman};

pub const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
pub const DAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// What a template can ask of a value.
pub struct Moment {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
    micros: i64,
    /// Days since 1970-01-01; an interval has none.
    date: Option<i64>,
    /// Seconds east of Greenwich, and the zone's abbreviation.
    zone: Option<(i64, String)>,
}

impl Moment {
    /// What a clock shows.
    pub fn of_clock(local: i64, zone: Option<(i64, String)>) -> Moment {
        let (date, time) = day_and_time(local);
        let Civil { year, month, day } = Civil::from_days(date);
        let clock = Moment::of_interval(IntervalValue { months: 0, days: 0, micros: time });
        Moment { year, month: month.into(), day: day.into(), date: Some(date), zone, ..clock }
    }

    pub fn of_interval(interval: IntervalValue) -> Moment {
        let micros = interval.micros;
        Moment {
            year: (interval.months / 12).into(),
            month: (interval.months % 12).into(),
            day: interval.days.into(),
            hour: micros / MICROS_PER_HOUR,
            minute: micros / MICROS_PER_MINUTE % 60,
            second: micros / MICROS_PER_SECOND % 60,
            micros: micros % MICROS_PER_SECOND,
            date: None,
            zone: None,
        }
    }

    fn date(&self) -> Result<i64> {
        self.date.ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidDatetimeFormat,
                "invalid format specification for an interval value",
            )
            .with_hint("Intervals are not tied to specific calendar dates.")
        })
    }

    /// Years before Christ count from 1 BC.
    fn shown_year(&self) -> i64 {
        if self.date.is_some() && self.year <= 0 { 1 - self.year } else { self.year }
    }
}

/// Writes a value by a template.
pub fn write(pattern: &Pattern, moment: &Moment, out: &mut String) -> Result<()> {
    for piece in &pattern.pieces {
        match piece {
            Piece::Literal(character) => out.push(*character),
            Piece::Quoted(text) => out.push_str(text),
            Piece::Field { keyword, case, fill, ordinal } => {
                let text = field(*keyword, *case, *fill, moment)?;
                out.push_str(&text);
                if let Some(case) = ordinal {
                    let ending = ordinal_ending(&text);
                    out.push_str(&cased(ending, *case));
                }
            }
        }
    }
    Ok(())
}

fn cased(word: &str, case: Case) -> String {
    match case {
        Case::Upper => word.to_ascii_uppercase(),
        Case::Lower => word.to_owned(),
        Case::Capital => {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_ascii_uppercase());
            first.into_iter().chain(letters).collect()
        }
    }
}

/// A name, padded to the longest of its kind.
fn name(word: &str, case: Case, fill: bool, width: usize) -> String {
    let word = cased(word, case);
    if fill { word } else { format!("{word:<width$}") }
}

/// A number with leading zeros; a negative one has its sign before them.
fn padded(number: i64, width: usize, fill: bool) -> String {
    let width = if fill { 0 } else { width + usize::from(number < 0) };
    format!("{number:0width$}")
}

fn field(keyword: Keyword, case: Case, fill: bool, moment: &Moment) -> Result<String> {
    use Keyword::*;
    let two = |number| Ok(padded(number, 2, fill));
    Ok(match keyword {
        Hour12 => {
            let hour = moment.hour.rem_euclid(12);
            return two(if hour == 0 { 12 } else { hour });
        }
        Hour24 => return two(moment.hour),
        Minute => return two(moment.minute),
        Second => return two(moment.second),
        Fraction(digits) => {
            let divisor = 10_i64.pow(6 - u32::from(digits.min(6)));
            padded(moment.micros / divisor, digits.into(), false)
        }
        Millisecond => padded(moment.micros / 1_000, 3, false),
        Microsecond => padded(moment.micros, 6, false),
        SecondOfDay => (moment.hour * 3_600 + moment.minute * 60 + moment.second).to_string(),
        Meridiem { dotted } => {
            let is_morning = moment.hour.rem_euclid(24) < 12;
            let word = match (is_morning, dotted) {
                (true, true) => "a.m.",
                (true, false) => "am",
                (false, true) => "p.m.",
                (false, false) => "pm",
            };
            if case == Case::Lower { word.to_owned() } else { word.to_ascii_uppercase() }
        }
        Era { dotted } => {
            moment.date()?;
            let word = match (moment.year > 0, dotted) {
                (true, true) => "a.d.",
                (true, false) => "ad",
                (false, true) => "b.c.",
                (false, false) => "bc",
            };
            if case == Case::Lower { word.to_owned() } else { word.to_ascii_uppercase() }
        }
        ZoneName | ZoneHour | ZoneMinute | ZoneOffset => zone(keyword, case, moment)?,
        _ => return calendar_field(keyword, case, fill, moment),
    })
}

fn zone(keyword: Keyword, case: Case, moment: &Moment) -> Result<String> {
    let Some((offset, name)) = &moment.zone else {
        // A timestamp has no zone to name.
        moment.date()?;
        return Ok(match keyword {
            Keyword::ZoneName => String::new(),
            Keyword::ZoneMinute => "00".to_owned(),
            _ => "+00".to_owned(),
        });
    };
    let sign = if *offset < 0 { '-' } else { '+' };
    let (hours, minutes) = (offset.abs() / 3_600, offset.abs() / 60 % 60);
    Ok(match keyword {
        Keyword::ZoneName if case == Case::Lower => name.to_lowercase(),
        Keyword::ZoneName => name.clone(),
        Keyword::ZoneMinute => format!("{minutes:02}"),
        Keyword::ZoneOffset if minutes != 0 => format!("{sign}{hours:02}:{minutes:02}"),
        _ => format!("{sign}{hours:02}"),
    })
}

fn calendar_field(keyword: Keyword, case: Case, fill: bool, moment: &Moment) -> Result<String> {
    use Keyword::*;
    let month_name = || {
        let index = usize::try_from(moment.month - 1).ok();
        index.and_then(|index| MONTHS.get(index)).copied().unwrap_or_default()
    };
    let day_name =
        || moment.date().map(|date| DAYS.get(weekday(date)).copied().unwrap_or_default());
    let short = |word: &str| word.get(..3).unwrap_or_default().to_owned();
    let year_digits = |year: i64, digits: u8| match digits {
        4 => padded(year, 4, fill),
        _ => padded(year % 10_i64.pow(digits.into()), digits.into(), fill),
    };
    Ok(match keyword {
        YearWithComma => {
            let year = moment.shown_year();
            let thousands = year / 1000;
            format!("{thousands},{:03}", (year % 1000).abs())
        }
        Year(digits) => year_digits(moment.shown_year(), digits),
        IsoYear(digits) => year_digits(shown_iso_year(moment.date()?), digits),
        MonthName => name(month_name(), case, fill, 9),
        MonthShort => name(&short(month_name()), case, true, 3),
        Month => padded(moment.month, 2, fill),
        DayName => name(day_name()?, case, fill, 9),
        DayShort => name(&short(day_name()?), case, true, 3),
        DayOfYear => match moment.date {
            Some(date) => padded(day_of_year(date), 3, fill),
            None => {
                let days = (moment.year * 12 + moment.month) * 30 + moment.day;
                padded(days, 3, fill)
            }
        },
        IsoDayOfYear => {
            let date = moment.date()?;
            padded(date - iso_year_start(iso_week(date).0) + 1, 3, fill)
        }
        Day => padded(moment.day, 2, fill),
        DayOfWeek => (weekday(moment.date()?) + 1).to_string(),
        IsoDayOfWeek => ((moment.date()? + 3).rem_euclid(7) + 1).to_string(),
        WeekOfMonth => ((moment.day - 1) / 7 + 1).to_string(),
        Week => match moment.date {
            Some(date) => padded((day_of_year(date) - 1) / 7 + 1, 2, fill),
            None => {
                let days = (moment.year * 12 + moment.month) * 30 + moment.day;
                padded((days - 1) / 7 + 1, 2, fill)
            }
        },
        IsoWeek => padded(iso_week(moment.date()?).1, 2, fill),
        Century => century(moment, fill),
        Julian => match moment.date {
            Some(date) => (date + UNIX_EPOCH_JULIAN_DAY).to_string(),
            None => moment.day.to_string(),
        },
        Quarter => {
            if moment.month == 0 {
                String::new()
            } else {
                ((moment.month - 1) / 3 + 1).to_string()
            }
        }
        Roman => {
            // An interval's months count backwards below zero.
            let month = match (moment.month, moment.year) {
                (0, 0) => return Ok(String::new()),
                (0, ..0) => 1,
                (0, _) => 12,
                (month @ ..0, _) => 13 + month,
                (month, _) => month,
            };
            let numeral = u32::try_from(month).ok().and_then(roman).unwrap_or_default();
            let numeral = if case == Case::Lower { numeral.to_lowercase() } else { numeral };
            if fill { numeral } else { format!("{numeral:<4}") }
        }
        _ => String::new(),
    })
}

fn shown_iso_year(date: i64) -> i64 {
    let year = iso_week(date).0;
    if year <= 0 { 1 - year } else { year }
}

fn century(moment: &Moment, fill: bool) -> String {
    let year = moment.year;
    let century = match moment.date {
        None => year / 100,
        Some(_) if year > 0 => (year - 1) / 100 + 1,
        Some(_) => year / 100 - 1,
    };
    let mut text = String::new();
    let width = if fill { 0 } else { 2 + usize::from(century < 0) };
    // Writing to a string does not fail.
    let _ = write!(text, "{century:0width$}");
    text
}

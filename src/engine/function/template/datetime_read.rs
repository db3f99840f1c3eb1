//! Dates and times read by a template. It writes none.

use crate::base::calendar::{MICROS_PER_SECOND, UNIX_EPOCH_JULIAN_DAY};
use crate::base::{Error, ErrorKind, Result};

use super::super::datetime_make::day_of;
use super::super::moment::{MICROS_PER_HOUR, MICROS_PER_MINUTE, iso_year_start};
use super::datetime_pattern::{Keyword, Pattern, Piece};
use super::datetime_write::{DAYS, MONTHS};

/// What a text says.
pub struct Read {
    /// Days since 1970-01-01.
    pub day: i64,
    /// Microseconds of the day.
    pub time: i64,
    /// Seconds east of Greenwich, when the text has them.
    pub offset: Option<i64>,
}

/// The fields that were read; `None` where the text has none.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    iso_year: Option<i64>,
    before_christ: bool,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    week: Option<i64>,
    iso_week: Option<i64>,
    iso_weekday: Option<i64>,
    week_of_month: Option<i64>,
    julian: Option<i64>,
    hour: i64,
    is_half_day: bool,
    afternoon: Option<bool>,
    minute: i64,
    second: i64,
    second_of_day: Option<i64>,
    micros: i64,
    zone_sign: i64,
    zone_hours: Option<i64>,
    zone_minutes: i64,
}

/// Reads a text by a template. Errors: 22007, 22008.
pub fn read(pattern: &Pattern, text: &str) -> Result<Read> {
    let mut input = Input { rest: text, skipped: 0, taken: None, exact: pattern.exact };
    let mut fields = Fields { zone_sign: 1, ..Fields::default() };
    for (index, piece) in pattern.pieces.iter().enumerate() {
        match piece {
            Piece::Field { keyword, fill, ordinal, .. } => {
                input.skip_spaces();
                if input.rest.is_empty() {
                    break;
                }
                let next = pattern.pieces.get(index + 1);
                let open = *fill || is_separated(next);
                field(*keyword, open, &mut input, &mut fields)?;
                if ordinal.is_some() {
                    input.take_characters(2);
                }
                if !pattern.exact {
                    input.skipped = 0;
                    let before = input.rest.len();
                    input.skip_spaces();
                    input.skipped = (before - input.rest.len()) as i64;
                }
            }
            Piece::Quoted(words) => input.take_characters(words.chars().count()),
            Piece::Literal(character) => input.literal(*character),
        }
    }
    fields.finish().map_err(|error| match error.kind() {
        ErrorKind::DatetimeFieldOverflow => {
            let message = format!("date/time field value out of range: \"{text}\"");
            Error::new(ErrorKind::DatetimeFieldOverflow, message)
        }
        _ => error,
    })
}

/// Whether a number may have any length: digits do not follow it at once.
fn is_separated(next: Option<&Piece>) -> bool {
    match next {
        None => true,
        Some(Piece::Field { keyword, .. }) => matches!(
            keyword,
            Keyword::Meridiem { .. }
                | Keyword::Era { .. }
                | Keyword::MonthName
                | Keyword::MonthShort
                | Keyword::DayName
                | Keyword::DayShort
                | Keyword::Roman
                | Keyword::ZoneName
        ),
        Some(Piece::Quoted(text)) => !text.starts_with(|first: char| first.is_ascii_digit()),
        Some(Piece::Literal(character)) => !character.is_ascii_digit(),
    }
}

struct Input<'a> {
    rest: &'a str,
    /// Spaces that were skipped beyond what the template says.
    skipped: i64,
    /// The separator that was taken last, with nothing behind it.
    taken: Option<char>,
    exact: bool,
}

impl<'a> Input<'a> {
    fn skip_spaces(&mut self) {
        if !self.exact {
            self.rest = self.rest.trim_start();
        }
    }

    fn take_characters(&mut self, count: usize) {
        for _ in 0..count {
            if self.skipped > 0 && !self.exact {
                self.skipped -= 1;
                continue;
            }
            let mut characters = self.rest.chars();
            characters.next();
            self.rest = characters.as_str();
        }
    }

    /// A separator takes one separator of the text, if there is one; a letter takes any character.
    fn literal(&mut self, character: char) {
        let is_separator = |c: char| c.is_whitespace() || c.is_ascii_punctuation();
        if !is_separator(character) {
            self.take_characters(1);
            return;
        }
        self.skipped -= 1;
        if self.rest.starts_with(is_separator) {
            let mut characters = self.rest.chars();
            self.taken = characters.next();
            self.rest = characters.as_str();
            self.skipped += 1;
        }
    }

    /// A number of at most `width` digits, or of any number of them; with how many it has.
    fn number(&mut self, width: usize, open: bool, field: &str) -> Result<(i64, usize)> {
        let signed = open && self.rest.starts_with(['-', '+']);
        let digits = self.rest.get(usize::from(signed)..).unwrap_or_default();
        let count = digits.bytes().take_while(u8::is_ascii_digit).count();
        let count = if open { count } else { count.min(width) };
        let (word, rest) = self.rest.split_at(count + usize::from(signed));
        let number = word.parse().map_err(|_| {
            let shown: String = self.rest.chars().take(width).collect();
            Error::new(
                ErrorKind::InvalidDatetimeFormat,
                format!("invalid value \"{shown}\" for \"{field}\""),
            )
            .with_detail("Value must be an integer.")
        })?;
        self.rest = rest;
        Ok((number, count))
    }

    /// Which of some words the text goes on with.
    fn word(&mut self, words: &[&str], field: &str) -> Result<usize> {
        let found = words.iter().position(|word| {
            self.rest.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
        });
        let Some((index, word)) = found.and_then(|index| Some((index, words.get(index)?))) else {
            let shown: String = self.rest.chars().take(9).collect();
            return Err(Error::new(
                ErrorKind::InvalidDatetimeFormat,
                format!("invalid value \"{shown}\" for \"{field}\""),
            )
            .with_detail(
                "The given value did not match any of the allowed values for this field.",
            ));
        };
        self.rest = self.rest.get(word.len()..).unwrap_or_default();
        Ok(index)
    }
}

fn field(keyword: Keyword, open: bool, input: &mut Input<'_>, fields: &mut Fields) -> Result<()> {
    use Keyword::*;
    let mut number = |width, name| input.number(width, open, name).map(|(number, _)| number);
    match keyword {
        Hour12 => {
            fields.hour = number(2, "HH12")?;
            fields.is_half_day = true;
        }
        Hour24 => fields.hour = number(2, "HH24")?,
        Minute => fields.minute = number(2, "MI")?,
        Second => fields.second = number(2, "SS")?,
        Millisecond | Microsecond | Fraction(_) => {
            let width = match keyword {
                Millisecond => 3,
                Fraction(digits) => digits.into(),
                _ => 6,
            };
            let (value, digits) = input.number(width, open, "MS")?;
            let digits = u32::try_from(digits).unwrap_or(u32::MAX);
            // Beyond the digits that the keyword tells, the rest is cut.
            let kept = digits.min(u32::try_from(width).unwrap_or(6)).min(6);
            let beyond = 10_i64.checked_pow(digits - kept).unwrap_or(i64::MAX);
            fields.micros = value / beyond * 10_i64.pow(6 - kept);
            if digits > 6 {
                let message = "date/time field value out of range";
                return Err(Error::new(ErrorKind::DatetimeFieldOverflow, message));
            }
        }
        SecondOfDay => fields.second_of_day = Some(number(5, "SSSS")?),
        Meridiem { .. } => {
            let words = ["a.m.", "p.m.", "am", "pm"];
            fields.afternoon = Some(input.word(&words, "AM")? % 2 == 1);
        }
        Era { .. } => {
            let words = ["a.d.", "b.c.", "ad", "bc"];
            fields.before_christ = input.word(&words, "BC")? % 2 == 1;
        }
        ZoneHour => {
            // A sign that a separator of the template has taken counts too, where it took more than it says.
            let taken = std::mem::take(&mut input.taken);
            if let Some(rest) = input.rest.strip_prefix(['+', '-', ' ']) {
                fields.zone_sign = if input.rest.starts_with('-') { -1 } else { 1 };
                input.rest = rest;
            } else if taken == Some('-') && input.skipped > 0 {
                fields.zone_sign = -1;
            }
            fields.zone_hours = Some(input.number(2, open, "TZH")?.0);
        }
        ZoneMinute => {
            fields.zone_minutes = number(2, "TZM")?;
            fields.zone_hours.get_or_insert(0);
        }
        ZoneName | ZoneOffset => {
            let message = "formatting field \"TZ\" or \"OF\" is only supported in to_char";
            return Err(Error::new(ErrorKind::FeatureNotSupported, message));
        }
        _ => return date_field(keyword, open, input, fields),
    }
    Ok(())
}

fn date_field(
    keyword: Keyword,
    open: bool,
    input: &mut Input<'_>,
    fields: &mut Fields,
) -> Result<()> {
    use Keyword::*;
    let short = |words: &[&'static str]| -> Vec<&'static str> {
        words.iter().map(|word| word.get(..3).unwrap_or(word)).collect()
    };
    let mut number = |width, name| input.number(width, open, name).map(|(number, _)| number);
    match keyword {
        Year(width @ 1..=3) | IsoYear(width @ 1..=3) => {
            let (value, digits) = input.number(width.into(), open, "YY")?;
            let year = if digits < 4 { full_year(value) } else { value };
            match keyword {
                Year(_) => fields.year = Some(year),
                _ => fields.iso_year = Some(year),
            }
        }
        Year(_) => fields.year = Some(number(4, "YYYY")?),
        IsoYear(_) => fields.iso_year = Some(number(4, "IYYY")?),
        YearWithComma => {
            let (thousands, _) = input.number(3, true, "Y,YYY")?;
            input.rest = input.rest.strip_prefix(',').unwrap_or(input.rest);
            fields.year = Some(thousands * 1000 + input.number(3, false, "Y,YYY")?.0);
        }
        MonthName => fields.month = Some(input.word(&MONTHS, "MONTH")? as i64 + 1),
        MonthShort => fields.month = Some(input.word(&short(&MONTHS), "MON")? as i64 + 1),
        Month => fields.month = Some(number(2, "MM")?),
        Roman => {
            let numerals =
                ["viii", "vii", "vi", "v", "iv", "iii", "ii", "ix", "xii", "xi", "x", "i"];
            let months = [8, 7, 6, 5, 4, 3, 2, 9, 12, 11, 10, 1];
            fields.month = months.get(input.word(&numerals, "RM")?).copied();
        }
        // The day's name says nothing that the date does not.
        DayName => drop(input.word(&DAYS, "DAY")?),
        DayShort => drop(input.word(&short(&DAYS), "DY")?),
        DayOfYear => fields.day_of_year = Some(number(3, "DDD")?),
        IsoDayOfYear => fields.iso_weekday = Some(number(3, "IDDD")?),
        Day => fields.day = Some(number(2, "DD")?),
        DayOfWeek => drop(number(1, "D")?),
        IsoDayOfWeek => fields.iso_weekday = Some(number(1, "ID")?),
        WeekOfMonth => fields.week_of_month = Some(number(1, "W")?),
        Week => fields.week = Some(number(2, "WW")?),
        IsoWeek => fields.iso_week = Some(number(2, "IW")?),
        Century => fields.year = Some((number(2, "CC")? - 1) * 100 + 1),
        Julian => fields.julian = Some(number(7, "J")?),
        Quarter => drop(number(1, "Q")?),
        _ => {}
    }
    Ok(())
}

/// The year nearest to 2020 that ends with these digits.
fn full_year(value: i64) -> i64 {
    match value {
        _ if value < 70 => value + 2000,
        _ if value < 100 => value + 1900,
        _ if value < 520 => value + 2000,
        _ => value + 1000,
    }
}

impl Fields {
    fn finish(&self) -> Result<Read> {
        let offset =
            self.zone_hours.map(|hours| self.zone_sign * (hours * 3_600 + self.zone_minutes * 60));
        Ok(Read { day: self.date()?, time: self.time()?, offset })
    }

    fn time(&self) -> Result<i64> {
        let mut hour = self.hour;
        if self.is_half_day || self.afternoon.is_some() {
            if !(1..=12).contains(&hour) {
                return Err(Error::new(
                    ErrorKind::InvalidDatetimeFormat,
                    format!("hour \"{hour}\" is invalid for the 12-hour clock"),
                )
                .with_hint("Use the 24-hour clock, or give an hour between 1 and 12."));
            }
            hour = hour % 12 + if self.afternoon == Some(true) { 12 } else { 0 };
        }
        let (minute, second) = (self.minute, self.second);
        let (hour, minute, second) = match self.second_of_day {
            Some(seconds) => (seconds / 3_600, seconds / 60 % 60, seconds % 60),
            None => (hour, minute, second),
        };
        if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
            let message = "date/time field value out of range";
            return Err(Error::new(ErrorKind::DatetimeFieldOverflow, message));
        }
        let micros = second * MICROS_PER_SECOND + self.micros;
        Ok(hour * MICROS_PER_HOUR + minute * MICROS_PER_MINUTE + micros)
    }

    fn date(&self) -> Result<i64> {
        if let Some(julian) = self.julian {
            return Ok(julian - UNIX_EPOCH_JULIAN_DAY);
        }
        if let Some(year) = self.iso_year {
            let start = iso_year_start(year);
            return Ok(match (self.iso_week, self.iso_weekday) {
                (Some(week), weekday) => start + (week - 1) * 7 + weekday.unwrap_or(1) - 1,
                (None, Some(day_of_iso_year)) => start + day_of_iso_year - 1,
                (None, None) => start,
            });
        }
        // 1 BC is the year that no text names.
        let year = match self.year {
            Some(year) if self.before_christ => -year,
            Some(0) | None => -1,
            Some(year) => year,
        };
        let day_of_year = self.day_of_year.or(self.week.map(|week| (week - 1) * 7 + 1));
        if let Some(day_of_year) = day_of_year.filter(|_| self.month.is_none()) {
            let first = day_of(year, 1, 1)?;
            let next = if year == -1 { 1 } else { year + 1 };
            if !(1..=day_of(next, 1, 1)? - first).contains(&day_of_year) {
                let message = "date/time field value out of range";
                return Err(Error::new(ErrorKind::DatetimeFieldOverflow, message));
            }
            return Ok(first + day_of_year - 1);
        }
        let day = self.day.or(self.week_of_month.map(|week| (week - 1) * 7 + 1));
        day_of(year, self.month.unwrap_or(1), day.unwrap_or(1))
    }
}

//! Intervals from text: `1 year 2 mons 3 days 04:05:06`, `1-2 3 4:05:06` and `P1Y2M3DT4H5M6S`. It renders
//! nothing.

use datafusion::arrow::datatypes::IntervalMonthDayNano;

use super::clock::{Clock, digits};
use super::syntax::{invalid_datetime, shown, trimmed};
use crate::base::calendar::MICROS_PER_DAY;
use crate::base::render::IntervalValue;
use crate::base::text_style::{IntervalStyle, TextStyle};
use crate::base::{Error, ErrorKind, Result};

/// A unit, with its size in the number of [`IntervalValue`] that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// Units of whole months, above one month.
    Months(i64),
    Month,
    /// Weeks and days.
    Days(i64),
    /// Units of microseconds.
    Micros(i64),
}

/// The sum so far, and which units it has seen.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    micros: i64,
    seen: Vec<Unit>,
}

/// A number with its fraction, both with the sign.
#[derive(Clone, Copy)]
struct Amount {
    whole: i64,
    fraction: f64,
}

/// Reads an `interval`.
pub fn parse_interval(text: &[u8], style: &TextStyle) -> Result<IntervalValue> {
    let word = trimmed(text);
    let sum = match word.strip_prefix(b"P") {
        Some(rest) => iso_8601(rest).ok_or_else(|| invalid(text))?,
        None => verbose(word, style).ok_or_else(|| invalid(text))?,
    };
    sum.and_then(Sum::into_value).ok_or_else(|| overflow(text))
}

fn invalid(text: &[u8]) -> Error {
    invalid_datetime("interval", text)
}

fn overflow(text: &[u8]) -> Error {
    Error::new(
        ErrorKind::IntervalFieldOverflow,
        format!("interval field value out of range: \"{}\"", shown(text)),
    )
}

/// What a reader gives: nothing for a wrong text, and nothing inside for a number out of range.
type Reading = Option<Option<Sum>>;

impl IntervalValue {
    /// The interval in Arrow's units: nanoseconds hold 292 years of time.
    pub fn month_day_nano(self) -> Result<IntervalMonthDayNano> {
        let nanos = self.micros.checked_mul(1_000).ok_or_else(|| {
            Error::new(ErrorKind::DatetimeFieldOverflow, "interval out of range")
                .with_detail("The time part of an interval can be at most 292 years.")
        })?;
        Ok(IntervalMonthDayNano::new(self.months, self.days, nanos))
    }
}

impl Sum {
    fn into_value(self) -> Option<IntervalValue> {
        Some(IntervalValue {
            months: i32::try_from(self.months).ok()?,
            days: i32::try_from(self.days).ok()?,
            micros: self.micros,
        })
    }

    /// Whether the unit is new; each may be given once.
    fn admit(&mut self, unit: Unit) -> bool {
        let is_new = !self.seen.contains(&unit);
        self.seen.push(unit);
        is_new
    }

    /// Adds an amount; what a unit cannot hold of the fraction goes to the smaller ones.
    fn add(&mut self, amount: Amount, unit: Unit) -> Option<()> {
        let Amount { whole, fraction } = amount;
        // So many of no unit are an interval.
        if whole.unsigned_abs() == i64::MAX.unsigned_abs() {
            return None;
        }
        match unit {
            Unit::Months(size) => {
                let part = (fraction * size as f64).round_ties_even() as i64;
                self.months =
                    self.months.checked_add(whole.checked_mul(size)?)?.checked_add(part)?;
            }
            Unit::Month => {
                self.months = self.months.checked_add(whole)?;
                self.add_days(fraction * 30.0)?;
            }
            Unit::Days(size) => {
                self.days = self.days.checked_add(whole.checked_mul(size)?)?;
                self.add_days(fraction * size as f64)?;
            }
            Unit::Micros(size) => {
                let part = (fraction * size as f64).round_ties_even() as i64;
                self.micros =
                    self.micros.checked_add(whole.checked_mul(size)?)?.checked_add(part)?;
            }
        }
        Some(())
    }

    fn add_days(&mut self, days: f64) -> Option<()> {
        let whole = days.trunc();
        let micros = ((days - whole) * MICROS_PER_DAY as f64).round_ties_even();
        self.days = self.days.checked_add(whole as i64)?;
        self.micros = self.micros.checked_add(micros as i64)?;
        Some(())
    }

    fn add_clock(&mut self, clock: Clock, negative: bool) -> Option<()> {
        let micros = clock.total_micros().filter(|_| clock.has_valid_minutes())?;
        self.micros = self.micros.checked_add(if negative { -micros } else { micros })?;
        Some(())
    }

    fn negated(self) -> Option<Sum> {
        Some(Sum {
            months: self.months.checked_neg()?,
            days: self.days.checked_neg()?,
            micros: self.micros.checked_neg()?,
            seen: self.seen,
        })
    }
}

impl Amount {
    /// Reads digits with an optional fraction.
    fn parse(text: &[u8], negative: bool) -> Option<Amount> {
        let (whole, fraction) = super::clock::split_fraction(text);
        let whole = if whole.is_empty() && fraction.is_some() { 0 } else { whole_number(whole)? };
        let fraction = match fraction {
            Some(part) => {
                let all_digits = part.iter().all(u8::is_ascii_digit);
                let part = std::str::from_utf8(part).ok().filter(|_| all_digits)?;
                format!("0.{part}0").parse::<f64>().ok()?
            }
            None => 0.0,
        };
        Some(if negative {
            Amount { whole: -whole, fraction: -fraction }
        } else {
            Amount { whole, fraction }
        })
    }
}

/// A number of any length; one that is too long for 64 bits is so large that no unit can hold it.
fn whole_number(text: &[u8]) -> Option<i64> {
    let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let number = || std::str::from_utf8(text).ok()?.parse().ok();
    is_number.then(|| number().unwrap_or(i64::MAX))
}

/// PostgreSQL's own form and SQL's: numbers with units, `years-months`, and a clock.
fn verbose(text: &[u8], style: &TextStyle) -> Reading {
    let mut sum = Sum::default();
    let mut rest = text;
    let mut in_range = true;
    let mut ago = false;
    let mut any = false;
    while !skip_space(&mut rest).is_empty() {
        if ago {
            return None;
        }
        if take_word_if(&mut rest, b"ago") {
            ago = true;
            continue;
        }
        let sign = take_sign(&mut rest);
        let number = take_run(&mut rest, |byte| byte.is_ascii_digit() || b".:-".contains(&byte));
        let negative = sign == Some(b'-');
        any = true;
        if number.contains(&b':') {
            let clock = Clock::parse(number)?;
            in_range &= sum.admit_clock()? && sum.add_clock(clock, negative).is_some();
        } else if let Some((years, months)) = year_month(number) {
            let amount =
                |value: i64| Amount { whole: if negative { -value } else { value }, fraction: 0.0 };
            in_range &= months < 12
                && sum.add(amount(years), Unit::Months(12)).is_some()
                && sum.add(amount(months), Unit::Month).is_some();
        } else {
            let amount = Amount::parse(number, negative)?;
            let unit = unit_after(&mut rest)?;
            if !sum.admit(unit) {
                return None;
            }
            in_range &= sum.add(amount, unit).is_some();
        }
    }
    if !any {
        return None;
    }
    if !in_range {
        return Some(None);
    }
    // In SQL's own style one leading sign is that of all parts.
    let signs = text.iter().filter(|byte| matches!(byte, b'+' | b'-')).count();
    let inner_dash = text.iter().skip(1).any(|&byte| byte == b'-');
    let sql_sign = style.interval_style == IntervalStyle::SqlStandard
        && text.first() == Some(&b'-')
        && signs == 1 + usize::from(inner_dash)
        && !sum.all_negative();
    if sql_sign {
        sum = Sum {
            months: -sum.months.saturating_abs(),
            days: -sum.days.saturating_abs(),
            micros: -sum.micros.saturating_abs(),
            seen: sum.seen,
        };
    }
    Some(if ago { sum.negated() } else { Some(sum) })
}

impl Sum {
    fn all_negative(&self) -> bool {
        self.months <= 0 && self.days <= 0 && self.micros <= 0
    }

    /// A clock stands for hours, minutes and seconds at once.
    fn admit_clock(&mut self) -> Option<bool> {
        let units = [3_600_000_000, 60_000_000, 1_000_000];
        units.iter().all(|&size| self.admit(Unit::Micros(size))).then_some(true)
    }
}

/// The unit that follows a number: a word, or what the place says: days before a clock, else seconds.
fn unit_after(rest: &mut &[u8]) -> Option<Unit> {
    skip_space(rest);
    let word = take_run(rest, |byte| byte.is_ascii_alphabetic());
    if !word.is_empty() {
        return unit(&word.to_ascii_lowercase());
    }
    if rest.is_empty() || rest.eq_ignore_ascii_case(b"ago") {
        return Some(Unit::Micros(1_000_000));
    }
    rest.contains(&b':').then_some(Unit::Days(1))
}

fn unit(word: &[u8]) -> Option<Unit> {
    Some(match word {
        b"millennium" | b"millennia" | b"millenniums" | b"mil" | b"mils" => Unit::Months(12_000),
        b"century" | b"centuries" | b"cent" | b"c" => Unit::Months(1_200),
        b"decade" | b"decades" | b"dec" | b"decs" => Unit::Months(120),
        b"year" | b"years" | b"yr" | b"yrs" | b"y" => Unit::Months(12),
        b"month" | b"months" | b"mon" | b"mons" => Unit::Month,
        b"week" | b"weeks" | b"w" => Unit::Days(7),
        b"day" | b"days" | b"d" => Unit::Days(1),
        b"hour" | b"hours" | b"hr" | b"hrs" | b"h" => Unit::Micros(3_600_000_000),
        b"minute" | b"minutes" | b"min" | b"mins" | b"m" => Unit::Micros(60_000_000),
        b"second" | b"seconds" | b"sec" | b"secs" | b"s" => Unit::Micros(1_000_000),
        b"millisecond" | b"milliseconds" | b"msec" | b"msecs" | b"msecond" | b"mseconds"
        | b"ms" => Unit::Micros(1_000),
        b"microsecond" | b"microseconds" | b"usec" | b"usecs" | b"usecond" | b"useconds"
        | b"us" => Unit::Micros(1),
        _ => return None,
    })
}

/// `1-2`: years and months.
fn year_month(text: &[u8]) -> Option<(i64, i64)> {
    let at = text.iter().position(|&byte| byte == b'-')?;
    let (years, months) = text.split_at(at);
    Some((digits(years)?, digits(months.get(1..)?)?))
}

/// ISO 8601 after its `P`: designators, or `0001-02-03T04:05:06`.
fn iso_8601(text: &[u8]) -> Reading {
    let mut sum = Sum::default();
    let mut in_range = true;
    let (date, time) = match text.iter().position(|&byte| byte == b'T') {
        Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?)),
        None => (text, None),
    };
    let mut rest = date;
    if let [years, months, days] = date.split(|&byte| byte == b'-').collect::<Vec<_>>()[..]
        && !years.is_empty()
    {
        for (part, unit) in
            [(years, Unit::Months(12)), (months, Unit::Month), (days, Unit::Days(1))]
        {
            in_range &= sum.add(Amount::parse(part, false)?, unit).is_some();
        }
        rest = &[];
    }
    if text.is_empty() || time.is_some_and(<[u8]>::is_empty) {
        return None;
    }
    while !rest.is_empty() {
        let (amount, designator) = iso_part(&mut rest)?;
        let unit = match designator {
            b'Y' => Unit::Months(12),
            b'M' => Unit::Month,
            b'W' => Unit::Days(7),
            b'D' => Unit::Days(1),
            _ => return None,
        };
        in_range &= sum.add(amount, unit).is_some();
    }
    let mut rest = time.unwrap_or_default();
    if rest.contains(&b':') {
        in_range &= sum.add_clock(Clock::parse(rest)?, false).is_some();
        rest = &[];
    }
    while !rest.is_empty() {
        let (amount, designator) = iso_part(&mut rest)?;
        let unit = match designator {
            b'H' => Unit::Micros(3_600_000_000),
            b'M' => Unit::Micros(60_000_000),
            b'S' => Unit::Micros(1_000_000),
            _ => return None,
        };
        in_range &= sum.add(amount, unit).is_some();
    }
    Some(in_range.then_some(sum))
}

fn iso_part(rest: &mut &[u8]) -> Option<(Amount, u8)> {
    let negative = take_sign(rest) == Some(b'-');
    let number = take_run(rest, |byte| byte.is_ascii_digit() || byte == b'.');
    let amount = Amount::parse(number, negative)?;
    let (&designator, tail) = rest.split_first()?;
    *rest = tail;
    Some((amount, designator))
}

/// Skips what separates parts; `@` is decoration.
fn skip_space<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    take_run(rest, |byte| matches!(byte, b' ' | b'\t'..=b'\r' | b'@' | b','));
    rest
}

fn take_sign(rest: &mut &[u8]) -> Option<u8> {
    let (&sign, tail) = rest.split_first()?;
    if !matches!(sign, b'+' | b'-') {
        return None;
    }
    *rest = tail;
    skip_space(rest);
    Some(sign)
}

fn take_word_if(rest: &mut &[u8], word: &[u8]) -> bool {
    match rest.split_at_checked(word.len()) {
        Some((start, tail)) if start.eq_ignore_ascii_case(word) => {
            *rest = tail;
            true
        }
        _ => false,
    }
}

fn take_run<'a>(rest: &mut &'a [u8], part: impl Fn(u8) -> bool) -> &'a [u8] {
    let length = rest.iter().take_while(|&&byte| part(byte)).count();
    let (run, tail) = rest.split_at_checked(length).unwrap_or((&[], rest));
    *rest = tail;
    run
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(i32, i32, i64)> {
        parse_interval(text.as_bytes(), &TextStyle::default())
            .map(|value| (value.months, value.days, value.micros))
    }

    #[test]
    fn texts_of_every_style() {
        const SECOND: i64 = 1_000_000;
        let clock = 14_706 * SECOND;
        for (text, value) in [
            ("1 year 2 mons 3 days 04:05:06", (14, 3, clock)),
            ("1-2 3 4:05:06", (14, 3, clock)),
            ("-1-2 +3 -4:05:06", (-14, 3, -clock)),
            ("P1Y2M3DT4H5M6S", (14, 3, clock)),
            ("P0001-02-03T04:05:06", (14, 3, clock)),
            ("@ 1 year 2 mons -3 days ago", (-14, 3, 0)),
            ("1 day ago", (0, -1, 0)),
            ("1.5 days", (0, 1, 43_200 * SECOND)),
            ("1.5 years", (18, 0, 0)),
            ("1.7 months", (1, 21, 0)),
            ("2.5 weeks", (0, 17, 43_200 * SECOND)),
            ("0.5 century", (600, 0, 0)),
            ("100", (0, 0, 100 * SECOND)),
            ("1:30", (0, 0, 5400 * SECOND)),
            ("30:15.5", (0, 0, 1_815_500_000)),
            ("1 day -1:30", (0, 1, -5400 * SECOND)),
            ("1 2:03", (0, 1, 7380 * SECOND)),
            ("1d2h", (0, 1, 7200 * SECOND)),
            ("5 ms", (0, 0, 5000)),
            ("P1.5W", (0, 10, 43_200 * SECOND)),
            ("PT36H", (0, 0, 129_600 * SECOND)),
            ("P-1Y", (-12, 0, 0)),
            ("PT-0.5S", (0, 0, -500_000)),
            ("1 mon -0.5 days", (1, 0, -43_200 * SECOND)),
        ] {
            assert_eq!(parse(text).unwrap(), value, "{text}");
        }
    }

    #[test]
    fn wrong_texts() {
        for text in [
            "",
            "abc",
            "1 foo",
            "3 4",
            "1 year 1 year",
            "1e3 s",
            "-P1D",
            "P",
            "PT",
            "1 quarter",
            "ago",
        ] {
            assert_eq!(parse(text).unwrap_err().sqlstate(), "22007", "{text}");
        }
        for text in ["1:60", "2147483648 days", "200000000 years"] {
            assert_eq!(parse(text).unwrap_err().sqlstate(), "22015", "{text}");
        }
    }
}

//! Times of day and offsets inside date and time texts: `04:05:06.789`, `040506`, `+05:30`. It knows no dates.

use crate::base::calendar::MICROS_PER_SECOND;

/// A time of day as written; hours may be more than 24 in intervals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    pub hours: i64,
    pub minutes: i64,
    pub seconds: i64,
    pub micros: i64,
}

impl Clock {
    /// Reads `h:mm` or `h:mm:ss`, each with an optional fraction of the last part.
    ///
    /// `mm:ss.fraction` without hours is an interval's form: the parts are then minutes and seconds.
    pub fn parse(text: &[u8]) -> Option<Clock> {
        let mut parts = text.split(|&byte| byte == b':');
        let (first, second, third) = (parts.next()?, parts.next()?, parts.next());
        if parts.next().is_some() {
            return None;
        }
        let first = digits(first)?;
        let Some(third) = third else {
            if second.contains(&b'.') {
                let (seconds, micros) = decimal_seconds(second)?;
                return Some(Clock { hours: 0, minutes: first, seconds, micros });
            }
            return Some(Clock { hours: first, minutes: digits(second)?, seconds: 0, micros: 0 });
        };
        let (seconds, micros) = decimal_seconds(third)?;
        Some(Clock { hours: first, minutes: digits(second)?, seconds, micros })
    }

    /// Reads `hhmmss`, `hhmm` or `hh`, with an optional fraction after seconds.
    pub fn parse_compact(text: &[u8]) -> Option<Clock> {
        let (whole, fraction) = split_fraction(text);
        let two = |at: usize| whole.get(at..at + 2).and_then(digits);
        let clock = match whole.len() {
            6 => Clock { hours: two(0)?, minutes: two(2)?, seconds: two(4)?, micros: 0 },
            4 => Clock { hours: two(0)?, minutes: two(2)?, seconds: 0, micros: 0 },
            2 => Clock { hours: two(0)?, minutes: 0, seconds: 0, micros: 0 },
            _ => return None,
        };
        let micros = fraction.map_or(Some(0), fraction_micros)?;
        (whole.len() == 6 || fraction.is_none()).then_some(Clock { micros, ..clock })
    }

    /// Whether minutes and seconds are in their ranges; a second of 60 is.
    pub fn has_valid_minutes(self) -> bool {
        self.minutes < 60 && (self.seconds < 60 || (self.seconds == 60 && self.micros == 0))
    }

    /// Microseconds since midnight, if this is a time of day: at most 24:00:00.
    pub fn time_of_day(self) -> Option<i64> {
        let micros = self.total_micros()?;
        let in_range = self.minutes < 60 && self.seconds <= 60 && self.hours <= 24;
        (in_range && micros <= 86_400 * MICROS_PER_SECOND).then_some(micros)
    }

    pub fn total_micros(self) -> Option<i64> {
        let minutes = self.hours.checked_mul(60)?.checked_add(self.minutes)?;
        let seconds = minutes.checked_mul(60)?.checked_add(self.seconds)?;
        seconds.checked_mul(MICROS_PER_SECOND)?.checked_add(self.micros)
    }
}

/// Why an offset was not read.
pub enum OffsetError {
    Syntax,
    OutOfRange,
}

/// Reads `+02`, `-0330`, `+05:30` or `+02:30:15` as seconds east.
pub fn parse_offset(text: &[u8]) -> Result<i32, OffsetError> {
    let (sign, rest) = match text.split_first() {
        Some((b'-', rest)) => (-1, rest),
        Some((b'+', rest)) => (1, rest),
        _ => return Err(OffsetError::Syntax),
    };
    let mut parts = rest.split(|&byte| byte == b':');
    let mut next = || parts.next().map(|part| digits(part).ok_or(OffsetError::Syntax)).transpose();
    let (first, second, third, fourth) = (next()?, next()?, next()?, next()?);
    let first = first.filter(|_| fourth.is_none()).ok_or(OffsetError::Syntax)?;
    let (hours, minutes) = match second {
        Some(minutes) => (first, minutes),
        None if rest.len() > 2 => (first / 100, first % 100),
        None => (first, 0),
    };
    let seconds = third.unwrap_or(0);
    // PostgreSQL's MAX_TZDISP_HOUR.
    if hours > 15 || minutes > 59 || seconds > 59 {
        return Err(OffsetError::OutOfRange);
    }
    Ok(sign * (hours * 3600 + minutes * 60 + seconds) as i32)
}

/// A number of at most 18 digits, and nothing else.
pub fn digits(text: &[u8]) -> Option<i64> {
    if text.is_empty() || text.len() > 18 {
        return None;
    }
    text.iter().try_fold(0i64, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

/// Splits `12.5` into its whole part and its fraction.
pub fn split_fraction(text: &[u8]) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|&byte| byte == b'.') {
        Some(at) => {
            let (whole, fraction) = text.split_at(at);
            (whole, fraction.get(1..))
        }
        None => (text, None),
    }
}

fn decimal_seconds(text: &[u8]) -> Option<(i64, i64)> {
    let (whole, fraction) = split_fraction(text);
    Some((digits(whole)?, fraction.map_or(Some(0), fraction_micros)?))
}

/// Digits after the point as microseconds, rounded; the result may be a whole second.
pub fn fraction_micros(text: &[u8]) -> Option<i64> {
    let mut micros = 0;
    for position in 0..6 {
        let digit = text.get(position).copied().unwrap_or(b'0');
        micros = micros * 10 + i64::from(digit.checked_sub(b'0').filter(|&digit| digit < 10)?);
    }
    let rest = text.get(6..).unwrap_or_default();
    let all_digits = rest.iter().all(u8::is_ascii_digit);
    all_digits.then_some(micros + i64::from(rest.first().is_some_and(|&digit| digit >= b'5')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_have_a_long_and_a_compact_form() {
        let expected = Clock { hours: 4, minutes: 5, seconds: 6, micros: 789_000 };
        assert_eq!(Clock::parse(b"04:05:06.789"), Some(expected));
        assert_eq!(Clock::parse_compact(b"040506.789"), Some(expected));
        assert_eq!(Clock::parse(b"24:00:00.1").unwrap().time_of_day(), None);
        assert_eq!(Clock::parse(b"24:00").unwrap().time_of_day(), Some(86_400_000_000));
        assert_eq!(Clock::parse(b"1:2:3:4"), None);
        assert_eq!(fraction_micros(b"1234567"), Some(123_457));
    }
}

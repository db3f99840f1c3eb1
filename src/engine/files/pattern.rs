//! Patterns of dates and timestamps in foreign files, as Java and Spark write them. A letter that is not read
//! is refused by name.

use chrono::format::{Item, Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

use crate::base::{Error, ErrorKind, Result};

/// A pattern such as `yyyy-MM-dd HH:mm:ss`.
#[derive(Debug, Clone)]
pub struct TimePattern {
    /// In chrono's notation.
    items: Vec<Item<'static>>,
}

impl TimePattern {
    /// 0A000 for letters that are not read, 22023 for a pattern that does not hold together.
    pub fn parse(text: &str) -> Result<Self> {
        let mut format = String::with_capacity(text.len() * 2);
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter == '\'' {
                for quoted in letters.by_ref().take_while(|next| *next != '\'') {
                    push_literal(&mut format, quoted);
                }
                continue;
            }
            if !letter.is_ascii_alphabetic() {
                if !matches!(letter, '[' | ']') {
                    push_literal(&mut format, letter);
                }
                continue;
            }
            let mut count = 1;
            while letters.next_if_eq(&letter).is_some() {
                count += 1;
            }
            if letter == 'S' && format.ends_with('.') {
                format.pop();
                format.push_str("%.f");
                continue;
            }
            format.push_str(specifier(letter, count).ok_or_else(|| {
                let letters: String = std::iter::repeat_n(letter, count).collect();
                Error::unsupported(format!("\"{letters}\" in a pattern of dates"))
            })?);
        }
        let items = StrftimeItems::new(&format).map(|item| item.to_owned()).collect::<Vec<_>>();
        if items.iter().any(|item| matches!(item, Item::Error)) {
            let message = format!("invalid pattern of dates \"{text}\"");
            return Err(Error::new(ErrorKind::InvalidParameterValue, message));
        }
        Ok(TimePattern { items })
    }

    fn parsed(&self, text: &str) -> Option<Parsed> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        Some(parsed)
    }

    /// Days since 1970-01-01.
    pub fn date(&self, text: &str) -> Option<i32> {
        let date = self.parsed(text)?.to_naive_date().ok()?;
        i32::try_from(date.signed_duration_since(NaiveDate::default()).num_days()).ok()
    }

    /// The time on the clock, and the moment where the text names an offset.
    pub fn timestamp(&self, text: &str) -> Option<(NaiveDateTime, Option<DateTime<Utc>>)> {
        let parsed = self.parsed(text)?;
        let date = parsed.to_naive_date().ok()?;
        // A pattern without hours is midnight.
        let time = parsed.to_naive_time().unwrap_or(NaiveTime::MIN);
        let clock = date.and_time(time);
        let moment = parsed.to_fixed_offset().ok().and_then(|offset| {
            clock.and_local_timezone(offset).single().map(|moment| moment.to_utc())
        });
        Some((clock, moment))
    }
}

fn push_literal(format: &mut String, letter: char) {
    if letter == '%' {
        format.push('%');
    }
    format.push(letter);
}

fn specifier(letter: char, count: usize) -> Option<&'static str> {
    Some(match (letter, count) {
        ('y' | 'u', 1 | 4) => "%Y",
        ('y' | 'u', 2) => "%y",
        ('M' | 'L', 1) => "%-m",
        ('M' | 'L', 2) => "%m",
        ('M' | 'L', 3) => "%b",
        ('M' | 'L', 4) => "%B",
        ('d', 1) => "%-d",
        ('d', 2) => "%d",
        ('D', 1..=3) => "%j",
        ('H', 1) => "%-H",
        ('H', 2) => "%H",
        ('h', 1) => "%-I",
        ('h', 2) => "%I",
        ('m', 1) => "%-M",
        ('m', 2) => "%M",
        ('s', 1) => "%-S",
        ('s', 2) => "%S",
        ('S', 3) => "%3f",
        ('S', 6) => "%6f",
        ('S', 9) => "%9f",
        ('a', _) => "%p",
        ('E', 1..=3) => "%a",
        ('E', 4) => "%A",
        ('X' | 'x' | 'Z', _) => "%#z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_java_are_read() {
        let clock = |pattern: &str, text: &str| {
            let read = TimePattern::parse(pattern).unwrap().timestamp(text);
            read.map(|(clock, moment)| (clock.to_string(), moment.map(|m| m.to_rfc3339())))
        };
        let read = |text: &str| Some((text.to_owned(), None));
        assert_eq!(
            clock("dd/MM/yyyy HH:mm:ss", "31/01/2024 10:20:30"),
            read("2024-01-31 10:20:30")
        );
        assert_eq!(clock("d.M.yyyy", "1.2.2024"), read("2024-02-01 00:00:00"));
        assert_eq!(clock("yyyyMMdd'T'HHmmss", "20240131T102030"), read("2024-01-31 10:20:30"));
        assert_eq!(
            clock("yyyy-MM-dd HH:mm:ss.SSS", "2024-01-31 10:20:30.125"),
            read("2024-01-31 10:20:30.125")
        );
        assert_eq!(clock("yyyy-MM-dd hh:mm a", "2024-01-31 01:05 PM"), read("2024-01-31 13:05:00"));
        let moment = Some("2024-01-31T08:20:30+00:00".to_owned());
        let zoned = clock("yyyy-MM-dd HH:mm:ssXXX", "2024-01-31 10:20:30+02:00");
        assert_eq!(zoned, Some(("2024-01-31 10:20:30".to_owned(), moment)));
        assert_eq!(clock("yyyy-MM-dd", "31.1.2024"), None);
        assert!(TimePattern::parse("G").is_err());
    }
}

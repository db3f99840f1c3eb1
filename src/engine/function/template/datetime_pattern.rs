//! Templates of dates and times, split into their pieces. It formats nothing.

use crate::base::Result;

/// One keyword of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    Hour12,
    Hour24,
    Minute,
    Second,
    /// Digits of the fraction of a second, 1 to 6.
    Fraction(u8),
    Millisecond,
    Microsecond,
    SecondOfDay,
    /// `AM`; whether with points.
    Meridiem {
        dotted: bool,
    },
    YearWithComma,
    /// Years with their last digits, 1 to 4.
    Year(u8),
    IsoYear(u8),
    /// `AD` or `BC`; whether with points.
    Era {
        dotted: bool,
    },
    MonthName,
    MonthShort,
    Month,
    DayName,
    DayShort,
    DayOfYear,
    IsoDayOfYear,
    Day,
    DayOfWeek,
    IsoDayOfWeek,
    WeekOfMonth,
    Week,
    IsoWeek,
    Century,
    Julian,
    Quarter,
    Roman,
    ZoneName,
    ZoneHour,
    ZoneMinute,
    ZoneOffset,
}

/// How letters are written, after the keyword's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    Upper,
    Capital,
    Lower,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Field {
        keyword: Keyword,
        case: Case,
        /// `FM`: without padding.
        fill: bool,
        /// `th` or `TH` behind it.
        ordinal: Option<Case>,
    },
    /// Text between double quotes, or behind a backslash.
    Quoted(String),
    /// Any other character.
    Literal(char),
}

/// A template that has been read.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub pieces: Vec<Piece>,
    /// `FX`: separators must be the template's.
    pub exact: bool,
}

/// The keywords with the letters that tell their case; longer ones before what they begin with.
const KEYWORDS: &[(&str, Keyword)] = &[
    ("A.D.", Keyword::Era { dotted: true }),
    ("A.M.", Keyword::Meridiem { dotted: true }),
    ("AD", Keyword::Era { dotted: false }),
    ("AM", Keyword::Meridiem { dotted: false }),
    ("B.C.", Keyword::Era { dotted: true }),
    ("BC", Keyword::Era { dotted: false }),
    ("CC", Keyword::Century),
    ("DAY", Keyword::DayName),
    ("DDD", Keyword::DayOfYear),
    ("DD", Keyword::Day),
    ("DY", Keyword::DayShort),
    ("D", Keyword::DayOfWeek),
    ("FF1", Keyword::Fraction(1)),
    ("FF2", Keyword::Fraction(2)),
    ("FF3", Keyword::Fraction(3)),
    ("FF4", Keyword::Fraction(4)),
    ("FF5", Keyword::Fraction(5)),
    ("FF6", Keyword::Fraction(6)),
    ("HH24", Keyword::Hour24),
    ("HH12", Keyword::Hour12),
    ("HH", Keyword::Hour12),
    ("IDDD", Keyword::IsoDayOfYear),
    ("ID", Keyword::IsoDayOfWeek),
    ("IW", Keyword::IsoWeek),
    ("IYYY", Keyword::IsoYear(4)),
    ("IYY", Keyword::IsoYear(3)),
    ("IY", Keyword::IsoYear(2)),
    ("I", Keyword::IsoYear(1)),
    ("J", Keyword::Julian),
    ("MI", Keyword::Minute),
    ("MM", Keyword::Month),
    ("MONTH", Keyword::MonthName),
    ("MON", Keyword::MonthShort),
    ("MS", Keyword::Millisecond),
    ("OF", Keyword::ZoneOffset),
    ("P.M.", Keyword::Meridiem { dotted: true }),
    ("PM", Keyword::Meridiem { dotted: false }),
    ("Q", Keyword::Quarter),
    ("RM", Keyword::Roman),
    ("SSSSS", Keyword::SecondOfDay),
    ("SSSS", Keyword::SecondOfDay),
    ("SS", Keyword::Second),
    ("TZH", Keyword::ZoneHour),
    ("TZM", Keyword::ZoneMinute),
    ("TZ", Keyword::ZoneName),
    ("US", Keyword::Microsecond),
    ("WW", Keyword::Week),
    ("W", Keyword::WeekOfMonth),
    ("Y,YYY", Keyword::YearWithComma),
    ("YYYY", Keyword::Year(4)),
    ("YYY", Keyword::Year(3)),
    ("YY", Keyword::Year(2)),
    ("Y", Keyword::Year(1)),
];

impl Pattern {
    pub fn parse(template: &str) -> Result<Pattern> {
        let mut pattern = Pattern { pieces: Vec::new(), exact: false };
        let mut rest = template;
        let mut fill = false;
        while let Some(first) = rest.chars().next() {
            if let Some(after) = strip(rest, "FM") {
                fill = true;
                rest = after;
            } else if let Some(after) = strip(rest, "FX") {
                pattern.exact = true;
                rest = after;
            } else if let Some(after) = strip(rest, "TM").filter(|after| keyword(after).is_some()) {
                // Names are those of the locale C, which TM writes without padding.
                fill = true;
                rest = after;
            } else if let Some((written, keyword)) = keyword(rest) {
                let (word, after) = rest.split_at(written);
                let (ordinal, after) = ordinal(after);
                pattern.pieces.push(Piece::Field { keyword, case: case(word), fill, ordinal });
                fill = false;
                rest = after;
            } else if first == '"' {
                let (text, after) = quoted(rest.get(1..).unwrap_or_default());
                pattern.pieces.push(Piece::Quoted(text));
                rest = after;
            } else if rest.starts_with("\\\"") {
                pattern.pieces.push(Piece::Literal('"'));
                rest = rest.get(2..).unwrap_or_default();
            } else {
                pattern.pieces.push(Piece::Literal(first));
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
        Ok(pattern)
    }

    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

fn strip<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    start.eq_ignore_ascii_case(word).then(|| text.get(word.len()..).unwrap_or_default())
}

/// The keyword that a text begins with, and its length.
fn keyword(text: &str) -> Option<(usize, Keyword)> {
    KEYWORDS
        .iter()
        .find(|(word, _)| strip(text, word).is_some())
        .map(|(word, keyword)| (word.len(), *keyword))
}

fn ordinal(text: &str) -> (Option<Case>, &str) {
    let after = || text.get(2..).unwrap_or_default();
    if text.starts_with("TH") {
        (Some(Case::Upper), after())
    } else if text.starts_with("th") {
        (Some(Case::Lower), after())
    } else {
        (None, text)
    }
}

/// `MON`, `Mon` or `mon`.
fn case(word: &str) -> Case {
    let mut letters = word.chars().filter(|letter| letter.is_ascii_alphabetic());
    let first_is_upper = letters.next().is_some_and(|letter| letter.is_ascii_uppercase());
    match (first_is_upper, letters.next().is_none_or(|letter| letter.is_ascii_uppercase())) {
        (true, true) => Case::Upper,
        (true, false) => Case::Capital,
        (false, _) => Case::Lower,
    }
}

/// The text up to the closing quote, and what follows it.
fn quoted(text: &str) -> (String, &str) {
    let mut made = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (made, text.get(at + 1..).unwrap_or_default()),
            '\\' => made.extend(characters.next().map(|(_, escaped)| escaped)),
            other => made.push(other),
        }
    }
    (made, "")
}

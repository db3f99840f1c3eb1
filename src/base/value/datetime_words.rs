//! Words inside date and time texts: months, days of the week, zone abbreviations and special values. It
//! knows nothing about the order in which they stand.

/// What a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// 1 to 12.
    Month(u32),
    /// Days of the week and fillers: they say nothing that the date does not.
    Ignored,
    BeforeChrist,
    AnnoDomini,
    Am,
    Pm,
    /// Seconds east of a zone abbreviation.
    Offset(i32),
    /// The number that follows is a Julian day.
    JulianDay,
    /// The number that follows is a time.
    TimeMark,
    Special(Special),
}

/// Texts that stand for a moment without naming it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    Epoch,
    Now,
    Today,
    Tomorrow,
    Yesterday,
    AllBalls,
    Infinity,
}

const MONTHS: [&str; 12] = [
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

const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Abbreviations that PostgreSQL's default list has, in minutes east. Most zones also go by their full name.
const ABBREVIATIONS: [(&str, i32); 50] = [
    ("z", 0),
    ("zulu", 0),
    ("utc", 0),
    ("ut", 0),
    ("uct", 0),
    ("gmt", 0),
    ("wet", 0),
    ("wetdst", 60),
    ("west", 60),
    ("bst", 60),
    ("cet", 60),
    ("met", 60),
    ("mez", 60),
    ("cest", 120),
    ("mest", 120),
    ("mesz", 120),
    ("eet", 120),
    ("sast", 120),
    ("ist", 120),
    ("idt", 180),
    ("eest", 180),
    ("msk", 180),
    ("msd", 240),
    ("eat", 180),
    ("pkt", 300),
    ("npt", 345),
    ("bdt", 360),
    ("ict", 420),
    ("hkt", 480),
    ("pht", 480),
    ("sgt", 480),
    ("awst", 480),
    ("jst", 540),
    ("kst", 540),
    ("acst", 570),
    ("aest", 600),
    ("acdt", 630),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
    ("nst", -210),
    ("ndt", -150),
    ("adt", -180),
    ("ast", -240),
    ("edt", -240),
    ("est", -300),
    ("cdt", -300),
    ("cst", -360),
    ("mdt", -360),
    ("mst", -420),
];

/// More of the same, for the west coast and the islands.
const WESTERN_ABBREVIATIONS: [(&str, i32); 5] =
    [("pdt", -420), ("pst", -480), ("akdt", -480), ("akst", -540), ("hst", -600)];

/// The meaning of a word of letters, in any case.
pub fn meaning(word: &[u8]) -> Option<Word> {
    let lower = std::str::from_utf8(word).ok()?.to_ascii_lowercase();
    let lower = lower.as_str();
    if let Some(month) = month(lower) {
        return Some(Word::Month(month));
    }
    if is_weekday(lower) {
        return Some(Word::Ignored);
    }
    let word = match lower {
        "at" | "on" => Word::Ignored,
        "bc" => Word::BeforeChrist,
        "ad" => Word::AnnoDomini,
        "am" => Word::Am,
        "pm" => Word::Pm,
        "j" | "jd" | "julian" => Word::JulianDay,
        "t" => Word::TimeMark,
        "epoch" => Word::Special(Special::Epoch),
        "now" => Word::Special(Special::Now),
        "today" => Word::Special(Special::Today),
        "tomorrow" => Word::Special(Special::Tomorrow),
        "yesterday" => Word::Special(Special::Yesterday),
        "allballs" => Word::Special(Special::AllBalls),
        "infinity" | "-infinity" | "+infinity" => Word::Special(Special::Infinity),
        _ => {
            let mut all = ABBREVIATIONS.iter().chain(&WESTERN_ABBREVIATIONS);
            let (_, minutes) = all.find(|(name, _)| *name == lower)?;
            Word::Offset(minutes * 60)
        }
    };
    Some(word)
}

/// The month with this name or three-letter abbreviation, in lower case.
fn month(word: &str) -> Option<u32> {
    let is_name = |name: &str| name == word || name.get(..3) == Some(word);
    let sept = (word == "sept").then_some(8);
    let position = MONTHS.iter().position(|name| is_name(name)).or(sept)?;
    Some(position as u32 + 1)
}

fn is_weekday(word: &str) -> bool {
    let extra = ["tues", "weds", "wednes", "thur", "thurs"];
    WEEKDAYS.iter().any(|name| *name == word || name.get(..3) == Some(word))
        || extra.contains(&word)
}

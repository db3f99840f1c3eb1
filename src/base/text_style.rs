//! How a session wants values written as text: the settings that PostgreSQL's output functions follow.
//! It renders nothing; `base::render` does.

use super::encoding::Encoding;
use super::error::{Error, ErrorKind, Result};
use super::time_zone::TimeZone;

/// The settings that decide how values look as text and how ambiguous texts are read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextStyle {
    /// `TimeZone`.
    pub time_zone: TimeZone,
    /// `DateStyle`.
    pub date_style: DateStyle,
    /// `IntervalStyle`.
    pub interval_style: IntervalStyle,
    /// `extra_float_digits`, -15 to 3: more than 0 writes the shortest digits that give the same value.
    pub extra_float_digits: i32,
    /// `bytea_output`.
    pub bytea_output: ByteaOutput,
    /// `client_encoding`.
    pub encoding: Encoding,
}

impl Default for TextStyle {
    /// PostgreSQL's defaults, in UTC.
    fn default() -> Self {
        TextStyle {
            time_zone: TimeZone::UTC,
            date_style: DateStyle { layout: DateLayout::Iso, order: DateOrder::Mdy },
            interval_style: IntervalStyle::Postgres,
            extra_float_digits: 1,
            bytea_output: ByteaOutput::Hex,
            encoding: Encoding::default(),
        }
    }
}

impl TextStyle {
    /// The style that a session's settings, by lower-case name, ask for; a missing one has its default.
    pub fn of_settings<'a>(setting: impl Fn(&str) -> Option<&'a str>) -> TextStyle {
        let default = TextStyle::default();
        let of = |name: &str| setting(name).unwrap_or_default();
        TextStyle {
            time_zone: TimeZone::parse(of("timezone")).unwrap_or(default.time_zone),
            date_style: DateStyle::parse(of("datestyle"), default.date_style)
                .unwrap_or(default.date_style),
            interval_style: IntervalStyle::parse(of("intervalstyle"))
                .unwrap_or(default.interval_style),
            extra_float_digits: parse_extra_float_digits(of("extra_float_digits"))
                .unwrap_or(default.extra_float_digits),
            bytea_output: ByteaOutput::parse(of("bytea_output")).unwrap_or(default.bytea_output),
            encoding: Encoding::parse(of("client_encoding")).unwrap_or(default.encoding),
        }
    }
}

/// `DateStyle`: how dates are written, and the order in which `1/2/2024` is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateStyle {
    pub layout: DateLayout,
    pub order: DateOrder,
}

/// How dates and timestamps are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateLayout {
    /// `2024-01-31 10:00:00+01`
    Iso,
    /// `01/31/2024 10:00:00 CET`
    Sql,
    /// `Wed Jan 31 10:00:00 2024 CET`
    Postgres,
    /// `31.01.2024 10:00:00 CET`
    German,
}

/// The order of day, month and year in ambiguous dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    Dmy,
    Mdy,
    Ymd,
}

/// `IntervalStyle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IntervalStyle {
    /// `1 year 2 mons 3 days 04:05:06`
    Postgres,
    /// `@ 1 year 2 mons 3 days 4 hours 5 mins 6 secs`
    PostgresVerbose,
    /// `+1-2 +3 +4:05:06`
    SqlStandard,
    /// `P1Y2M3DT4H5M6S`
    Iso8601,
}

/// `bytea_output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteaOutput {
    /// `\x00ff`
    Hex,
    /// `\000\377`
    Escape,
}

impl DateStyle {
    /// Reads the value of `DateStyle`, such as `ISO, MDY`; what it does not name stays as in `current`.
    pub fn parse(text: &str, current: DateStyle) -> Result<DateStyle> {
        let invalid = || invalid_value("DateStyle", text);
        let (mut layout, mut order) = (None, None);
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            let word = word.to_ascii_lowercase();
            let new_layout = match word.as_str() {
                "iso" => Some(DateLayout::Iso),
                "sql" => Some(DateLayout::Sql),
                "german" => Some(DateLayout::German),
                "default" => Some(DateLayout::Iso),
                _ if word.starts_with("postgres") => Some(DateLayout::Postgres),
                _ => None,
            };
            let new_order = match word.as_str() {
                "ymd" => Some(DateOrder::Ymd),
                "dmy" | "euro" | "euros" | "european" => Some(DateOrder::Dmy),
                "mdy" | "us" | "noneuro" | "noneuros" | "noneuropean" | "default" => {
                    Some(DateOrder::Mdy)
                }
                _ => None,
            };
            if new_layout.is_none() && new_order.is_none() {
                return Err(invalid());
            }
            let conflict = |old: bool, new: bool| old && new;
            if conflict(layout.is_some_and(|old| Some(old) != new_layout), new_layout.is_some())
                || conflict(order.is_some_and(|old| Some(old) != new_order), new_order.is_some())
            {
                return Err(invalid().with_detail("Conflicting \"datestyle\" specifications."));
            }
            layout = layout.or(new_layout);
            order = order.or(new_order);
        }
        // German alone means the German order too.
        let natural =
            if layout == Some(DateLayout::German) { DateOrder::Dmy } else { current.order };
        Ok(DateStyle { layout: layout.unwrap_or(current.layout), order: order.unwrap_or(natural) })
    }

    /// The value as `SHOW DateStyle` gives it.
    pub fn setting(self) -> &'static str {
        match (self.layout, self.order) {
            (DateLayout::Iso, DateOrder::Dmy) => "ISO, DMY",
            (DateLayout::Iso, DateOrder::Mdy) => "ISO, MDY",
            (DateLayout::Iso, DateOrder::Ymd) => "ISO, YMD",
            (DateLayout::Sql, DateOrder::Dmy) => "SQL, DMY",
            (DateLayout::Sql, DateOrder::Mdy) => "SQL, MDY",
            (DateLayout::Sql, DateOrder::Ymd) => "SQL, YMD",
            (DateLayout::Postgres, DateOrder::Dmy) => "Postgres, DMY",
            (DateLayout::Postgres, DateOrder::Mdy) => "Postgres, MDY",
            (DateLayout::Postgres, DateOrder::Ymd) => "Postgres, YMD",
            (DateLayout::German, DateOrder::Dmy) => "German, DMY",
            (DateLayout::German, DateOrder::Mdy) => "German, MDY",
            (DateLayout::German, DateOrder::Ymd) => "German, YMD",
        }
    }
}

impl IntervalStyle {
    /// Reads the value of `IntervalStyle`.
    pub fn parse(text: &str) -> Result<IntervalStyle> {
        match text.to_ascii_lowercase().as_str() {
            "postgres" => Ok(IntervalStyle::Postgres),
            "postgres_verbose" => Ok(IntervalStyle::PostgresVerbose),
            "sql_standard" => Ok(IntervalStyle::SqlStandard),
            "iso_8601" => Ok(IntervalStyle::Iso8601),
            _ => Err(invalid_value("IntervalStyle", text).with_hint(
                "Available values: postgres, postgres_verbose, sql_standard, iso_8601.",
            )),
        }
    }
}

impl ByteaOutput {
    /// Reads the value of `bytea_output`.
    pub fn parse(text: &str) -> Result<ByteaOutput> {
        match text.to_ascii_lowercase().as_str() {
            "hex" => Ok(ByteaOutput::Hex),
            "escape" => Ok(ByteaOutput::Escape),
            _ => {
                Err(invalid_value("bytea_output", text).with_hint("Available values: escape, hex."))
            }
        }
    }
}

/// Reads the value of `extra_float_digits`, -15 to 3.
pub fn parse_extra_float_digits(text: &str) -> Result<i32> {
    let digits: i32 = text.trim().parse().map_err(|_| invalid_value("extra_float_digits", text))?;
    if (-15..=3).contains(&digits) {
        return Ok(digits);
    }
    Err(Error::new(
        ErrorKind::InvalidParameterValue,
        format!(
            "{digits} is outside the valid range for parameter \"extra_float_digits\" (-15 .. 3)"
        ),
    ))
}

fn invalid_value(setting: &str, text: &str) -> Error {
    Error::new(
        ErrorKind::InvalidParameterValue,
        format!("invalid value for parameter \"{setting}\": \"{text}\""),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_styles_keep_what_they_do_not_name() {
        let start = TextStyle::default().date_style;
        for (text, setting) in [
            ("ISO, MDY", "ISO, MDY"),
            ("dmy", "ISO, DMY"),
            ("German", "German, DMY"),
            ("SQL, European", "SQL, DMY"),
            ("postgresql", "Postgres, MDY"),
        ] {
            assert_eq!(DateStyle::parse(text, start).unwrap().setting(), setting, "{text}");
        }
        for text in ["ISO, SQL", "mdy, dmy", "french"] {
            assert_eq!(DateStyle::parse(text, start).unwrap_err().sqlstate(), "22023", "{text}");
        }
    }

    #[test]
    fn float_digits_have_bounds() {
        assert_eq!(parse_extra_float_digits("3").unwrap(), 3);
        assert!(parse_extra_float_digits("4").is_err());
        assert!(parse_extra_float_digits("x").is_err());
    }
}

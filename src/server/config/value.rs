//! How configuration values are written: one kind a type, each read from text and shown again. It knows no
//! keys and no sources.

use std::marker::PhantomData;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::LogFormat;

/// A kind of value. `parse` fails with a sentence part that follows the value in quotes: `is not …`.
pub trait Kind {
    type Value;
    /// What the reference calls it.
    const NAME: &'static str;
    fn parse(text: &str) -> Result<Self::Value, String>;
    /// The value as it would be written; empty for none.
    fn show(value: &Self::Value) -> String;
}

/// A value that may be absent.
pub struct Optional<K>(PhantomData<K>);
/// Any text but the empty one.
pub struct Text;
/// The path of a file.
pub struct File;
/// An IP address and a port.
pub struct Address;
/// The URL of a metastore.
pub struct Metastore;
/// On or off.
pub struct Switch;
/// A whole number of at least `MIN`.
pub struct Count<const MIN: usize>;
/// A number of bytes with a unit.
pub struct Size<T>(PhantomData<T>);
/// A number of bytes, or `auto`.
pub struct AutoSize;
/// A duration; zero only where `ZERO` allows it.
pub struct Span<const ZERO: bool>;
/// A form of the log.
pub struct Format;
/// A level of the log, or directives.
pub struct Level;

/// The [`AutoSize`] that the server works out itself.
pub const AUTO: usize = 0;

impl<K: Kind> Kind for Optional<K> {
    type Value = Option<K::Value>;
    const NAME: &'static str = K::NAME;

    fn parse(text: &str) -> Result<Self::Value, String> {
        K::parse(text).map(Some)
    }

    fn show(value: &Self::Value) -> String {
        value.as_ref().map(K::show).unwrap_or_default()
    }
}

impl Kind for Text {
    type Value = String;
    const NAME: &'static str = "text";

    fn parse(text: &str) -> Result<String, String> {
        if text.is_empty() { Err("is empty".to_owned()) } else { Ok(text.to_owned()) }
    }

    fn show(value: &String) -> String {
        value.clone()
    }
}

impl Kind for File {
    type Value = PathBuf;
    const NAME: &'static str = "file";

    fn parse(text: &str) -> Result<PathBuf, String> {
        Text::parse(text).map(PathBuf::from)
    }

    fn show(value: &PathBuf) -> String {
        value.display().to_string()
    }
}

impl Kind for Address {
    type Value = SocketAddr;
    const NAME: &'static str = "address";

    fn parse(text: &str) -> Result<SocketAddr, String> {
        text.parse().map_err(|_| {
            "is not an IP address and a port; write it like 127.0.0.1:5432 or [::1]:5432".to_owned()
        })
    }

    fn show(value: &SocketAddr) -> String {
        value.to_string()
    }
}

impl Kind for Metastore {
    type Value = String;
    const NAME: &'static str = "URL";

    fn parse(text: &str) -> Result<String, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) if !path.is_empty() => Ok(text.to_owned()),
            _ => Err("is not a metastore that this version knows; write sqlite:PATH".to_owned()),
        }
    }

    fn show(value: &String) -> String {
        value.clone()
    }
}

impl Kind for Switch {
    type Value = bool;
    const NAME: &'static str = "boolean";

    fn parse(text: &str) -> Result<bool, String> {
        match text {
            "true" | "on" | "yes" | "1" => Ok(true),
            "false" | "off" | "no" | "0" => Ok(false),
            _ => Err("is neither true nor false".to_owned()),
        }
    }

    fn show(value: &bool) -> String {
        value.to_string()
    }
}

impl<const MIN: usize> Kind for Count<MIN> {
    type Value = usize;
    const NAME: &'static str = "count";

    fn parse(text: &str) -> Result<usize, String> {
        match text.parse() {
            Ok(count) if count >= MIN => Ok(count),
            _ => Err(format!("is not a whole number of at least {MIN}")),
        }
    }

    fn show(value: &usize) -> String {
        value.to_string()
    }
}

/// The units of sizes, the largest first.
const SIZE_UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// The units of durations in milliseconds, the largest first.
const SPAN_UNITS: [(&str, u64); 4] =
    [("h", 60 * 60 * 1000), ("min", 60 * 1000), ("s", 1000), ("ms", 1)];

/// A whole number and one of `units`, with or without spaces between them.
fn measure(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// `amount` in the largest unit that leaves no rest.
fn show_measure(amount: u64, units: &[(&str, u64)]) -> String {
    units
        .iter()
        .find(|(_, factor)| amount != 0 && amount.is_multiple_of(*factor))
        .map(|(unit, factor)| format!("{}{unit}", amount / factor))
        .unwrap_or_else(|| "0s".to_owned())
}

impl<T: Copy + TryFrom<u64> + TryInto<u64>> Kind for Size<T> {
    type Value = T;
    const NAME: &'static str = "size";

    fn parse(text: &str) -> Result<T, String> {
        measure(text, &SIZE_UNITS)
            .filter(|bytes| *bytes > 0)
            .and_then(|bytes| T::try_from(bytes).ok())
            .ok_or_else(|| {
                "is not a size; write a number above 0 and B, KiB, MiB, GiB or TiB, for example 256MiB"
                    .to_owned()
            })
    }

    fn show(value: &T) -> String {
        show_measure((*value).try_into().unwrap_or(u64::MAX), &SIZE_UNITS)
    }
}

impl Kind for AutoSize {
    type Value = usize;
    const NAME: &'static str = "size or auto";

    fn parse(text: &str) -> Result<usize, String> {
        if text == "auto" { Ok(AUTO) } else { Size::parse(text) }
    }

    fn show(value: &usize) -> String {
        if *value == AUTO { "auto".to_owned() } else { Size::show(value) }
    }
}

impl<const ZERO: bool> Kind for Span<ZERO> {
    type Value = Duration;
    const NAME: &'static str = "duration";

    fn parse(text: &str) -> Result<Duration, String> {
        let least = if ZERO { "" } else { " above 0" };
        measure(text, &SPAN_UNITS)
            .filter(|milliseconds| ZERO || *milliseconds > 0)
            .map(Duration::from_millis)
            .ok_or_else(|| {
                format!(
                    "is not a duration; write a number{least} and ms, s, min or h, for example 30s"
                )
            })
    }

    fn show(value: &Duration) -> String {
        show_measure(u64::try_from(value.as_millis()).unwrap_or(u64::MAX), &SPAN_UNITS)
    }
}

impl Kind for Format {
    type Value = LogFormat;
    const NAME: &'static str = "text or json";

    fn parse(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err("is neither text nor json".to_owned()),
        }
    }

    fn show(value: &LogFormat) -> String {
        match value {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        }
    }
}

impl Kind for Level {
    type Value = String;
    const NAME: &'static str = "level";

    fn parse(text: &str) -> Result<String, String> {
        match EnvFilter::try_new(text) {
            Ok(_) if !text.is_empty() => Ok(text.to_owned()),
            _ => {
                Err("is not a level; write error, warn, info, debug or trace, or directives like \
                      lakegate=debug,warn"
                    .to_owned())
            }
        }
    }

    fn show(value: &String) -> String {
        value.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_and_show_alike() {
        for (text, bytes) in [("1B", 1), ("256KiB", 256 << 10), ("3 GiB", 3 << 30)] {
            assert_eq!(Size::<u64>::parse(text), Ok(bytes));
            assert_eq!(Size::<u64>::show(&bytes), text.replace(' ', ""));
        }
        for text in ["", "0B", "12", "12MB", "-1B", "1.5GiB", "99999999999TiB", "é"] {
            assert!(Size::<u64>::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_read_and_show_alike() {
        for (text, seconds) in [("30s", 30), ("5min", 300), ("2h", 7200), ("0s", 0)] {
            assert_eq!(Span::<true>::parse(text), Ok(Duration::from_secs(seconds)));
            assert_eq!(Span::<true>::show(&Duration::from_secs(seconds)), text);
        }
        assert_eq!(Span::<true>::parse("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "30", "0s", "1 day", "s"] {
            assert!(Span::<false>::parse(text).is_err(), "{text}");
        }
    }
}

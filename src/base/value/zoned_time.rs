//! `timetz`: a time of day and an offset from UTC, from text and from the wire, its text, and what it is ordered by. It
//! knows no operators.

use bytes::{BufMut, BytesMut};

use super::datetime::parse_timetz;
use super::syntax::invalid_binary;
use crate::base::Result;
use crate::base::calendar::{MICROS_PER_DAY, MICROS_PER_SECOND};
use crate::base::render::write_time;
use crate::base::text_style::TextStyle;

/// PostgreSQL's `MAX_TZDISP_HOUR`, in seconds.
const OFFSET_MAX: i32 = 16 * 3600 - 1;

/// A time of day as clocks show it at an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZonedTime {
    /// Microseconds since midnight.
    pub micros: i64,
    /// Seconds east of Greenwich.
    pub offset: i32,
}

impl ZonedTime {
    /// Reads a `timetz`. Without a zone it is in the session's, as it is now.
    pub fn parse(text: &[u8], style: &TextStyle) -> Result<ZonedTime> {
        let (micros, offset) = parse_timetz(text, style)?;
        Ok(ZonedTime { micros, offset })
    }

    /// Reads what `timetz_send` writes: the time, and seconds west of Greenwich.
    pub fn parse_binary(bytes: [u8; 12]) -> Result<ZonedTime> {
        let number = bytes.iter().fold(0u128, |number, &byte| number << 8 | u128::from(byte));
        let (micros, west) = ((number >> 32) as u64 as i64, number as u32 as i32);
        let fits =
            (0..=MICROS_PER_DAY).contains(&micros) && west.unsigned_abs() <= OFFSET_MAX as u32;
        match fits {
            true => Ok(ZonedTime { micros, offset: -west }),
            false => Err(invalid_binary()),
        }
    }

    /// What `timetz_send` writes.
    pub fn write_binary(self, out: &mut BytesMut) {
        out.put_i64(self.micros);
        out.put_i32(-self.offset);
    }

    pub fn text(self) -> String {
        let mut out = BytesMut::new();
        write_time(self.micros, &mut out);
        let clock = String::from_utf8_lossy(&out).into_owned();
        let sign = if self.offset < 0 { '-' } else { '+' };
        let seconds = self.offset.unsigned_abs();
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match (minutes, seconds) {
            (0, 0) => format!("{clock}{sign}{hours:02}"),
            (_, 0) => format!("{clock}{sign}{hours:02}:{minutes:02}"),
            _ => format!("{clock}{sign}{hours:02}:{minutes:02}:{seconds:02}"),
        }
    }

    /// What such times are ordered by, as bytes: the instant, and of one instant the easternmost first.
    pub fn order_key(self) -> Vec<u8> {
        let instant = self.micros - i64::from(self.offset) * MICROS_PER_SECOND;
        let mut key = (instant ^ i64::MIN).to_be_bytes().to_vec();
        key.extend((-self.offset ^ i32::MIN).to_be_bytes());
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_kept() {
        let parse = |text: &str| ZonedTime::parse(text.as_bytes(), &TextStyle::default());
        for (text, canonical) in [
            ("08:00+02", "08:00:00+02"),
            ("08:00:00.5-03:30", "08:00:00.5-03:30"),
            ("08:00 UTC", "08:00:00+00"),
            ("08:00Z", "08:00:00+00"),
            ("8:00 PM+1", "20:00:00+01"),
            ("08:00", "08:00:00+00"),
        ] {
            let time = parse(text).unwrap();
            assert_eq!(time.text(), canonical, "{text}");
            let mut bytes = BytesMut::new();
            time.write_binary(&mut bytes);
            let bytes: [u8; 12] = bytes.as_ref().try_into().unwrap();
            assert_eq!(ZonedTime::parse_binary(bytes).unwrap(), time);
        }
        let key = |text| parse(text).unwrap().order_key();
        assert!(key("08:00+02") < key("07:00+00"));
        assert!(key("08:00+02") < key("06:00+00") && key("06:00+00") < key("04:00-02"));
        assert!(key("23:00-02") > key("00:30+00"));
    }
}

//! Intervals as text in the four `IntervalStyle`s, and as PostgreSQL's 16 bytes. It reads no text.

use bytes::{BufMut, BytesMut};

use super::ascii::Ascii;
use crate::base::text_style::IntervalStyle;

/// An interval as PostgreSQL keeps it: three numbers that do not convert into each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntervalValue {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

/// The parts that texts name; all parts of one number have its sign.
struct Parts {
    years: i64,
    months: i64,
    days: i64,
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

impl IntervalValue {
    /// Writes the interval in a style.
    pub fn write_text(self, style: IntervalStyle, out: &mut BytesMut) {
        let parts = self.parts();
        match style {
            IntervalStyle::Postgres => parts.write_postgres(out),
            IntervalStyle::PostgresVerbose => parts.write_verbose(out),
            IntervalStyle::SqlStandard => parts.write_sql_standard(out),
            IntervalStyle::Iso8601 => parts.write_iso_8601(out),
        }
    }

    /// Writes what `interval_send` writes: microseconds, days, months.
    pub fn write_binary(self, out: &mut BytesMut) {
        out.put_i64(self.micros);
        out.put_i32(self.days);
        out.put_i32(self.months);
    }

    fn parts(self) -> Parts {
        Parts {
            years: i64::from(self.months / 12),
            months: i64::from(self.months % 12),
            days: i64::from(self.days),
            hours: self.micros / 3_600_000_000,
            minutes: self.micros / 60_000_000 % 60,
            seconds: self.micros / 1_000_000 % 60,
            micros: self.micros % 1_000_000,
        }
    }
}

impl Parts {
    fn time_is_negative(&self) -> bool {
        self.hours < 0 || self.minutes < 0 || self.seconds < 0 || self.micros < 0
    }

    fn has_time(&self) -> bool {
        self.hours != 0 || self.minutes != 0 || self.seconds != 0 || self.micros != 0
    }

    /// `1 year 2 mons -3 days +04:05:06`: a sign appears where it differs from the part before.
    fn write_postgres(&self, out: &mut BytesMut) {
        let mut first = true;
        let mut after_negative = false;
        for (value, unit) in [(self.years, "year"), (self.months, "mon"), (self.days, "day")] {
            if value == 0 {
                continue;
            }
            if !first {
                out.put_u8(b' ');
            }
            if after_negative && value > 0 {
                out.put_u8(b'+');
            }
            write_number(value, out);
            out.put_u8(b' ');
            out.put_slice(unit.as_bytes());
            if value != 1 {
                out.put_u8(b's');
            }
            after_negative = value < 0;
            first = false;
        }
        if !first && !self.has_time() {
            return;
        }
        if !first {
            out.put_u8(b' ');
        }
        if self.time_is_negative() {
            out.put_u8(b'-');
        } else if after_negative {
            out.put_u8(b'+');
        }
        self.write_clock(true, out);
    }

    /// `@ 1 year -2 mons 3 secs ago`: the first part decides the direction of all.
    fn write_verbose(&self, out: &mut BytesMut) {
        out.put_u8(b'@');
        let mut direction = 0;
        let units = [
            (self.years, "year"),
            (self.months, "mon"),
            (self.days, "day"),
            (self.hours, "hour"),
            (self.minutes, "min"),
        ];
        for (value, unit) in units {
            if value == 0 {
                continue;
            }
            if direction == 0 {
                direction = value.signum();
            }
            let shown = value * direction;
            out.put_u8(b' ');
            write_number(shown, out);
            out.put_u8(b' ');
            out.put_slice(unit.as_bytes());
            if shown != 1 {
                out.put_u8(b's');
            }
        }
        if self.seconds != 0 || self.micros != 0 {
            let sign = if self.seconds < 0 || self.micros < 0 { -1 } else { 1 };
            if direction == 0 {
                direction = sign;
            }
            out.put_slice(if sign == direction { b" " } else { b" -" });
            self.write_seconds(false, out);
            let one = self.seconds.abs() == 1 && self.micros == 0;
            out.put_slice(if one { b" sec" } else { b" secs" });
        }
        match direction {
            0 => out.put_slice(b" 0"),
            ..0 => out.put_slice(b" ago"),
            _ => {}
        }
    }

    /// `1-2`, `3 4:05:06`, or all parts with signs when SQL has no literal for the value.
    fn write_sql_standard(&self, out: &mut BytesMut) {
        let values = [self.years, self.months, self.days, self.hours, self.minutes, self.seconds];
        let negative = values.iter().any(|&value| value < 0) || self.micros < 0;
        let positive = values.iter().any(|&value| value > 0) || self.micros > 0;
        let year_month = self.years != 0 || self.months != 0;
        let day_time = self.days != 0 || self.has_time();
        if !negative && !positive {
            return out.put_u8(b'0');
        }
        if (negative && positive) || (year_month && day_time) {
            let sign = |negative: bool| if negative { b'-' } else { b'+' };
            out.put_u8(sign(self.years < 0 || self.months < 0));
            self.write_year_month(out);
            out.put_u8(b' ');
            out.put_u8(sign(self.days < 0));
            write_number(self.days.abs(), out);
            out.put_u8(b' ');
            out.put_u8(sign(self.time_is_negative()));
            return self.write_clock(false, out);
        }
        if negative {
            out.put_u8(b'-');
        }
        if year_month {
            return self.write_year_month(out);
        }
        if self.days != 0 {
            write_number(self.days.abs(), out);
            out.put_u8(b' ');
        }
        self.write_clock(false, out);
    }

    /// `P1Y2M3DT4H5M6S`.
    fn write_iso_8601(&self, out: &mut BytesMut) {
        let dates = [(self.years, b'Y'), (self.months, b'M'), (self.days, b'D')];
        if dates.iter().all(|&(value, _)| value == 0) && !self.has_time() {
            return out.put_slice(b"PT0S");
        }
        let write_part = |&(value, unit): &(i64, u8), out: &mut BytesMut| {
            if value != 0 {
                write_number(value, out);
                out.put_u8(unit);
            }
        };
        out.put_u8(b'P');
        dates.iter().for_each(|part| write_part(part, out));
        if self.has_time() {
            out.put_u8(b'T');
        }
        [(self.hours, b'H'), (self.minutes, b'M')].iter().for_each(|part| write_part(part, out));
        if self.seconds != 0 || self.micros != 0 {
            if self.seconds < 0 || self.micros < 0 {
                out.put_u8(b'-');
            }
            self.write_seconds(false, out);
            out.put_u8(b'S');
        }
    }

    fn write_year_month(&self, out: &mut BytesMut) {
        write_number(self.years.abs(), out);
        out.put_u8(b'-');
        write_number(self.months.abs(), out);
    }

    /// `04:05:06.7`, without sign; hours have two digits only where `pad_hours` asks for them.
    fn write_clock(&self, pad_hours: bool, out: &mut BytesMut) {
        let hours = self.hours.unsigned_abs();
        if pad_hours && hours < 10 {
            out.put_u8(b'0');
        }
        out.put_slice(itoa::Buffer::new().format(hours).as_bytes());
        let mut line = Ascii::new();
        line.push(b':');
        line.push_two(self.minutes.unsigned_abs() as u32);
        line.push(b':');
        line.write_to(out);
        self.write_seconds(true, out);
    }

    fn write_seconds(&self, pad: bool, out: &mut BytesMut) {
        let mut line = Ascii::new();
        let seconds = self.seconds.unsigned_abs() as u32;
        if pad || seconds >= 10 {
            line.push_two(seconds);
        } else {
            line.push(b'0' + seconds as u8);
        }
        line.push_fraction(self.micros.unsigned_abs() as u32);
        line.write_to(out);
    }
}

fn write_number(value: i64, out: &mut BytesMut) {
    out.put_slice(itoa::Buffer::new().format(value).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_style_shows_signs_as_postgresql_does() {
        let mixed = IntervalValue { months: -14, days: 3, micros: -14_706_700_000 };
        let zero = IntervalValue::default();
        for (value, style, text) in [
            (mixed, IntervalStyle::Postgres, "-1 years -2 mons +3 days -04:05:06.7"),
            (
                mixed,
                IntervalStyle::PostgresVerbose,
                "@ 1 year 2 mons -3 days 4 hours 5 mins 6.7 secs ago",
            ),
            (mixed, IntervalStyle::SqlStandard, "-1-2 +3 -4:05:06.7"),
            (mixed, IntervalStyle::Iso8601, "P-1Y-2M3DT-4H-5M-6.7S"),
            (zero, IntervalStyle::Postgres, "00:00:00"),
            (zero, IntervalStyle::PostgresVerbose, "@ 0"),
            (zero, IntervalStyle::SqlStandard, "0"),
            (zero, IntervalStyle::Iso8601, "PT0S"),
        ] {
            let mut out = BytesMut::new();
            value.write_text(style, &mut out);
            assert_eq!(out, text);
        }
    }
}

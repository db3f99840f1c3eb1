//! The proleptic Gregorian calendar over all days that Arrow and PostgreSQL can hold. It knows no time zone
//! and no text.

/// Days from 1970-01-01, the epoch of Arrow, to 2000-01-01, the epoch of PostgreSQL.
pub const POSTGRES_EPOCH_DAYS: i64 = 10_957;

/// Microseconds from Arrow's epoch to PostgreSQL's.
pub const POSTGRES_EPOCH_MICROS: i64 = POSTGRES_EPOCH_DAYS * MICROS_PER_DAY;

pub const SECONDS_PER_DAY: i64 = 86_400;
pub const MICROS_PER_SECOND: i64 = 1_000_000;
pub const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

/// The Julian day number of 1970-01-01, as PostgreSQL counts them.
pub const UNIX_EPOCH_JULIAN_DAY: i64 = 2_440_588;

/// Days of 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

/// A day of the calendar. Years are astronomical: year 0 is 1 BC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Civil {
    /// The day that lies `days` after 1970-01-01.
    pub fn from_days(days: i64) -> Civil {
        // Years are counted from March, so that the leap day is the last of its year.
        let since_march = days + 719_468;
        let era = since_march.div_euclid(DAYS_PER_ERA);
        let day_of_era = since_march.rem_euclid(DAYS_PER_ERA);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524
            - day_of_era / (DAYS_PER_ERA - 1))
            / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = era * 400 + year_of_era + i64::from(month <= 2);
        Civil { year, month: month as u32, day: day as u32 }
    }

    /// Days since 1970-01-01. The month must be 1 to 12.
    pub fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let march_month = (i64::from(self.month) + 9) % 12;
        let day_of_year = (153 * march_month + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * DAYS_PER_ERA + day_of_era - 719_468
    }
}

/// Days in a month of 1 to 12 of an astronomical year.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whether an astronomical year has 366 days.
pub fn is_leap_year(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

/// The day of the week of a day since 1970-01-01: 0 is Sunday.
pub fn weekday(days: i64) -> usize {
    // 1970-01-01 was a Thursday.
    (days + 4).rem_euclid(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_other_s_inverse() {
        for days in (-800_000_000..800_000_000).step_by(9_973) {
            let civil = Civil::from_days(days);
            assert_eq!(civil.days(), days, "{civil:?}");
            assert!(civil.day <= days_in_month(civil.year, civil.month), "{civil:?}");
        }
        assert_eq!(Civil::from_days(POSTGRES_EPOCH_DAYS), Civil { year: 2000, month: 1, day: 1 });
        assert_eq!(Civil { year: 2024, month: 2, day: 29 }.days(), 19_782);
        assert_eq!(weekday(19_782), 4);
    }
}

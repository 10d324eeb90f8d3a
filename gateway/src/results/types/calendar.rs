//! Dates of the proleptic Gregorian calendar, in days since 2000-01-01 as PostgreSQL counts them. Only ISO style is
//! supported: it is always valid input.

use std::io::Write;

/// Days from 0000-03-01 to 2000-01-01. The algorithm counts years from March, so that leap days come last.
const EPOCH: i64 = 730_425;
const DAYS_PER_ERA: i64 = 146_097;
/// 4714-11-24 BC, Julian day zero.
pub(super) const FIRST_DAY: i64 = -2_451_545;
/// 5874897-12-31.
const LAST_DATE: i64 = 2_145_031_948;

/// A day; year 0 is 1 BC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

impl Day {
    pub(super) fn from_days(days: i64) -> Self {
        let days = days + EPOCH;
        let era = days.div_euclid(DAYS_PER_ERA);
        let of_era = days.rem_euclid(DAYS_PER_ERA);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day }
    }

    pub(super) fn to_days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let from_march = (self.month + 9) % 12;
        let of_year = (153 * from_march + 2) / 5 + self.day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        era * DAYS_PER_ERA + of_era - EPOCH
    }

    /// Parses `YYYY-MM-DD`. Before Christ, years count down to 1.
    pub(super) fn parse(text: &str, before_christ: bool) -> Option<Self> {
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some()
            || !(4..=7).contains(&year.len())
            || month.len() != 2
            || day.len() != 2
        {
            return None;
        }
        let (year, month, day) = (digits(year)?, digits(month)?, digits(day)?);
        if year == 0 {
            return None;
        }
        let parsed = Self {
            year: if before_christ { 1 - year } else { year },
            month,
            day,
        };
        // Only an existing day converts back to itself.
        ((1..=12).contains(&month) && Self::from_days(parsed.to_days()) == parsed).then_some(parsed)
    }

    /// Appends `YYYY-MM-DD`. The caller adds the era, which comes last in a timestamp.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Option<()> {
        let year = if self.year > 0 {
            self.year
        } else {
            1 - self.year
        };
        write!(out, "{year:04}-{:02}-{:02}", self.month, self.day).ok()
    }

    pub(super) fn era(self) -> &'static str {
        if self.year > 0 { "" } else { " BC" }
    }
}

/// Digits only.
pub(super) fn digits(text: &str) -> Option<i64> {
    let only_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if only_digits { text.parse().ok() } else { None }
}

/// Splits the era off the end.
pub(super) fn split_era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(rest) => (rest, true),
        None => (text.strip_suffix(" AD").unwrap_or(text), false),
    }
}

pub(super) fn read_date(days: i32, out: &mut Vec<u8>) -> Option<()> {
    match days {
        i32::MAX => out.extend_from_slice(b"infinity"),
        i32::MIN => out.extend_from_slice(b"-infinity"),
        _ => {
            let days = i64::from(days);
            if !(FIRST_DAY..=LAST_DATE).contains(&days) {
                return None;
            }
            let day = Day::from_days(days);
            day.write(out)?;
            out.extend_from_slice(day.era().as_bytes());
        }
    }
    Some(())
}

pub(super) fn parse_date(text: &str) -> Option<i32> {
    match text {
        "infinity" => return Some(i32::MAX),
        "-infinity" => return Some(i32::MIN),
        _ => {}
    }
    let (date, before_christ) = split_era(text);
    let days = Day::parse(date, before_christ)?.to_days();
    if !(FIRST_DAY..=LAST_DATE).contains(&days) {
        return None;
    }
    i32::try_from(days).ok()
}

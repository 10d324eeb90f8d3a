//! When people decide: days of the week and times of the day, in a time zone.

use std::time::Duration;

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use thiserror::Error;

const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// The minutes of a day.
const DAY: u16 = 24 * 60;

/// The hours in which people decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours {
    /// As they were written.
    pub texts: Vec<String>,
    /// A name of the IANA database.
    pub time_zone: String,
    spans: Vec<Span>,
    zone: TimeZone,
}

/// The same times on some days.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    /// From Monday on.
    days: [bool; 7],
    /// In minutes since midnight.
    from: u16,
    /// The first minute after it.
    to: u16,
}

/// A text does not say when people decide.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HoursError {
    #[error("must be days and times, such as \"Mon-Fri 08:00-18:00\" or \"Sat,Sun 10:00-14:00\"")]
    Form,
    #[error(
        "must begin before they end; write hours over midnight as two, to 24:00 and from 00:00 on"
    )]
    Order,
    #[error("there is no time zone \"{0}\" in the IANA database")]
    Zone(String),
}

impl Hours {
    /// `texts`: each days and times, such as `Mon-Fri 08:00-18:00`. `time_zone`: a name of the IANA database.
    ///
    /// # Errors
    /// One of the texts says something else, or there is no such zone.
    pub fn parse(texts: Vec<String>, time_zone: String) -> Result<Self, HoursError> {
        let spans = texts.iter().map(|text| Span::parse(text));
        let spans = spans.collect::<Result<_, _>>()?;
        let found = TimeZone::get(&time_zone);
        Ok(Hours {
            zone: found.map_err(|_| HoursError::Zone(time_zone.clone()))?,
            spans,
            texts,
            time_zone,
        })
    }

    /// How long after this time, in milliseconds since 1970, people decide again; zero: they do now.
    pub fn away(&self, at: i64) -> Duration {
        let Ok(now) = Timestamp::from_millisecond(at) else {
            return Duration::ZERO;
        };
        let local = self.zone.to_datetime(now);
        if self.spans.iter().any(|span| span.contains(local)) {
            return Duration::ZERO;
        }
        // Within a week and a day every span begins; a clock that is put forward moves it.
        let days = (0..=8_i64).filter_map(|days| local.date().checked_add(days.days()).ok());
        let opens = days
            .flat_map(|date| {
                let spans = self.spans.iter();
                spans.filter_map(move |span| {
                    span.opens(date.weekday())
                        .map(|time| date.to_datetime(time))
                })
            })
            .filter_map(|opens| self.zone.to_timestamp(opens).ok())
            .filter(|opens| *opens > now)
            .min();
        let left = opens.map_or(0, |opens| opens.as_millisecond() - at);
        Duration::from_millis(left.unsigned_abs())
    }
}

impl Span {
    fn parse(text: &str) -> Result<Self, HoursError> {
        let (names, times) = text.trim().split_once(' ').ok_or(HoursError::Form)?;
        let mut days = [false; 7];
        for name in names.split(',') {
            let (first, last) = name.split_once('-').unwrap_or((name, name));
            let (first, last) = (day(first)?, day(last)?);
            let mut at = first;
            loop {
                if let Some(day) = days.get_mut(at) {
                    *day = true;
                }
                if at == last {
                    break;
                }
                at = (at + 1) % 7;
            }
        }
        let (from, to) = times.trim().split_once('-').ok_or(HoursError::Form)?;
        let (from, to) = (minutes(from)?, minutes(to)?);
        match from < to {
            true => Ok(Span { days, from, to }),
            false => Err(HoursError::Order),
        }
    }

    fn is_on(&self, weekday: Weekday) -> bool {
        let mut days = DAYS.iter().zip(self.days);
        days.any(|((_, day), is_on)| is_on && *day == weekday)
    }

    fn contains(&self, local: DateTime) -> bool {
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        self.is_on(local.weekday()) && (i32::from(self.from)..i32::from(self.to)).contains(&minute)
    }

    /// When it begins on this day, if it does.
    fn opens(&self, weekday: Weekday) -> Option<jiff::civil::Time> {
        let hour = i8::try_from(self.from / 60).ok()?;
        let minute = i8::try_from(self.from % 60).ok()?;
        let time = jiff::civil::Time::new(hour, minute, 0, 0).ok()?;
        self.is_on(weekday).then_some(time)
    }
}

fn day(name: &str) -> Result<usize, HoursError> {
    let mut names = DAYS.iter();
    let found = names.position(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
    found.ok_or(HoursError::Form)
}

/// `08:00`, to `24:00`.
fn minutes(text: &str) -> Result<u16, HoursError> {
    let (hours, minutes) = text.trim().split_once(':').ok_or(HoursError::Form)?;
    let number = |digits: &str| match digits.len() == 2
        && digits.bytes().all(|digit| digit.is_ascii_digit())
    {
        true => digits.parse::<u16>().map_err(|_| HoursError::Form),
        false => Err(HoursError::Form),
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let all = hours * 60 + minutes;
    match minutes < 60 && all <= DAY {
        true => Ok(all),
        false => Err(HoursError::Form),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(texts: &[&str], zone: &str) -> Result<Hours, HoursError> {
        let texts = texts.iter().map(|text| (*text).to_owned());
        Hours::parse(texts.collect(), zone.to_owned())
    }

    fn at(text: &str) -> i64 {
        let time: Timestamp = text.parse().expect("a time");
        time.as_millisecond()
    }

    #[test]
    fn people_decide_in_their_hours_and_time_zone() {
        let office = hours(&["Mon-Fri 08:00-18:00", "Sat 10:00-12:30"], "Europe/Berlin");
        let office = office.expect("hours");
        for (now, opens) in [
            // A Monday in winter.
            ("2026-11-30T06:59:59Z", Some("2026-11-30T07:00:00Z")),
            ("2026-11-30T07:00:00Z", None),
            ("2026-11-30T16:59:59Z", None),
            ("2026-11-30T17:00:00Z", Some("2026-12-01T07:00:00Z")),
            ("2026-12-04T20:00:00Z", Some("2026-12-05T09:00:00Z")),
            ("2026-12-05T11:29:00Z", None),
            ("2026-12-05T11:30:00Z", Some("2026-12-07T07:00:00Z")),
            // On the Sunday between, clocks are put forward.
            ("2027-03-27T12:00:00Z", Some("2027-03-29T06:00:00Z")),
        ] {
            let away = opens.map_or(0, |opens| at(opens) - at(now));
            assert_eq!(
                office.away(at(now)).as_millis(),
                away.unsigned_abs().into(),
                "{now}"
            );
        }
    }

    #[test]
    fn hours_over_midnight_and_over_the_week_are_written_as_they_are() {
        let night = hours(&["Fri-Mon 22:00-24:00", "Sat-Tue 00:00-06:00"], "UTC");
        let night = night.expect("hours");
        for (now, away) in [
            ("2026-11-29T23:59:59Z", 0),
            ("2026-11-30T00:00:00Z", 0),
            ("2026-11-30T06:00:00Z", 16 * 3600),
            ("2026-12-01T05:59:59Z", 0),
            ("2026-12-01T06:00:00Z", (3 * 24 + 16) * 3600),
        ] {
            assert_eq!(night.away(at(now)).as_secs(), away, "{now}");
        }
    }

    /// The time at which they begin does not exist on that day.
    #[test]
    fn an_hour_that_is_skipped_begins_later() {
        let early = hours(&["Sun 02:30-04:00"], "Europe/Berlin").expect("hours");
        let before = at("2027-03-28T00:00:00Z");
        let opens = before + i64::try_from(early.away(before).as_millis()).expect("a time");
        assert_eq!(opens, at("2027-03-28T01:30:00Z"));
        assert_eq!(early.away(opens), Duration::ZERO);
    }

    #[test]
    fn what_says_nothing_is_an_error() {
        for text in [
            "",
            "Mon",
            "08:00-18:00",
            "Mon-Fri",
            "Mon 8:00-18:00",
            "Mon 08:00",
            "Mon 08:00-24:01",
            "Mon 08:60-18:00",
            "Mon-Fry 08:00-18:00",
            "Mon 08:00-18:00 CET",
            "Mon -1:00-18:00",
            "Mon,, 08:00-18:00",
        ] {
            assert_eq!(
                hours(&[text], "UTC").err(),
                Some(HoursError::Form),
                "{text}"
            );
        }
        for text in ["Mon 18:00-08:00", "Mon 08:00-08:00"] {
            assert_eq!(
                hours(&[text], "UTC").err(),
                Some(HoursError::Order),
                "{text}"
            );
        }
        let zone = hours(&["Mon 08:00-18:00"], "Europe/Atlantis").err();
        assert_eq!(zone, Some(HoursError::Zone("Europe/Atlantis".to_owned())));
    }
}

//! Times in pages: as the calendar has them, in UTC, and how long something still lasts. A script shows them by the browser's clock.

use std::fmt::{self, Display, Formatter};
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};

/// A time, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(pub i64);

impl Moment {
    pub fn now() -> Self {
        Moment(Utc::now().timestamp_millis())
    }

    pub fn of(time: SystemTime) -> Self {
        Moment(DateTime::<Utc>::from(time).timestamp_millis())
    }

    /// For the attribute `datetime`.
    pub fn machine(self) -> String {
        self.calendar().to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// How long from `now`; nothing once it is over.
    pub fn left(self, now: Moment) -> Left {
        Left(self.0.saturating_sub(now.0).max(0) / 1000)
    }

    /// How long ago it was.
    pub fn ago(self, now: Moment) -> Left {
        now.left(self)
    }

    fn calendar(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} UTC", self.calendar().format("%Y-%m-%d %H:%M:%S"))
    }
}

/// Seconds that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left(i64);

impl Left {
    /// Little time: under a minute.
    pub fn is_short(self) -> bool {
        self.0 < 60
    }
}

/// As the script writes it, too.
impl Display for Left {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (days, hours, minutes, seconds) = (
            self.0 / 86_400,
            self.0 / 3600 % 24,
            self.0 / 60 % 60,
            self.0 % 60,
        );
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{seconds} s"),
            (0, 0, _) => write!(f, "{minutes} min {seconds:02} s"),
            (0, ..) => write!(f, "{hours} h {minutes:02} min"),
            _ => write!(f, "{days} d {hours} h"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_out() {
        let moment = Moment(1_796_022_745_123);
        assert_eq!(moment.to_string(), "2026-11-30 07:12:25 UTC");
        assert_eq!(moment.machine(), "2026-11-30T07:12:25Z");
        for (seconds, text) in [
            (-5, "0 s"),
            (59, "59 s"),
            (61, "1 min 01 s"),
            (3600, "1 h 00 min"),
            (90_000, "1 d 1 h"),
        ] {
            let end = Moment(moment.0 + seconds * 1000);
            assert_eq!(end.left(moment).to_string(), text);
        }
    }
}

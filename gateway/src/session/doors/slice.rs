//! The time slice of a session: how long it goes on before others of its thread have their turn. Bytes or messages are no measure of that:
//! one costs a hundred nanoseconds, another a millisecond.

use std::time::{Duration, Instant};

/// Long against a turn of a typical statement, short against what a person or a program notices.
const LENGTH: Duration = Duration::from_millis(1);

/// A look at the clock costs about as much as a cheap message, so it is due after this much work. A unit is at most a few microseconds.
const LOOK_AFTER: u32 = 16;

/// A statement that is analysed and judged.
pub(in crate::session) const STATEMENT: u32 = 8;

#[derive(Debug, Default)]
pub struct TimeSlice {
    /// `None`: it has no end.
    ends: Option<Instant>,
    /// Work since the clock was last looked at.
    unlooked: u32,
    over: bool,
}

impl TimeSlice {
    pub fn begin(&mut self, now: Instant) {
        self.ends = now.checked_add(LENGTH);
        self.unlooked = 0;
        self.over = false;
    }

    /// Counts work, in units. True when the session has to stop before the next message or statement.
    pub(in crate::session) fn spend(&mut self, work: u32) -> bool {
        self.unlooked = self.unlooked.saturating_add(work);
        if self.unlooked >= LOOK_AFTER {
            self.unlooked = 0;
            return self.look();
        }
        self.over
    }

    /// Looks at the clock. True when the session has to stop.
    pub fn look(&mut self) -> bool {
        self.over |= self.ends.is_some_and(|ends| Instant::now() >= ends);
        self.over
    }

    /// Whether the session has stopped although it could go on.
    pub fn is_over(&self) -> bool {
        self.over
    }
}

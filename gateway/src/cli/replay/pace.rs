//! How fast a session is played, and what somebody who watches wants instead.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::keys::{Key, Keys};

const HINT: &str = "-- space pauses, left and right go to the statement before and after, g and a number to one, + and - change the speed, q ends\n";

/// How much `+` and `-` change the speed.
const STEP: f64 = 2.0;

/// Where somebody wants to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// To a statement by its number.
    To(u64),
    /// Away.
    Quit,
}

/// The pauses of a replay.
#[derive(Default)]
pub(super) struct Pace {
    /// How many times as fast as it was; `None`: without pauses.
    speed: Option<f64>,
    keys: Option<Keys>,
    /// Up to the next statement without pauses.
    hurries: bool,
    /// The number that is being typed.
    typed: Option<u64>,
}

impl Pace {
    pub fn of_speed(speed: Option<f64>) -> Self {
        Pace {
            speed,
            ..Pace::default()
        }
    }

    /// The same, with somebody who watches, if there is a terminal.
    pub fn watched(speed: Option<f64>) -> io::Result<Self> {
        let mut pace = Pace::of_speed(speed);
        if speed.is_some() {
            pace.keys = Keys::of_terminal()?;
        }
        if pace.keys.is_some() {
            io::stderr().write_all(HINT.as_bytes())?;
        }
        Ok(pace)
    }

    /// No pauses before the next statement.
    pub fn hurry(&mut self) {
        self.hurries = true;
    }

    /// A statement is shown.
    pub fn arrived(&mut self) {
        self.hurries = false;
    }

    /// Waits as long as it took. `current`: the statement that is shown.
    pub fn wait(&mut self, took: Duration, current: u64) -> io::Result<Option<Leave>> {
        let Some(speed) = self.speed.filter(|_| !self.hurries) else {
            return Ok(None);
        };
        let Some(keys) = self.keys.take() else {
            std::thread::sleep(scaled(took, speed));
            return Ok(None);
        };
        let leave = self.wait_for(&keys, took, current);
        self.keys = Some(keys);
        leave
    }

    fn wait_for(&mut self, keys: &Keys, took: Duration, current: u64) -> io::Result<Option<Leave>> {
        let mut left = took;
        let mut is_paused = false;
        while !self.hurries && (is_paused || self.typed.is_some() || !left.is_zero()) {
            let speed = self.speed.unwrap_or(1.0);
            let stands = is_paused || self.typed.is_some();
            let began = Instant::now();
            let pressed = keys.wait((!stands).then(|| scaled(left, speed)))?;
            if !stands {
                let passed = began.elapsed().mul_f64(speed.min(1e6));
                // Without a key, all of it has passed.
                left = match pressed.is_empty() {
                    true => Duration::ZERO,
                    false => left.saturating_sub(passed),
                };
            }
            for key in pressed {
                if let Some(leave) = self.press(key, current, &mut is_paused) {
                    return Ok(Some(leave));
                }
            }
        }
        Ok(None)
    }

    fn press(&mut self, key: Key, current: u64, is_paused: &mut bool) -> Option<Leave> {
        match key {
            Key::Pause => *is_paused = !*is_paused,
            Key::Next => self.hurry(),
            Key::Before => return Some(Leave::To(current.saturating_sub(1).max(1))),
            Key::Go => self.typed = Some(0),
            Key::Digit(digit) => {
                let more = |typed: u64| typed.saturating_mul(10).saturating_add(digit.into());
                self.typed = self.typed.map(more);
            }
            Key::Enter => return self.typed.take().map(|to| Leave::To(to.max(1))),
            Key::Faster => self.speed = self.speed.map(|speed| speed * STEP),
            Key::Slower => self.speed = self.speed.map(|speed| speed / STEP),
            Key::Quit => return Some(Leave::Quit),
        }
        None
    }
}

fn scaled(time: Duration, speed: f64) -> Duration {
    let seconds = time.as_secs_f64() / speed.max(1e-6);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

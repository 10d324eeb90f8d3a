//! The keys of whoever watches a replay, heard without Enter.

use std::io::{self, IsTerminal};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read};
use rustix::stdio::stdin;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Pause,
    /// The next statement, now.
    Next,
    /// The statement before.
    Before,
    /// The statement whose number follows.
    Go,
    Digit(u8),
    Enter,
    Faster,
    Slower,
    Quit,
}

/// Standard input as long as keys are heard. Then it is what it was before.
pub(super) struct Keys {
    before: Termios,
}

impl Keys {
    /// `None`: nobody sits there.
    pub fn of_terminal() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(stdin())?;
        let mut silent = before.clone();
        // Also without signals: an interrupt would leave the terminal like this.
        silent.local_modes -= LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        tcsetattr(stdin(), OptionalActions::Now, &silent)?;
        Ok(Some(Keys { before }))
    }

    /// Waits for keys. `None`: for any time. They are none if the time is up.
    pub fn wait(&self, time: Option<Duration>) -> io::Result<Vec<Key>> {
        let time = time.map(Timespec::try_from).transpose();
        let time = time.map_err(io::Error::other)?;
        let mut ready = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN)];
        match poll(&mut ready, time.as_ref()) {
            Ok(0) | Err(Errno::INTR) => return Ok(Vec::new()),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut bytes = [0; 64];
        match read(stdin(), &mut bytes)? {
            0 => Ok(vec![Key::Quit]),
            count => Ok(keys(bytes.get(..count).unwrap_or_default())),
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // It may be gone.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}

fn keys(mut bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    while let Some((first, rest)) = bytes.split_first() {
        // Arrow keys: cursor forward and back (ECMA-48), also in application mode.
        if let [0x1b, b'[' | b'O', arrow, rest @ ..] = bytes {
            keys.extend(match arrow {
                b'C' => Some(Key::Next),
                b'D' => Some(Key::Before),
                _ => None,
            });
            bytes = rest;
            continue;
        }
        keys.extend(match first {
            b' ' => Some(Key::Pause),
            b'n' => Some(Key::Next),
            b'p' => Some(Key::Before),
            b'g' => Some(Key::Go),
            b'0'..=b'9' => Some(Key::Digit(first - b'0')),
            b'\r' | b'\n' => Some(Key::Enter),
            b'+' => Some(Key::Faster),
            b'-' => Some(Key::Slower),
            // Ctrl-C and Ctrl-D, too.
            b'q' | 0x03 | 0x04 => Some(Key::Quit),
            _ => None,
        });
        bytes = rest;
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart() {
        let typed = b" n\x1b[C\x1bOD\x1b[Ag12\r+-xq\x03";
        let expected = [
            Key::Pause,
            Key::Next,
            Key::Next,
            Key::Before,
            Key::Go,
            Key::Digit(1),
            Key::Digit(2),
            Key::Enter,
            Key::Faster,
            Key::Slower,
            Key::Quit,
            Key::Quit,
        ];
        assert_eq!(keys(typed), expected);
    }
}

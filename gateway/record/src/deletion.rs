//! Deleting sessions: which may go, and their files. Before a file goes, the log says so.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::time::Duration;

use gatewright_contract::SessionId;

use crate::directory::{Directory, Segments, key_path};
use crate::event::{Event, Opened, Time};
use crate::holds::{Hold, HoldId};
use crate::log::{Deleted, Entry, Reason};
use crate::session;

/// What the log says of sessions.
#[derive(Debug, Default)]
pub struct Logged {
    /// The last segments of those that have ended.
    ended: BTreeMap<SessionId, Entry>,
    lengths: BTreeMap<SessionId, u64>,
    deleted: BTreeMap<SessionId, Entry>,
}

impl Logged {
    pub fn of(entries: &[Entry]) -> Self {
        let mut logged = Logged::default();
        for entry in entries {
            if entry.deleted.is_some() {
                logged.deleted.insert(entry.session, *entry);
                continue;
            }
            let length = logged.lengths.entry(entry.session).or_default();
            *length = length.saturating_add(entry.length);
            if entry.is_last {
                logged.ended.insert(entry.session, *entry);
            }
        }
        logged
    }

    /// Sessions that the log says are deleted.
    pub fn deleted(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.deleted.keys().copied()
    }

    /// Sessions that ended before this time and are not deleted, with their last segments.
    pub fn ended_before(&self, time: Time) -> impl Iterator<Item = &Entry> + '_ {
        let is_deleted = |session| self.deleted.contains_key(session);
        let ended = self.ended.iter();
        let ended = ended.filter(move |(session, entry)| entry.at < time && !is_deleted(session));
        ended.map(|(_, entry)| entry)
    }

    /// What is logged before a session is deleted.
    pub fn tombstone(&self, last: &Entry, retention: Duration, at: Time) -> Entry {
        Entry {
            length: self.lengths.get(&last.session).copied().unwrap_or_default(),
            at,
            is_last: true,
            deleted: Some(Deleted {
                reason: Reason::Retention,
                retention: Some(retention.as_secs()),
                ended: last.at,
            }),
            ..*last
        }
    }
}

/// Who was connected in a session. `None`: its first segment cannot be read, so nobody knows what would be deleted.
///
/// # Errors
/// A file cannot be read.
pub fn opened(segments: &Segments) -> io::Result<Option<Opened>> {
    match segments.get(&0) {
        Some(path) => opened_in(BufReader::new(File::open(path)?)),
        None => Ok(None),
    }
}

/// The same for the beginning of a first segment.
///
/// # Errors
/// It cannot be read.
pub fn opened_in(segment: impl Read) -> io::Result<Option<Opened>> {
    let mut opened = None;
    session::read_first(segment, &mut |event| {
        if let Event::Opened(event) = event {
            opened = Some(*event);
        }
    })?;
    Ok(opened)
}

/// True when some hold keeps the session.
pub fn is_held(opened: &Opened, holds: &[(HoldId, Hold)]) -> bool {
    holds.iter().any(|(_, hold)| hold.of.holds(opened))
}

/// Removes the files of a session that the log says is deleted.
///
/// # Errors
/// One cannot be removed.
pub fn remove(directory: &Directory, segments: &Segments) -> io::Result<()> {
    // From the back: while the first is there, it is known whose session it was.
    for path in segments.values().rev() {
        for other in [key_path(path), path.with_extension("torn")] {
            match fs::remove_file(other) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        fs::remove_file(path)?;
    }
    match segments.first_key_value() {
        Some(_) => directory.sync(),
        None => Ok(()),
    }
}

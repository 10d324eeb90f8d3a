//! What keeps statements from the server until it is on disk that they are attempted. All that a session sends meanwhile waits for one
//! write to disk.

use std::task::{Context, Poll};
use std::time::Instant;

use super::SessionRecord;
use super::open::Open;

/// In front of a session's server connection.
#[derive(Default)]
pub struct Barrier {
    record: SessionRecord,
    /// Since when something waits.
    since: Option<Instant>,
}

impl Barrier {
    pub fn new(record: SessionRecord) -> Self {
        Barrier {
            record,
            since: None,
        }
    }

    /// Ready when all that was attempted so far may leave for the server. It stays pending if that cannot be recorded: then the session is
    /// ended, unless statements wait ([`Recorder::failed`](super::Recorder::failed)).
    pub fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(open) = self.record.open().filter(|open| !open.may_send()) else {
            return self.opened();
        };
        open.register(context.waker());
        if open.may_send() {
            return self.opened();
        }
        self.since.get_or_insert_with(Instant::now);
        Poll::Pending
    }

    /// Closed until somebody has made room for the record.
    pub fn is_stuck(&self) -> bool {
        let is_stuck = |open: &Open| !open.may_send() && open.is_held_back();
        self.record.open().is_some_and(is_stuck)
    }

    pub fn is_closed(&self) -> bool {
        self.record.open().is_some_and(|open| !open.may_send())
    }

    fn opened(&mut self) -> Poll<()> {
        if let Some(since) = self.since.take()
            && let Some(open) = self.record.open()
        {
            open.has_waited(since);
        }
        Poll::Ready(())
    }
}

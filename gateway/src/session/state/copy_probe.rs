//! The question which Syncs a COPY FROM STDIN has left to be answered, and the reading of the server's reply.

use bytes::Bytes;
use gatewright_wire::frame::Frame;

use crate::session::doors::output::Output;
use crate::session::doors::to_client::Delivery;
use crate::session::violation::Violation;

/// A question to the server: Sync, Close, Sync. What it answers in front of CloseComplete tells how many of the Syncs before
/// were read after the copy had failed: those get a ReadyForQuery each, those before it none. None of the three has an effect behind an
/// error.
#[derive(Debug)]
pub struct CopySyncProbe {
    /// The copy was begun by an Execute, so behind its failure the server skips up to a Sync.
    extended: bool,
    /// The newest ReadyForQuery: the client's, unless CloseComplete comes next.
    late: Option<Bytes>,
    /// How many the client got.
    told: usize,
    /// What comes now answers the gateway.
    own: bool,
    closed: bool,
}

impl CopySyncProbe {
    pub(in crate::session) fn new(extended: bool) -> Self {
        CopySyncProbe {
            extended,
            late: None,
            told: 0,
            own: false,
            closed: false,
        }
    }

    /// ReadyForQuery. True when it is the last one, and the question is answered.
    pub(in crate::session) fn ready(&mut self, frame: Frame<'_>, output: &mut Output) -> bool {
        if !self.closed && !self.own {
            self.pass_late(output);
            self.late = Some(Bytes::copy_from_slice(frame.bytes));
        }
        self.closed
    }

    /// CloseComplete: the ReadyForQuery in front of it was the answer to the Sync of the question.
    pub(in crate::session) fn closed(&mut self) -> Result<(), Violation> {
        if self.closed {
            return Err(Violation::Unexpected('3'));
        }
        self.closed = true;
        self.late = None;
        Ok(())
    }

    /// An error: the message out of place was read behind a failed copy. All that came before it was for the client.
    pub(in crate::session) fn misplaced_was_read(&mut self, output: &mut Output) {
        self.pass_late(output);
        self.own = true;
    }

    /// True when the server, and so the client's messages, skip to a Sync that the client has not sent yet.
    pub(in crate::session) fn leaves_skipping(&self) -> bool {
        self.extended && self.told == 0
    }

    fn pass_late(&mut self, output: &mut Output) {
        if let Some(ready) = self.late.take() {
            output.to_client.deliver(Delivery::Kept(&ready));
            self.told += 1;
        }
    }
}

//! What the session gives the relay: bytes for both sides, and what else is to be done.

use crate::session::doors::outgoing::HIGH_WATER;
use crate::session::doors::slice::TimeSlice;
use crate::session::doors::to_client::ToClient;
use crate::session::doors::to_server::ToServer;

/// A message longer than this is passed on in pieces where nobody needs to see it whole.
pub(in crate::session) const STREAM_ABOVE: usize = 64 * 1024;

/// Bytes that wait to be written, and what else the relay must do.
#[derive(Debug, Default)]
pub struct Output {
    pub to_server: ToServer,
    pub to_client: ToClient,
    /// The statement that runs now is to be cancelled on the server.
    pub cancel: bool,
    /// A message of this type waits for a server connection.
    pub wants_server: Option<u8>,
    /// The client sent Terminate.
    pub terminated: bool,
    /// When it is over, the session says that it is held: it goes on in the next slice.
    pub slice: TimeSlice,
}

impl Output {
    /// A message of the client, or a piece of one, with which it copies in.
    pub(in crate::session) fn copied_in(&self, bytes: &[u8]) {
        self.to_client.record().received(bytes);
    }

    /// True while nothing more must be taken from the client: the server does not read, or the record is not written, as fast as data comes.
    pub(crate) fn is_full_for_client(&self) -> bool {
        self.to_server.len() >= HIGH_WATER || self.to_client.record().is_full()
    }
}

/// How far a run over a peer's bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are done with.
    pub consumed: usize,
    /// The next message waits for the other side, the judge, room to write, or the next time slice; offering more bytes changes nothing.
    pub held: bool,
}

/// What became of the next bytes of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Step {
    Took(usize),
    NeedsMore,
    Hold,
}

impl Step {
    /// Of a whole message of this length.
    pub fn of(taken: Taken, length: usize) -> Self {
        match taken {
            Taken::Yes => Step::Took(length),
            Taken::Hold => Step::Hold,
        }
    }
}

/// What became of a message that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Taken {
    Yes,
    /// Offer the same message again once something has changed.
    Hold,
}

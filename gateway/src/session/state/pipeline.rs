//! How the client's messages are taken now, and what the server has still to be asked for.

use crate::session::judge::Ticket;

/// How the client's messages are read now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Mode {
    Ready,
    /// After an error in the extended protocol: everything up to Sync is dropped, as the server does.
    Skipping,
    /// The server takes COPY data.
    CopyIn,
    /// The connection ends: nothing is taken any more.
    Ended,
}

/// What the client has sent that no server will answer, because none was to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Unserved {
    Nothing,
    /// A message with a ReadyForQuery of its own, which is the next one.
    ThisMessage,
    /// Everything up to Sync.
    UpToSync,
}

/// Whether the next statement runs in a transaction block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum Block {
    /// As the last ReadyForQuery says.
    AsTold,
    /// A BEGIN was sent since the last Sync: if it fails, the server skips what follows.
    Begun,
    /// A block was ended, or it is not certain that one began.
    NotCertain,
}

/// The state of the client's pipeline.
#[derive(Debug)]
pub(in crate::session) struct Pipeline {
    pub mode: Mode,
    /// Extended messages went out that no Sync followed yet.
    pub unsynced: bool,
    /// One of them was an Execute.
    pub executed: bool,
    /// Where what is sent next stands.
    pub block: Block,
    /// One of those may have changed something.
    pub wrote: bool,
    /// A Flush of the gateway's own went out after the newest message.
    pub flushed: bool,
    /// The client had an error for what is sent up to the next Sync: the server's answers are not for it.
    pub dropping: bool,
    /// Nothing is read from the client until every reply is in.
    pub drain_first: bool,
    /// The judge is being brought up to date for the message in hand.
    pub catching_up: Option<Ticket>,
    /// Syncs that went out while the server was taking COPY data, and that it ignores unless the copy has failed before.
    pub copy_syncs: usize,
    pub unserved: Unserved,
}

impl Default for Pipeline {
    fn default() -> Self {
        Pipeline {
            mode: Mode::Ready,
            unsynced: false,
            executed: false,
            block: Block::AsTold,
            wrote: false,
            flushed: false,
            dropping: false,
            drain_first: false,
            catching_up: None,
            copy_syncs: 0,
            unserved: Unserved::Nothing,
        }
    }
}

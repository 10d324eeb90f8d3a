//! COPY FROM STDIN: the client's data goes through; anything else ends the copy. The server says nothing while it takes
//! data, so what it makes of a message depends on whether the copy has failed by then, which only the server knows. Where that
//! matters it is asked.

use bytes::Bytes;
use gatewright_wire::build;
use gatewright_wire::frame::Frame;

use super::judge::Judge;
use super::outgoing;
use super::owed::Owed;
use super::{Mode, Session, Taken, Violation, Wires};

/// The name of a statement that there is not; closing it is always answered.
const NOBODY: &str = "gatewright_nobody";

/// A question to the server: Sync, Close, Sync. What it answers in front of CloseComplete tells how many of the Syncs before
/// were read after the copy had failed: those get a ReadyForQuery each, those before it none. None of the three does anything behind an
/// error.
#[derive(Debug)]
pub struct Doubt {
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

impl Doubt {
    /// ReadyForQuery. True when it is the last one, and the doubt is over.
    pub fn ready(&mut self, frame: Frame<'_>, wires: &mut Wires) -> bool {
        if !self.closed && !self.own {
            self.pass_late(wires);
            self.late = Some(Bytes::copy_from_slice(frame.bytes));
        }
        self.closed
    }

    /// CloseComplete: the ReadyForQuery in front of it was the answer to the Sync of the question.
    pub fn closed(&mut self) -> Result<(), Violation> {
        if self.closed {
            return Err(Violation::Unexpected('3'));
        }
        self.closed = true;
        self.late = None;
        Ok(())
    }

    /// An error: the message out of place was read behind a failed copy. All that came before it was for the client.
    pub fn misplaced_was_read(&mut self, wires: &mut Wires) {
        self.pass_late(wires);
        self.own = true;
    }

    fn pass_late(&mut self, wires: &mut Wires) {
        if let Some(ready) = self.late.take() {
            wires.to_client.extend_from_slice(&ready);
            self.told += 1;
        }
    }
}

impl<J: Judge> Session<J> {
    pub(super) fn client_in_copy(
        &mut self,
        frame: Frame<'_>,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        match frame.tag {
            b'd' => wires.to_server.extend_from_slice(frame.bytes),
            b'c' | b'f' => {
                wires.to_server.extend_from_slice(frame.bytes);
                self.mode = Mode::Ready;
                // A Flush that the copy took is none.
                self.flushed = false;
            }
            // The server ignores both while it copies in, so it owes nothing for them.
            b'H' => wires.to_server.extend_from_slice(frame.bytes),
            b'S' => {
                wires.to_server.extend_from_slice(frame.bytes);
                self.copy_syncs += 1;
            }
            _ => return Ok(self.out_of_place_in_copy(frame.tag, wires)),
        }
        Ok(Taken::Yes)
    }

    /// The server ends a session that sends such a message while it copies in, naming its type. Has the copy failed by then, it reads the
    /// message as any other. So it gets one of that type which is empty, and which therefore fails; the client's own is offered again
    /// when it is known which.
    pub(super) fn out_of_place_in_copy(&mut self, tag: u8, wires: &mut Wires) -> Taken {
        build::empty(&mut wires.to_server, tag);
        let extended = matches!(self.queue.front(), Some(Owed::Execute { .. }));
        self.ask_about_syncs(extended, wires);
        Taken::Hold
    }

    /// An error of the message in front. Was it copying in, which of the Syncs sent meanwhile will be answered?
    pub(super) fn doubt_syncs_of_copy(&mut self, wires: &mut Wires) {
        let syncs = std::mem::take(&mut self.copy_syncs);
        let extended = match self.queue.front() {
            Some(Owed::Query(_)) => false,
            Some(Owed::Execute { .. }) => true,
            _ => return,
        };
        if syncs > 0 && !self.queue.in_doubt() {
            // Those behind the end of the data are among the answers.
            self.queue.drop_syncs_behind_front();
            self.ask_about_syncs(extended, wires);
        }
    }

    fn ask_about_syncs(&mut self, extended: bool, wires: &mut Wires) {
        build::sync(&mut wires.to_server);
        outgoing::close_statement(&mut wires.to_server, NOBODY);
        build::sync(&mut wires.to_server);
        self.owe(Owed::Doubt(Doubt {
            extended,
            late: None,
            told: 0,
            own: false,
            closed: false,
        }));
    }

    /// The server has answered: both sides know where they stand.
    pub(super) fn doubt_is_over(&mut self, status: u8) {
        if let Some(Owed::Doubt(doubt)) = self.queue.pop()
            && doubt.extended
            && doubt.told == 0
        {
            // For the client's messages there was no Sync yet.
            self.mode = Mode::Skipping;
        }
        self.stands(status);
    }
}

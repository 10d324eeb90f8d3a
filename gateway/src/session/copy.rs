//! COPY FROM STDIN: the client's data goes through; anything else ends the copy.

use gatewright_wire::frame::Frame;

use super::judge::Judge;
use super::outgoing;
use super::{Mode, Session, Taken, Violation, Wires};

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
            b'H' | b'S' => wires.to_server.extend_from_slice(frame.bytes),
            // The server would fail the copy. It must not see the message itself: had the copy just failed for another
            // reason, the server would run what nobody has judged.
            _ => {
                outgoing::copy_fail(
                    &mut wires.to_server,
                    "unexpected message during COPY from stdin",
                );
                self.mode = Mode::Ready;
                self.flushed = false;
            }
        }
        Ok(Taken::Yes)
    }
}

//! Messages from the client: is this one legal now, and what becomes of it.

use gatewright_wire::DecodeError;
use gatewright_wire::frame::{self, Frame, FrameError, Side};

use super::judge::Judge;
use super::owed::Owed;
use super::query::unreadable;
use super::refusal::Refusal;
use super::{HIGH_WATER, Mode, Peer, STREAM_ABOVE, Session, Streaming, Taken, Violation, Wires};

/// A client that asks for more before it has read what it asked for waits, so that what is remembered of it has a bound.
const MOST_OWED: usize = 10_000;

/// So does one whose texts that are still to be answered are as long as this, in bytes: what they are understood as is larger still.
const MOST_TEXT: usize = 16 << 20;

/// How far a run over the client's bytes came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are done with.
    pub consumed: usize,
    /// The next message waits for the server, the judge, or room to write; offering more bytes changes nothing.
    pub held: bool,
}

impl<J: Judge> Session<J> {
    /// Takes as many whole messages from the client as can be dealt with now.
    pub fn client_bytes(
        &mut self,
        bytes: &[u8],
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Progress, Violation> {
        let mut consumed = 0;
        while consumed < bytes.len() && !wires.terminated {
            if wires.to_server.len() >= HIGH_WATER {
                return Ok(Progress {
                    consumed,
                    held: true,
                });
            }
            if self.queue.in_doubt() {
                return Ok(Progress {
                    consumed,
                    held: true,
                });
            }
            let rest = &bytes[consumed..];
            if let Some(streaming) = &mut self.from_client {
                consumed += streaming.pass(rest, &mut wires.to_server);
                if streaming.is_over() {
                    self.from_client = None;
                }
                continue;
            }
            let header =
                match frame::next_header(rest, Side::Frontend, self.max_client_message(rest)) {
                    Ok(Some(header)) => header,
                    Ok(None) => break,
                    Err(error) => {
                        self.bad_client_frame(error, wires)?;
                        return Ok(Progress {
                            consumed,
                            held: true,
                        });
                    }
                };
            let total = header.total();
            if total > rest.len() {
                if header.tag == b'd' && total > STREAM_ABOVE {
                    if self.mode == Mode::Ready && self.queue.may_copy_in() {
                        self.hold_for_replies(wires);
                        return Ok(Progress {
                            consumed,
                            held: true,
                        });
                    }
                    let forward = self.mode == Mode::CopyIn;
                    self.from_client = Some(Streaming {
                        remaining: total,
                        forward,
                    });
                    continue;
                }
                break;
            }
            let frame = header.frame(&rest[..total]);
            match self.client_frame(frame, judge, wires)? {
                Taken::Yes => consumed += total,
                Taken::Hold => {
                    return Ok(Progress {
                        consumed,
                        held: true,
                    });
                }
            }
        }
        Ok(Progress {
            consumed,
            // Behind Terminate nothing is read.
            held: wires.terminated,
        })
    }

    /// COPY data passes in pieces, so its length is the server's business; everything else is read whole.
    fn max_client_message(&self, rest: &[u8]) -> usize {
        if rest.first() == Some(&b'd') {
            usize::try_from(i32::MAX).unwrap_or(usize::MAX)
        } else {
            self.max_message
        }
    }

    /// What cannot be read ends the connection, once all that was sent before is answered.
    fn bad_client_frame(&mut self, error: FrameError, wires: &mut Wires) -> Result<(), Violation> {
        if let (Mode::CopyIn, FrameError::UnknownTag { tag }) = (self.mode, error) {
            self.out_of_place_in_copy(tag, wires);
            return Ok(());
        }
        if !self.queue.is_empty() && self.mode != Mode::CopyIn {
            self.hold_for_replies(wires);
            return Ok(());
        }
        Err(match error {
            FrameError::UnknownTag { tag } => Violation::ClientMessage(tag),
            FrameError::TooLong { length, limit, .. } if limit == self.max_message => {
                Violation::TooLong {
                    by: Peer::Client,
                    length: length as usize,
                    limit,
                }
            }
            other => Violation::ClientFrame(other),
        })
    }

    fn client_frame(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        if frame.tag == b'p' {
            let error = FrameError::UnknownTag { tag: frame.tag };
            return self.bad_client_frame(error, wires).map(|()| Taken::Hold);
        }
        if frame.tag == b'X' {
            wires.to_server.extend_from_slice(frame.bytes);
            wires.terminated = true;
            return Ok(Taken::Yes);
        }
        match self.mode {
            Mode::Skipping => {
                if frame.tag == b'S' {
                    self.mode = Mode::Ready;
                    self.forward_sync(frame, wires);
                }
                Ok(Taken::Yes)
            }
            Mode::CopyIn => self.client_in_copy(frame, wires),
            Mode::Ready => self.client_ready(frame, judge, wires),
        }
    }

    fn client_ready(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        if self.drain_first {
            if !self.queue.is_empty() && self.in_hand.is_none() {
                return Ok(self.hold_for_replies(wires));
            }
            self.drain_first = false;
        }
        if self.queue.len() >= MOST_OWED || self.queue.texts() >= MOST_TEXT {
            return Ok(self.hold_for_replies(wires));
        }
        if !names_are_plain(frame) && !self.keeps_names() {
            return Ok(self.refuse_extended(unkept_name(), wires));
        }
        match frame.tag {
            b'S' => {
                self.forward_sync(frame, wires);
                Ok(Taken::Yes)
            }
            b'H' if frame.body.is_empty() => {
                wires.to_server.extend_from_slice(frame.bytes);
                Ok(Taken::Yes)
            }
            b'H' => {
                // The server finds what is behind its fields.
                wires.to_server.extend_from_slice(frame.bytes);
                let refusal = unreadable(&DecodeError::Trailing { message: "Flush" });
                self.owe(Owed::Refused(refusal));
                Ok(Taken::Yes)
            }
            // Ahead of the server's word that it copies in.
            b'd' | b'c' | b'f' if self.queue.may_copy_in() => Ok(self.hold_for_replies(wires)),
            // Left over from a COPY that has failed: the server ignores them (protocol: COPY Operations).
            b'd' | b'c' | b'f' => Ok(Taken::Yes),
            // Should the server copy in, it would take any of these for an error of the copy and answer none of them.
            _ if self.queue.may_copy_in() => Ok(self.hold_for_replies(wires)),
            // Only Sync may follow a statement that can still be stopped, so that nothing runs behind a stop.
            _ if self.stoppable > 0 => Ok(self.hold_for_replies(wires)),
            b'Q' => self.query(frame, judge, wires),
            b'P' => self.parse(frame, judge, wires),
            b'B' => self.bind(frame, judge, wires),
            b'D' => self.describe(frame, wires),
            b'E' => self.execute(frame, judge, wires),
            b'C' => self.close(frame, wires),
            b'F' => self.function_call(frame, judge, wires),
            _ => Err(Violation::ClientMessage(frame.tag)),
        }
    }

    fn forward_sync(&mut self, frame: Frame<'_>, wires: &mut Wires) {
        wires.to_server.extend_from_slice(frame.bytes);
        self.owe(Owed::Sync);
    }

    /// True when the server keeps names outside ASCII as they came, so that the gateway knows where it cuts long ones.
    fn keeps_names(&self) -> bool {
        self.encoding.is_utf8() && self.server_encoding == "UTF8"
    }
}

/// True when the names of statements and portals in the message are ASCII.
fn names_are_plain(frame: Frame<'_>) -> bool {
    let strings = match frame.tag {
        b'P' | b'D' | b'E' | b'C' => 1,
        b'B' => 2,
        _ => return true,
    };
    let mut names = frame.body.split(|byte| *byte == 0).take(strings);
    names.all(|name| name.is_ascii())
}

fn unkept_name() -> Refusal {
    let message = "names of prepared statements and portals outside ASCII are taken only where client and server both use UTF8";
    Refusal::new("0A000", message)
}

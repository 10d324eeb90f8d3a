//! Messages from the client: is this one legal now, and what becomes of it.

use gatewright_sql::Facts;
use gatewright_wire::DecodeError;
use gatewright_wire::frame::{self, Frame, FrameError, Side};
use gatewright_wire::frontend;

use crate::session::asking::Stage;
use crate::session::doors::output::{Output, Progress, STREAM_ABOVE, Step, Taken};
use crate::session::doors::slice::STATEMENT;
use crate::session::judge::Judge;
use crate::session::refusal::Refusal;
use crate::session::state::lookup::Lookup;
use crate::session::state::name::Name;
use crate::session::state::outstanding::Outstanding;
use crate::session::state::pipeline::Mode;
use crate::session::state::session::Session;
use crate::session::state::streaming::Streaming;
use crate::session::violation::{Peer, Violation};

/// A client that asks for more before it has read what it asked for waits, so that what is remembered of it has a bound.
const MAX_OUTSTANDING: usize = 10_000;

/// So does one whose outstanding texts take as much memory as this, in bytes, with what they are understood as.
const MAX_OUTSTANDING_TEXT: usize = 64 << 20;

impl<J: Judge> Session<J> {
    /// Takes as many whole messages from the client as can be dealt with now.
    pub fn client_bytes(
        &mut self,
        bytes: &[u8],
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Progress, Violation> {
        let mut consumed = 0;
        while let Some(rest) = bytes.get(consumed..).filter(|rest| !rest.is_empty()) {
            if output.terminated
                || output.is_full_for_client()
                || self.queue.is_probing()
                || self.queue.is_rehearsing()
            {
                return Ok(held(consumed));
            }
            match self.next_client_message(rest, judge, output)? {
                Step::Took(count) => consumed += count,
                Step::NeedsMore => break,
                Step::Hold => {
                    self.tell_held(judge, output);
                    return Ok(held(consumed));
                }
            }
            if output.slice.spend(work(rest)) {
                return Ok(held(consumed));
            }
        }
        Ok(Progress {
            consumed,
            // Behind Terminate nothing is read.
            held: output.terminated,
        })
    }

    fn next_client_message(
        &mut self,
        rest: &[u8],
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Step, Violation> {
        if let Some((piece, forward)) = Streaming::next(&mut self.from_client, rest) {
            if forward {
                output.copied_in(piece);
                output.to_server.copy_piece(piece);
            }
            return Ok(Step::Took(piece.len()));
        }
        let max = self.max_client_message(rest);
        let header = match frame::next_header(rest, Side::Frontend, max) {
            Ok(Some(header)) => header,
            Ok(None) => return Ok(Step::NeedsMore),
            Err(error) => {
                self.bad_client_frame(error, output)?;
                return Ok(Step::Hold);
            }
        };
        let total = header.total();
        let Some(bytes) = rest.get(..total) else {
            return Ok(self.long_client_message(header.tag, total, output));
        };
        let taken = self.client_frame(header.frame(bytes), judge, output)?;
        Ok(Step::of(taken, total))
    }

    /// A message that has not all arrived. Long COPY data passes in pieces.
    fn long_client_message(&mut self, tag: u8, total: usize, output: &mut Output) -> Step {
        if tag != b'd' || total <= STREAM_ABOVE {
            return Step::NeedsMore;
        }
        if self.pipeline.mode == Mode::Ready && self.queue.may_copy_in() {
            self.hold_for_replies(output);
            return Step::Hold;
        }
        let forward = self.pipeline.mode == Mode::CopyIn;
        self.from_client = Some(Streaming::new(total, forward));
        Step::Took(0)
    }

    /// COPY data passes in pieces, so its length is the server's business; everything else is read whole.
    fn max_client_message(&self, rest: &[u8]) -> usize {
        if rest.first() == Some(&b'd') {
            usize::try_from(i32::MAX).unwrap_or(usize::MAX)
        } else {
            self.reading.max_message
        }
    }

    /// What cannot be read ends the connection, once all that was sent before is answered.
    fn bad_client_frame(
        &mut self,
        error: FrameError,
        output: &mut Output,
    ) -> Result<(), Violation> {
        if let (Mode::CopyIn, FrameError::UnknownTag { tag }) = (self.pipeline.mode, error) {
            self.out_of_place_in_copy(tag, output);
            return Ok(());
        }
        if !self.queue.is_empty() && self.pipeline.mode != Mode::CopyIn {
            self.hold_for_replies(output);
            return Ok(());
        }
        Err(match error {
            FrameError::UnknownTag { tag } => Violation::ClientMessage(tag),
            FrameError::TooLong { length, limit, .. } if limit == self.reading.max_message => {
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
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        if frame.tag == b'p' {
            let error = FrameError::UnknownTag { tag: frame.tag };
            return self.bad_client_frame(error, output).map(|()| Taken::Hold);
        }
        if frame.tag == b'X' {
            if self.server.is_own() {
                output.to_server.control(frame);
            }
            output.terminated = true;
            return Ok(Taken::Yes);
        }
        match self.pipeline.mode {
            Mode::Ended => Ok(Taken::Hold),
            Mode::Skipping => {
                if frame.tag == b'S' {
                    self.pipeline.mode = Mode::Ready;
                    self.forward_sync(frame, output);
                }
                Ok(Taken::Yes)
            }
            Mode::CopyIn => Ok(self.client_in_copy(frame, output)),
            Mode::Ready => self.client_ready(frame, judge, output),
        }
    }

    fn client_ready(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        if !self.server.is_there() {
            if self.is_undecided(judge) {
                // It needs a connection only once it is decided.
                return Ok(Taken::Hold);
            }
            return Ok(self.without_server(frame, output));
        }
        if let Some(taken) = self.held_is_over(frame, judge, output) {
            return Ok(taken);
        }
        if self.must_wait(frame) {
            return Ok(self.hold_for_replies(output));
        }
        if !names_are_plain(frame) {
            if !self.reading.is_certain() && self.held.is_none() {
                self.wait_for_certainty(output);
                return Ok(Taken::Hold);
            }
            if !self.reading.keeps_names() {
                return Ok(self.refuse_extended(unkept_name(), judge, output));
            }
        }
        match self.catch_up(frame.tag, judge) {
            Stage::Done(()) => {}
            Stage::Hold => return Ok(Taken::Hold),
            Stage::Refused(refusal) => {
                return Ok(self.refuse_message(frame, refusal, judge, output));
            }
        }
        match frame.tag {
            b'S' => {
                self.forward_sync(frame, output);
                Ok(Taken::Yes)
            }
            b'H' => {
                output.to_server.control(frame);
                if !frame.body.is_empty() {
                    // The server finds what is behind its fields.
                    let error = DecodeError::Trailing { message: "Flush" };
                    self.expect(Outstanding::Refused(Box::new(Refusal::unreadable(&error))));
                }
                Ok(Taken::Yes)
            }
            // Left over from a COPY that has failed: the server ignores them (protocol: COPY Operations).
            b'd' | b'c' | b'f' => Ok(Taken::Yes),
            b'Q' => Ok(self.query(frame, judge, output)),
            b'P' => Ok(self.parse(frame, judge, output)),
            b'B' => Ok(self.bind(frame, judge, output)),
            b'D' => Ok(self.describe(frame, judge, output)),
            b'E' => Ok(self.execute(frame, judge, output)),
            b'C' => Ok(self.close_name(frame, judge, output)),
            b'F' => Ok(self.function_call(frame, judge, output)),
            _ => Err(Violation::ClientMessage(frame.tag)),
        }
    }

    /// True when the message's meaning, or what the server makes of it, depends on outstanding replies.
    fn must_wait(&mut self, frame: Frame<'_>) -> bool {
        if self.pipeline.drain_first {
            if !self.queue.is_empty() && self.held.is_none() {
                return true;
            }
            self.pipeline.drain_first = false;
        }
        if self.queue.len() >= MAX_OUTSTANDING || self.queue.texts() >= MAX_OUTSTANDING_TEXT {
            return true;
        }
        let newest = self.queue.newest_first().next();
        if newest.is_some_and(Outstanding::is_bound) || self.turn.compared.is_some() {
            return true;
        }
        match frame.tag {
            b'S' => self.commits_what_may_be_stopped(),
            b'H' => false,
            // COPY data may come ahead of the server's CopyInResponse. Should the server copy in, it would take any other message for an
            // error of the copy and answer none of them.
            _ if self.queue.may_copy_in() => true,
            b'd' | b'c' | b'f' => false,
            // Only Sync, and what changes nothing, may follow a statement that can still be stopped: the client will be told that nothing
            // behind it ran.
            _ => self.turn.stoppable > 0 && !self.may_follow_a_stop(frame),
        }
    }

    /// True for a Sync that would commit an implicit transaction of which the client may be told that it failed.
    fn commits_what_may_be_stopped(&self) -> bool {
        self.turn.stoppable > 0 && self.pipeline.wrote && !self.transaction.is_open()
    }

    /// True for a message that may run although the client is told that it did not.
    fn may_follow_a_stop(&self, frame: Frame<'_>) -> bool {
        // A cancel is meant for one statement. On a shared connection statements are made on the way.
        if self.queue.has_time_limit() || self.server.is_shared() {
            return false;
        }
        match frame.tag {
            b'B' | b'D' => true,
            // A named one would stay.
            b'P' => frame.body.first() == Some(&0),
            b'E' => frontend::Execute::decode(frame.body).is_ok_and(|execute| {
                matches!(
                    self.lookup_portal(&Name::new(execute.portal)),
                    Lookup::Known(portal) if portal.prepared.is(Facts::changes_nothing)
                )
            }),
            _ => false,
        }
    }

    /// The message in hand has its answer already, or its client cancelled it: all that is left is to take it.
    fn held_is_over(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Option<Taken> {
        let mut held = self
            .held
            .take_if(|held| held.answered || held.cancelled.is_some())?;
        let cancelled = held.cancelled.take();
        self.let_go(held, judge);
        let Some(refusal) = cancelled else {
            return Some(Taken::Yes);
        };
        Some(self.refuse_message(frame, refusal, judge, output))
    }

    /// Refuses a message of any type that can be judged.
    fn refuse_message(
        &mut self,
        frame: Frame<'_>,
        refusal: Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        match frame.tag {
            b'Q' => self.refuse_query(refusal, judge, output),
            b'F' => self.refuse_alone(frame, refusal, judge, output),
            b'P' => {
                let name = frontend::Parse::decode(frame.body).map_or("", |parse| parse.name);
                self.refuse_parse(name, refusal, judge, output)
            }
            _ => self.refuse_extended(refusal, judge, output),
        }
    }

    fn forward_sync(&mut self, frame: Frame<'_>, output: &mut Output) {
        output.to_server.control(frame);
        self.expect(Outstanding::Sync);
    }
}

/// What a message costs: in Query and Parse, statements are analysed and judged.
fn work(message: &[u8]) -> u32 {
    match message.first() {
        Some(b'Q' | b'P' | b'F') => STATEMENT,
        Some(b'B') => 2,
        _ => 1,
    }
}

fn held(consumed: usize) -> Progress {
    Progress {
        consumed,
        held: true,
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
    let message = "non-ASCII names of prepared statements and portals require UTF8 as client and server encoding";
    Refusal::new("0A000", message)
}

//! Messages from the server: which forwarded message each one answers, and what the client gets to see of it.

use gatewright_wire::ErrorFields;
use gatewright_wire::backend;
use gatewright_wire::frame::{self, Frame, Side};

use crate::session::doors::outgoing::HIGH_WATER;
use crate::session::doors::output::{Output, Progress, STREAM_ABOVE, Step, Taken};
use crate::session::doors::to_client::Delivery;
use crate::session::judge::{Judge, Limit};
use crate::session::state::outstanding::{Audience, CloseTarget, Outstanding, Sent};
use crate::session::state::pipeline::Mode;
use crate::session::state::session::Session;
use crate::session::state::streaming::Streaming;
use crate::session::violation::{Peer, Violation};

/// Whether a long row that has not all arrived can pass in pieces.
enum Long {
    Pass(Streaming),
    /// It must be read whole.
    Whole,
    Hold,
}

impl<J: Judge> Session<J> {
    /// Takes as many whole messages from the server as can be dealt with now.
    pub fn server_bytes(
        &mut self,
        bytes: &[u8],
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Progress, Violation> {
        let mut consumed = 0;
        let mut held = false;
        while let Some(rest) = bytes.get(consumed..).filter(|rest| !rest.is_empty()) {
            let full = output.to_client.is_full() || output.to_server.len() >= HIGH_WATER;
            if full || !self.settle(judge, output) {
                held = true;
                break;
            }
            match self.next_server_message(rest, judge, output)? {
                Step::Took(count) => consumed += count,
                Step::NeedsMore => break,
                Step::Hold => {
                    held = true;
                    break;
                }
            }
            if output.slice.spend(1) {
                held = true;
                break;
            }
        }
        Ok(Progress { consumed, held })
    }

    /// Resumes what the server's messages wait for: a policy's answer about a batch, and the ends that the judge takes note of. False:
    /// it needs more time.
    pub(in crate::session) fn settle(&mut self, judge: &mut J, output: &mut Output) -> bool {
        self.resume_batch(judge, output) == Taken::Yes && self.ends.tell(judge)
    }

    fn next_server_message(
        &mut self,
        rest: &[u8],
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Step, Violation> {
        if let Some((piece, forward)) = Streaming::next(&mut self.from_server, rest) {
            if forward {
                output.to_client.deliver(Delivery::RowPiece {
                    bytes: piece,
                    begins: None,
                });
            }
            return Ok(Step::Took(piece.len()));
        }
        let plain = self.plain_rows(rest, output);
        if plain > 0 {
            return Ok(Step::Took(plain));
        }
        let limit = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
        let Some(header) =
            frame::next_header(rest, Side::Backend, limit).map_err(Violation::ServerFrame)?
        else {
            return Ok(Step::NeedsMore);
        };
        let total = header.total();
        let Some(bytes) = rest.get(..total) else {
            if total <= STREAM_ABOVE {
                return Ok(Step::NeedsMore);
            }
            return Ok(match self.stream(header.tag, total, judge, output)? {
                Long::Pass(streaming) => {
                    self.from_server = Some(streaming);
                    Step::Took(0)
                }
                Long::Whole => Step::NeedsMore,
                Long::Hold => Step::Hold,
            });
        };
        let taken = self.server_frame(header.frame(bytes), judge, output)?;
        Ok(Step::of(taken, total))
    }

    /// Rows that nobody edits pass in one piece, as far as they are whole.
    fn plain_rows(&mut self, rest: &[u8], output: &mut Output) -> usize {
        let Some(running) = &mut self.turn.running else {
            return 0;
        };
        if !running.is_plain() || !matches!(rest.first(), Some(b'D' | b'd')) {
            return 0;
        }
        let room = HIGH_WATER.saturating_sub(output.to_client.len());
        let window = rest.get(..room.min(rest.len())).unwrap_or(rest);
        let run = frame::scan_run(window, Side::Backend, |tag| tag == b'D' || tag == b'd');
        let size = run.bytes as u64;
        if run.frames == 0 || !running.admits(run.frames, size) {
            return 0;
        }
        running.rows += run.frames;
        running.bytes += size;
        output.to_client.deliver(Delivery::Rows {
            bytes: window.get(..run.bytes).unwrap_or_default(),
            count: run.frames,
        });
        run.bytes
    }

    /// A long message that has not all arrived: passes in pieces where nobody looks into it.
    fn stream(
        &mut self,
        tag: u8,
        total: usize,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Long, Violation> {
        if !matches!(tag, b'D' | b'd') {
            if total > self.reading.max_message {
                return Err(Violation::TooLong {
                    by: Peer::Server,
                    length: total,
                    limit: self.reading.max_message,
                });
            }
            return Ok(Long::Whole);
        }
        if self.is_over_for_client() {
            return Ok(Long::Pass(Streaming::new(total, false)));
        }
        if tag == b'D' && self.looks_at_rows() {
            if total <= self.reading.max_message {
                return Ok(Long::Whole);
            }
            self.pass_over_row();
            return Ok(Long::Pass(Streaming::new(total, false)));
        }
        self.expect_rows(tag)?;
        Ok(self.admit_long_row(total, judge, output))
    }

    /// Whether a long row goes to the client; it must be read whole to be edited.
    fn admit_long_row(&mut self, total: usize, judge: &mut J, output: &mut Output) -> Long {
        let Some(running) = self.turn.running.as_mut() else {
            return Long::Whole;
        };
        let size = total as u64;
        if running.stopping.is_some() {
            return Long::Pass(Streaming::new(total, false));
        }
        let limit = if running.editor.is_some() {
            if total <= self.reading.max_message {
                return Long::Whole;
            }
            Limit::RowSize(self.reading.max_message as u64)
        } else if running.admits(1, size) {
            running.rows += 1;
            running.bytes += size;
            output.to_client.deliver(Delivery::RowPiece {
                bytes: &[],
                begins: Some(size),
            });
            return Long::Pass(Streaming::new(total, true));
        } else {
            running.reached()
        };
        match self.stop_at(limit, judge, output) {
            Taken::Hold => Long::Hold,
            Taken::Yes => Long::Pass(Streaming::new(total, false)),
        }
    }

    /// True when the client has had the last of the Query in front, though the server has not.
    fn is_over_for_client(&self) -> bool {
        self.pipeline.dropping
            || matches!(self.queue.front(), Some(Outstanding::Query(run)) if run.silent_error)
    }

    fn expect_rows(&mut self, tag: u8) -> Result<(), Violation> {
        if self.turn.running.is_some() {
            return Ok(());
        }
        if tag == b'D' && matches!(self.queue.front(), Some(Outstanding::Execute { .. })) {
            return self.rows_of_execute();
        }
        Err(Violation::Unexpected(char::from(tag)))
    }

    fn server_frame(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        if self.is_dropped(frame) {
            return Ok(Taken::Yes);
        }
        if self.is_of_rehearsal(frame) {
            self.rehearsal_goes_on(frame, output)?;
            return Ok(Taken::Yes);
        }
        if self.is_part_of_query(frame.tag) || self.is_compared(frame) {
            return Ok(Taken::Yes);
        }
        if self.is_over_for_client() && !matches!(frame.tag, b'Z' | b'E' | b'S' | b'A') {
            return Ok(Taken::Yes);
        }
        if matches!(self.queue.front(), Some(Outstanding::Asked(_)))
            && matches!(frame.tag, b'1' | b'2' | b'3' | b'C' | b'D')
        {
            return self.setting_told(frame);
        }
        if matches!(self.queue.front(), Some(Outstanding::Unread(_)))
            && matches!(frame.tag, b'1' | b'3')
        {
            self.unread_accepted(frame.tag)?;
            return Ok(Taken::Yes);
        }
        match frame.tag {
            b'D' | b'd' => {
                self.expect_rows(frame.tag)?;
                return Ok(self.row(frame, judge, output));
            }
            b'C' | b'I' | b's' => return self.statement_ended(frame, judge, output),
            b'V' => return self.function_returned(frame, judge, output),
            b'E' => {
                self.path.failed();
                return self.error(frame, judge, output);
            }
            b'Z' => return self.ready(frame, judge, output),
            b'A' => return self.notification(frame, judge, output),
            b'c' => return Ok(self.copy_out_done(frame, judge, output)),
            b'1' => self.parsed(frame, output)?,
            b'2' => self.bound(frame, output)?,
            b'3' => self.closed(frame, output)?,
            b't' => self.parameter_description(frame, output)?,
            b'n' => self.described(frame, None, output)?,
            b'T' => self.row_description(frame, output)?,
            b'N' => self.notice(frame, output)?,
            b'S' => self.parameter_status(frame, output)?,
            b'G' => self.copy_in(frame, output)?,
            b'H' => self.copy_out_begins(frame, output)?,
            b'W' => return Err(Violation::Replication),
            other => return Err(Violation::Unexpected(char::from(other))),
        }
        Ok(Taken::Yes)
    }

    /// True for an answer to a message that the client was told was skipped. Settings, notifications and what ends the connection
    /// concern it all the same.
    fn is_dropped(&self, frame: Frame<'_>) -> bool {
        self.pipeline.dropping
            && !matches!(frame.tag, b'Z' | b'S' | b'A')
            && !ends_connection(frame)
    }

    /// Of a Query that went out in parts: ParseComplete, BindComplete, and NoData where there are no rows.
    fn is_part_of_query(&self, tag: u8) -> bool {
        matches!(tag, b'1' | b'2' | b'n')
            && matches!(self.queue.front(), Some(Outstanding::Query(run)) if run.sent != Sent::Whole)
    }

    fn copy_out_begins(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        let copy = backend::CopyResponse::decode(frame.body)
            .map_err(|error| Violation::unreadable("CopyOutResponse", &error))?;
        self.copy_out(copy.binary, copy.formats.len())?;
        output.to_client.deliver(Delivery::Message(frame));
        Ok(())
    }

    fn copy_out_done(&mut self, frame: Frame<'_>, judge: &mut J, output: &mut Output) -> Taken {
        if self.finish_rows(judge, output) == Taken::Hold {
            return Taken::Hold;
        }
        let running = self.turn.running.as_ref();
        if running.is_none_or(|running| running.stopping.is_none()) {
            output.to_client.deliver(Delivery::Message(frame));
        }
        Taken::Yes
    }

    fn row_description(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        let description = backend::RowDescription::decode(frame.body)
            .map_err(|error| Violation::unreadable("RowDescription", &error))?;
        match self.queue.front() {
            Some(Outstanding::Describe { .. }) => self.described(frame, Some(&description), output),
            Some(Outstanding::Query(_)) => {
                self.rows_of_query(&description)?;
                output.to_client.deliver(Delivery::Message(frame));
                Ok(())
            }
            _ => Err(Violation::Unexpected('T')),
        }
    }

    fn parsed(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        if self.describes_for_itself() {
            return Ok(());
        }
        if matches!(self.queue.front(), Some(Outstanding::PrepareAgain(_))) {
            self.queue.pop();
            return Ok(());
        }
        let Some(Outstanding::Parse { name, prepared, .. }) = self.queue.pop() else {
            return Err(Violation::Unexpected('1'));
        };
        self.names.set_prepared(&name, prepared);
        output.to_client.deliver(Delivery::Message(frame));
        Ok(())
    }

    fn bound(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        let Some(Outstanding::Bind {
            name,
            portal,
            again,
            ..
        }) = self.queue.pop()
        else {
            return Err(Violation::Unexpected('2'));
        };
        self.names.set_portal(&name, portal);
        if !again {
            output.to_client.deliver(Delivery::Message(frame));
        }
        Ok(())
    }

    fn closed(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        if let Some(Outstanding::CopySyncProbe(probe)) = self.queue.front_mut() {
            return probe.closed();
        }
        let Some(Outstanding::Close { target, audience }) = self.queue.pop() else {
            return Err(Violation::Unexpected('3'));
        };
        match target {
            CloseTarget::Statement(name) => self.names.close_prepared(&name),
            CloseTarget::Portal(name) => self.names.close_portal(&name),
            CloseTarget::OnServer => {}
        }
        if audience == Audience::Client {
            output.to_client.deliver(Delivery::Message(frame));
        }
        Ok(())
    }

    fn parameter_status(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        let status = backend::ParameterStatus::decode(frame.body)
            .map_err(|error| Violation::unreadable("ParameterStatus", &error))?;
        if status.name == "search_path" {
            self.path.report(status.value);
        }
        self.reading.setting(status.name, status.value);
        self.server.reported(status.name, status.value);
        output.to_client.deliver(Delivery::Message(frame));
        Ok(())
    }

    fn copy_in(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        if !matches!(
            self.queue.front(),
            Some(Outstanding::Query(_) | Outstanding::Execute { .. })
        ) {
            return Err(Violation::Unexpected('G'));
        }
        self.pipeline.copy_syncs += self.queue.drop_syncs_behind_front();
        self.pipeline.mode = Mode::CopyIn;
        output.to_client.deliver(Delivery::Message(frame));
        Ok(())
    }
}

/// True for an ErrorResponse behind which the server closes the connection.
pub(in crate::session) fn ends_connection(frame: Frame<'_>) -> bool {
    frame.tag == b'E'
        && ErrorFields::decode(frame.body)
            .is_ok_and(|fields| matches!(fields.field(b'V'), Some("FATAL" | "PANIC")))
}

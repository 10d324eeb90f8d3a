//! Messages from the server: which forwarded message each one answers, and what the client gets to see of it.

use gatewright_wire::backend;
use gatewright_wire::frame::{self, Frame, Side};

use super::client::Progress;
use super::describe::{bad, fields_of};
use super::encoding::Encoding;
use super::judge::{Judge, Limit};
use super::owed::{Audience, CloseTarget, Owed};
use super::{HIGH_WATER, Mode, Peer, STREAM_ABOVE, Session, Streaming, Violation, Wires};

impl<J: Judge> Session<J> {
    /// Takes as many whole messages from the server as can be dealt with now.
    pub fn server_bytes(
        &mut self,
        bytes: &[u8],
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Progress, Violation> {
        let mut consumed = 0;
        while consumed < bytes.len() {
            if wires.to_client.len() >= HIGH_WATER || wires.to_server.len() >= HIGH_WATER {
                return Ok(Progress {
                    consumed,
                    held: true,
                });
            }
            let rest = &bytes[consumed..];
            if let Some(streaming) = &mut self.from_server {
                consumed += streaming.pass(rest, &mut wires.to_client);
                if streaming.is_over() {
                    self.from_server = None;
                }
                continue;
            }
            let plain = self.plain_rows(rest, wires);
            if plain > 0 {
                consumed += plain;
                continue;
            }
            let limit = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
            let Some(header) =
                frame::next_header(rest, Side::Backend, limit).map_err(Violation::ServerFrame)?
            else {
                break;
            };
            let total = header.total();
            if total > rest.len() {
                if total > STREAM_ABOVE && self.stream(header.tag, total, judge, wires)? {
                    continue;
                }
                break;
            }
            self.server_frame(header.frame(&rest[..total]), judge, wires)?;
            consumed += total;
        }
        Ok(Progress {
            consumed,
            held: false,
        })
    }

    /// Rows that nobody edits pass in one piece, as far as they are whole.
    fn plain_rows(&mut self, rest: &[u8], wires: &mut Wires) -> usize {
        let Some(running) = &mut self.running else {
            return 0;
        };
        if !running.is_plain() || !matches!(rest.first(), Some(b'D' | b'd')) {
            return 0;
        }
        let room = HIGH_WATER.saturating_sub(wires.to_client.len());
        let window = rest.get(..room.min(rest.len())).unwrap_or(rest);
        let run = frame::scan_run(window, Side::Backend, |tag| tag == b'D' || tag == b'd');
        let bytes = run.bytes as u64;
        if run.frames == 0 || !running.admits(run.frames, bytes) {
            return 0;
        }
        running.rows += run.frames;
        running.bytes += bytes;
        wires.to_client.extend_from_slice(&window[..run.bytes]);
        run.bytes
    }

    /// A long message that has not all arrived: passes in pieces where nobody looks into it.
    fn stream(
        &mut self,
        tag: u8,
        total: usize,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<bool, Violation> {
        if !matches!(tag, b'D' | b'd') {
            if total > self.max_message {
                return Err(Violation::TooLong {
                    by: Peer::Server,
                    length: total,
                    limit: self.max_message,
                });
            }
            return Ok(false);
        }
        let forward = if self.is_over_for_client() {
            false
        } else {
            self.expect_rows(tag)?;
            match self.admit_long_row(total, judge, wires) {
                Some(forward) => forward,
                None => return Ok(false),
            }
        };
        self.from_server = Some(Streaming {
            remaining: total,
            forward,
        });
        Ok(true)
    }

    /// Whether a long row goes to the client; `None` when it must be read whole to be edited.
    fn admit_long_row(&mut self, total: usize, judge: &mut J, wires: &mut Wires) -> Option<bool> {
        let running = self.running.as_mut()?;
        let size = total as u64;
        if running.stopping.is_some() {
            return Some(false);
        }
        let limit = if running.editor.is_some() {
            if total <= self.max_message {
                return None;
            }
            Limit::RowSize(self.max_message as u64)
        } else if running.admits(1, size) {
            running.rows += 1;
            running.bytes += size;
            return Some(true);
        } else {
            running.reached()
        };
        self.stop_at(limit, judge, wires);
        Some(false)
    }

    /// True when the client has had the last of the Query in front, though the server has not.
    fn is_over_for_client(&self) -> bool {
        matches!(self.queue.front(), Some(Owed::Query(run)) if run.silent_error)
    }

    fn expect_rows(&mut self, tag: u8) -> Result<(), Violation> {
        if self.running.is_some() {
            return Ok(());
        }
        if tag == b'D' && matches!(self.queue.front(), Some(Owed::Execute { .. })) {
            return self.rows_of_execute();
        }
        Err(Violation::Unexpected(char::from(tag)))
    }

    fn server_frame(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<(), Violation> {
        if self.is_over_for_client() && !matches!(frame.tag, b'Z' | b'E' | b'S' | b'A') {
            return Ok(());
        }
        match frame.tag {
            b'D' | b'd' => {
                self.expect_rows(frame.tag)?;
                self.row(frame, judge, wires);
                Ok(())
            }
            b'C' | b'I' | b's' => self.statement_ended(frame, judge, wires),
            b'Z' => self.ready(frame, wires),
            b'1' => self.parsed(frame, wires),
            b'2' => self.bound(frame, wires),
            b'3' => self.closed(frame, wires),
            b't' => self.parameter_description(frame, wires),
            b'n' => self.described(frame, None, wires),
            b'T' => self.row_description(frame, wires),
            b'E' => self.error(frame, judge, wires),
            b'N' => self.notice(frame, wires),
            b'S' => self.parameter_status(frame, wires),
            b'A' => {
                wires.to_client.extend_from_slice(frame.bytes);
                Ok(())
            }
            b'G' => self.copy_in(frame, wires),
            b'H' => {
                let copy = backend::CopyResponse::decode(frame.body)
                    .map_err(|error| bad("CopyOutResponse", &error))?;
                self.copy_out(copy.binary, copy.formats.len())?;
                wires.to_client.extend_from_slice(frame.bytes);
                Ok(())
            }
            b'c' => {
                self.finish_rows(judge, wires);
                if self
                    .running
                    .as_ref()
                    .is_none_or(|running| running.stopping.is_none())
                {
                    wires.to_client.extend_from_slice(frame.bytes);
                }
                Ok(())
            }
            b'V' => self.function_returned(frame, judge, wires),
            b'W' => Err(Violation::Replication),
            other => Err(Violation::Unexpected(char::from(other))),
        }
    }

    fn row_description(&mut self, frame: Frame<'_>, wires: &mut Wires) -> Result<(), Violation> {
        let description = backend::RowDescription::decode(frame.body)
            .map_err(|error| bad("RowDescription", &error))?;
        let fields = fields_of(&description);
        match self.queue.front() {
            Some(Owed::Describe { .. }) => self.described(frame, Some(fields), wires),
            Some(Owed::Query(_)) => {
                let formats: Vec<i16> = description.fields().map(|field| field.format).collect();
                self.rows_of_query(&fields, &formats)?;
                wires.to_client.extend_from_slice(frame.bytes);
                Ok(())
            }
            _ => Err(Violation::Unexpected('T')),
        }
    }

    fn parsed(&mut self, frame: Frame<'_>, wires: &mut Wires) -> Result<(), Violation> {
        if self.describes_for_itself() {
            return Ok(());
        }
        let Some(Owed::Parse { name, prepared, .. }) = self.queue.pop() else {
            return Err(Violation::Unexpected('1'));
        };
        self.names.set_prepared(&name, prepared);
        wires.to_client.extend_from_slice(frame.bytes);
        Ok(())
    }

    fn bound(&mut self, frame: Frame<'_>, wires: &mut Wires) -> Result<(), Violation> {
        let Some(Owed::Bind { name, portal }) = self.queue.pop() else {
            return Err(Violation::Unexpected('2'));
        };
        self.names.set_portal(&name, portal);
        wires.to_client.extend_from_slice(frame.bytes);
        Ok(())
    }

    fn closed(&mut self, frame: Frame<'_>, wires: &mut Wires) -> Result<(), Violation> {
        if let Some(Owed::Doubt(doubt)) = self.queue.front_mut() {
            return doubt.closed();
        }
        let Some(Owed::Close { target, audience }) = self.queue.pop() else {
            return Err(Violation::Unexpected('3'));
        };
        match target {
            CloseTarget::Statement(name) => self.names.close_prepared(&name),
            CloseTarget::Portal(name) => self.names.close_portal(&name),
        }
        if audience == Audience::Client {
            wires.to_client.extend_from_slice(frame.bytes);
        }
        Ok(())
    }

    fn parameter_status(&mut self, frame: Frame<'_>, wires: &mut Wires) -> Result<(), Violation> {
        let status = backend::ParameterStatus::decode(frame.body)
            .map_err(|error| bad("ParameterStatus", &error))?;
        match status.name {
            "client_encoding" => {
                let client = String::from_utf8_lossy(status.value);
                self.encoding = Encoding::new(&client, &self.server_encoding);
            }
            "standard_conforming_strings" => {
                self.standard_conforming_strings = status.value == b"on"
            }
            _ => {}
        }
        wires.to_client.extend_from_slice(frame.bytes);
        Ok(())
    }

    fn copy_in(&mut self, frame: Frame<'_>, wires: &mut Wires) -> Result<(), Violation> {
        if !matches!(
            self.queue.front(),
            Some(Owed::Query(_) | Owed::Execute { .. })
        ) {
            return Err(Violation::Unexpected('G'));
        }
        self.copy_syncs += self.queue.drop_syncs_behind_front();
        self.mode = Mode::CopyIn;
        wires.to_client.extend_from_slice(frame.bytes);
        Ok(())
    }
}

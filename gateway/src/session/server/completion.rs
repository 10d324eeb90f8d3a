//! Statements that end well, and where the connection stands then.

use std::rc::Rc;
use std::sync::Arc;

use gatewright_contract::Messages;
use gatewright_sql::{SessionEffect, TransactionCommand, Verb};
use gatewright_wire::backend;
use gatewright_wire::frame::Frame;

use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_client::{Delivered, Delivery};
use crate::session::judge::{Judge, Limits, Outcome};
use crate::session::state::ends::Changed;
use crate::session::state::name::Name;
use crate::session::state::names::{Cursor, Prepared};
use crate::session::state::outstanding::{Outstanding, QueryRun, Sent};
use crate::session::state::pipeline::Block;
use crate::session::state::running::{Passed, Running};
use crate::session::state::session::Session;
use crate::session::violation::Violation;

impl<J: Judge> Session<J> {
    /// CommandComplete, EmptyQueryResponse or PortalSuspended.
    pub(in crate::session) fn statement_ended(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        if self.finish_rows(judge, output) == Taken::Hold {
            return Ok(Taken::Hold);
        }
        self.compare_effect(frame, judge);
        let running = self.turn.running.as_ref();
        let stopped = running.and_then(|running| running.stopping.as_ref());
        let sqlstate = stopped.map(|refusal| refusal.sqlstate.clone().into_owned());
        let outcome = match (&sqlstate, frame.tag) {
            (Some(_), _) => Outcome::Failed,
            (None, b's') => Outcome::Suspended,
            (None, _) => Outcome::Completed,
        };
        let sqlstate = sqlstate.as_deref().unwrap_or("00000");
        self.end_current(outcome, sqlstate, changed_rows(frame), output);
        if !self.ends.tell(judge) {
            return Ok(Taken::Hold);
        }
        self.pipeline.copy_syncs = 0;
        let mut running = self
            .turn
            .running
            .take()
            .unwrap_or_else(|| Running::plain(Limits::default()));
        running.note_passed();
        if let Some(refusal) = running.stopping.take() {
            self.ended_before_stop(&refusal, judge, output)?;
            return Ok(Taken::Yes);
        }
        output.to_client.deliver(Delivery::Message(frame));
        self.next_statement(frame.tag)?;
        self.end_parts(output);
        Ok(Taken::Yes)
    }

    /// A statement that was admitted for one effect is stopped if it had another.
    fn compare_effect(&mut self, frame: Frame<'_>, judge: &mut J) {
        let Some(admitted) = self.queue.front().and_then(Outstanding::current) else {
            return;
        };
        let Some(bound) = J::bound_to(admitted) else {
            return;
        };
        let changed = changed_rows(frame);
        let rows = self.turn.compared.take();
        if bound.admits(changed, rows) {
            return;
        }
        let refusal = judge.effect_differs(admitted, changed);
        let plain = || Running::plain(Limits::default());
        let running = self.turn.running.get_or_insert_with(plain);
        running.stopping = Some(refusal);
        running.differs = true;
    }

    /// The Sync behind a Query that went out in parts.
    pub(in crate::session) fn end_parts(&mut self, output: &mut Output) {
        if let Some(Outstanding::Query(run)) = self.queue.front_mut()
            && run.sent == Sent::InParts
        {
            run.sent = Sent::InPartsWithSync;
            output.to_server.sync();
        }
    }

    /// Tells the judge how the statement in front ended, once, with what was delivered of its result.
    pub(in crate::session) fn end_current(
        &mut self,
        outcome: Outcome,
        sqlstate: &str,
        changed: Option<u64>,
        output: &mut Output,
    ) {
        let front = self.queue.front_mut();
        let Some(admitted) = front.and_then(Outstanding::take_current) else {
            return;
        };
        let running = self.turn.running.as_ref();
        let effect = Changed {
            rows: changed,
            differs: running.is_some_and(|running| running.differs),
        };
        let delivered = output.to_client.take_delivered();
        self.ends
            .push_changed(admitted, outcome, sqlstate, delivered, effect);
    }

    /// The statement in front succeeded: what it changes, and what comes next.
    fn next_statement(&mut self, tag: u8) -> Result<(), Violation> {
        match self.queue.front_mut() {
            Some(Outstanding::Query(run)) => {
                let index = run.index;
                run.index += 1;
                if let (Some(text), Some(permit)) =
                    (run.text.clone(), run.permits.get(index).cloned())
                {
                    self.take_effect(&text, index, Some(permit));
                }
                Ok(())
            }
            Some(Outstanding::Execute { .. }) => {
                let Some(Outstanding::Execute { portal, .. }) = self.queue.pop() else {
                    return Ok(());
                };
                self.turn.stoppable -= usize::from(portal.can_stop());
                self.turn.count += 1;
                self.transaction.may_tell_values |=
                    portal.permit.as_ref().is_some_and(may_tell_values::<J>);
                if let Some(permit) = &portal.permit
                    && tag != b's'
                {
                    let text = portal.prepared.text.clone();
                    self.take_effect(&text, portal.prepared.index, Some(permit.clone()));
                }
                Ok(())
            }
            Some(Outstanding::ExecuteUnknown) if tag == b'I' => {
                self.queue.pop();
                Ok(())
            }
            _ => Err(Violation::Unexpected(char::from(tag))),
        }
    }

    /// FunctionCallResponse: one value, which counts as a row.
    pub(in crate::session) fn function_returned(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        let Some(Outstanding::FunctionCall {
            permit,
            admitted,
            answered: false,
        }) = self.queue.front_mut()
        else {
            return Err(Violation::Unexpected('V'));
        };
        let permit = permit.clone();
        let limits = J::limits(&permit).after(self.ends.delivered(), (0, 0));
        let limited = Running::plain(limits);
        let size = frame.bytes.len() as u64;
        let fits = limited.admits(1, size);
        if let Some(admitted) = admitted.take() {
            let ends = &mut self.ends;
            if fits {
                let value = Delivered {
                    rows: 1,
                    bytes: size,
                    masked_cells: 0,
                };
                ends.push(admitted, Outcome::Completed, "00000", value);
            } else {
                let refusal = judge.limit_reached(&permit, limited.reached());
                let nothing = Delivered::default();
                ends.push(admitted, Outcome::Failed, &refusal.sqlstate, nothing);
                self.turn.overdue = Some(refusal);
            }
        }
        if !self.ends.tell(judge) {
            return Ok(Taken::Hold);
        }
        if let Some(Outstanding::FunctionCall { answered, .. }) = self.queue.front_mut() {
            *answered = true;
        }
        self.transaction.names_changed();
        match self.turn.overdue.take().filter(|_| !fits) {
            None => output.to_client.deliver(Delivery::Message(frame)),
            Some(refusal) => {
                output.to_client.deliver(Delivery::Error(&refusal.error()));
                self.transaction.abort_on_ready = true;
            }
        }
        Ok(Taken::Yes)
    }

    /// What a statement that has just succeeded changes for those after it.
    fn take_effect(&mut self, text: &J::Text, index: usize, permit: Option<J::Permit>) {
        let Some(statement) = J::analysis(text).statements.get(index) else {
            return;
        };
        let facts = Arc::clone(&statement.facts);
        self.path.succeeded(&facts);
        self.transaction.may_tell_values |= permit.as_ref().is_some_and(may_tell_values::<J>);
        match &facts.session {
            SessionEffect::Prepare { name, inner } => {
                let inner = Some(Arc::new((**inner).clone()));
                let prepared = Prepared::new(text.clone(), index, permit, inner);
                self.names.set_prepared(&Name::new(name), Rc::new(prepared));
                self.transaction.names_changed();
            }
            SessionEffect::Deallocate(Some(name)) => self.names.close_prepared(&Name::new(name)),
            SessionEffect::Deallocate(None) => self.names.deallocate_all(),
            SessionEffect::DiscardAll => {
                self.names.deallocate_all();
                self.transaction.names_changed();
            }
            SessionEffect::DeclareCursor { name } => {
                let cursor = Cursor {
                    passed: Passed::default(),
                    text: text.clone(),
                    index,
                };
                self.names.declare_cursor(&Name::new(name), cursor);
                self.transaction.names_changed();
            }
            SessionEffect::Set { .. } => self.transaction.names_changed(),
            SessionEffect::Transaction(TransactionCommand::Begin)
                if !self.transaction.has_failed() =>
            {
                self.transaction.begun();
            }
            SessionEffect::Transaction(_) => self.transaction.commanded(),
            _ if !facts.opaque.is_empty()
                || matches!(facts.verb, Verb::Ddl | Verb::DoBlock | Verb::Call) =>
            {
                self.transaction.names_changed();
            }
            _ => {}
        }
    }

    pub(in crate::session) fn ready(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        let status = backend::ReadyForQuery::decode(frame.body)
            .map_err(|error| Violation::unreadable("ReadyForQuery", &error))?
            .status
            .byte();
        if let Some(Outstanding::CopySyncProbe(probe)) = self.queue.front_mut() {
            if probe.ready(frame, output) {
                self.probe_finished(status);
            }
            return Ok(Taken::Yes);
        }
        if !self.end_silent(judge) {
            return Ok(Taken::Hold);
        }
        self.pipeline.dropping = false;
        match self.queue.pop() {
            Some(reply @ (Outstanding::Query(_) | Outstanding::FunctionCall { .. })) => {
                self.turn.stoppable -= usize::from(reply.can_stop());
                if let Outstanding::Query(run) = &reply {
                    self.unnamed_are_replaced(run, status);
                }
            }
            Some(Outstanding::Sync) => {}
            _ => return Err(Violation::Unexpected('Z')),
        }
        self.ready_for_query(status);
        if std::mem::take(&mut self.transaction.abort_on_ready) && status == b'T' {
            self.abort_transaction(output);
            return Ok(Taken::Yes);
        }
        output.to_client.deliver(Delivery::Message(frame));
        Ok(Taken::Yes)
    }

    /// A Query takes the unnamed portal for each of its statements (PostgreSQL's exec_simple_query). One that fails leaves a portal behind,
    /// in a transaction in which nothing runs.
    fn unnamed_are_replaced(&mut self, run: &QueryRun<J>, status: u8) {
        if self.server.is_shared() {
            // The server says so where the connection is the same; on another the statement could be made again.
            self.names.close_prepared(&Name::unnamed());
        }
        let text = run.text.as_ref();
        if status != b'E' && text.is_some_and(|text| !J::analysis(text).statements.is_empty()) {
            self.names.close_portal(&Name::unnamed());
        }
    }

    /// Statements of the message in front whose own end the gateway has not followed, because the client had its error before. Whether they ran
    /// is not known. False: the judge needs time to take note.
    fn end_silent(&mut self, judge: &mut J) -> bool {
        if let Some(front) = self.queue.front_mut() {
            for admitted in front.take_all() {
                let nothing = Delivered::default();
                self.ends.push(admitted, Outcome::Lost, "57014", nothing);
            }
        }
        self.ends.tell(judge)
    }

    /// A message had its turn, and the server told where the transaction stands.
    pub(in crate::session) fn ready_for_query(&mut self, status: u8) {
        self.turn.over();
        let next = self.queue.oldest_number();
        if next.is_none() {
            self.pipeline.block = Block::AsTold;
        }
        self.reading.ready(status != b'I', next);
        self.path.ready(status, self.queue.is_empty());
        if self.transaction.ready(status) {
            self.names.transaction_ended();
        }
    }
}

/// What the statement has deferred may speak of protected values.
fn may_tell_values<J: Judge>(permit: &J::Permit) -> bool {
    J::messages(permit) == Messages::WithoutValues
}

/// How many rows the statement changed, as its tag says (protocol: CommandComplete).
pub(in crate::session) fn changed_rows(frame: Frame<'_>) -> Option<u64> {
    let tag = frame
        .body
        .strip_suffix(b"\0")
        .filter(|_| frame.tag == b'C')?;
    // INSERT has an OID in front of the count.
    let writes = ["INSERT 0 ", "UPDATE ", "DELETE ", "MERGE ", "COPY "];
    let count = writes
        .iter()
        .find_map(|command| tag.strip_prefix(command.as_bytes()))?;
    std::str::from_utf8(count).ok()?.parse().ok()
}

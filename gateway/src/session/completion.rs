//! Statements that end well, and where the connection stands then.

use std::rc::Rc;
use std::sync::Arc;

use gatewright_sql::{SessionEffect, TransactionCommand, Verb};
use gatewright_wire::frame::Frame;
use gatewright_wire::{backend, build};

use super::describe::bad;
use super::judge::{Judge, Limits};
use super::name::Name;
use super::names::Prepared;
use super::owed::Owed;
use super::query::can_stop;
use super::results::Running;
use super::{Output, Session, Violation};

impl<J: Judge> Session<J> {
    /// CommandComplete, EmptyQueryResponse or PortalSuspended.
    pub(super) fn statement_ended(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<(), Violation> {
        self.finish_rows(judge, output);
        self.copy_syncs = 0;
        let mut running = self
            .running
            .take()
            .unwrap_or_else(|| Running::plain(Limits::default()));
        if let Some(refusal) = running.stopping.take() {
            return self.ended_before_stop(&refusal, &running, judge, output);
        }
        output.to_client.extend_from_slice(frame.bytes);
        let done = running.completion("00000");
        match self.queue.front_mut() {
            Some(Owed::Query(run)) => {
                let index = run.index;
                run.index += 1;
                if let (Some(text), Some(permit)) =
                    (run.text.clone(), run.permits.get(index).cloned())
                {
                    judge.completed(&permit, &done);
                    self.take_effect(&text, index, Some(permit));
                }
                Ok(())
            }
            Some(Owed::Execute { .. }) => {
                let Some(Owed::Execute { portal }) = self.queue.pop() else {
                    return Ok(());
                };
                self.stoppable -= usize::from(portal.can_stop());
                self.turns += 1;
                self.txn_has_planned_result |= portal.permit.as_ref().is_some_and(J::wants_plan);
                if let Some(permit) = &portal.permit
                    && frame.tag != b's'
                {
                    judge.completed(permit, &done);
                    let text = portal.prepared.text.clone();
                    self.take_effect(&text, portal.prepared.index, Some(permit.clone()));
                }
                Ok(())
            }
            Some(Owed::ExecuteUnknown) if frame.tag == b'I' => {
                self.queue.pop();
                Ok(())
            }
            _ => Err(Violation::Unexpected(char::from(frame.tag))),
        }
    }

    /// FunctionCallResponse: one value, which counts as a row.
    pub(super) fn function_returned(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<(), Violation> {
        let Some(Owed::FunctionCall { permit, answered }) = self.queue.front_mut() else {
            return Err(Violation::Unexpected('V'));
        };
        if std::mem::replace(answered, true) {
            return Err(Violation::Unexpected('V'));
        }
        self.epoch += 1;
        let mut result = Running::plain(J::limits(permit));
        let size = frame.bytes.len() as u64;
        if result.admits(1, size) {
            (result.rows, result.bytes) = (1, size);
            judge.completed(permit, &result.completion("00000"));
            output.to_client.extend_from_slice(frame.bytes);
        } else {
            let refusal = judge.limit_reached(permit, result.reached());
            judge.completed(permit, &result.completion(&refusal.sqlstate));
            build::error_response(&mut output.to_client, &refusal.error());
            self.abort_on_ready = true;
        }
        Ok(())
    }

    /// What a statement that has just succeeded changes for those after it.
    fn take_effect(&mut self, text: &J::Text, index: usize, permit: Option<J::Permit>) {
        let Some(statement) = J::analysis(text).statements.get(index) else {
            return;
        };
        let facts = Arc::clone(&statement.facts);
        self.txn_has_planned_result |= permit.as_ref().is_some_and(J::wants_plan);
        match &facts.session {
            SessionEffect::Prepare { name, inner } => {
                let prepared = Prepared::new(
                    text.clone(),
                    index,
                    permit,
                    Some(Arc::new((**inner).clone())),
                );
                self.names.set_prepared(&Name::new(name), Rc::new(prepared));
                self.epoch += 1;
            }
            SessionEffect::Deallocate(Some(name)) => self.names.close_prepared(&Name::new(name)),
            SessionEffect::Deallocate(None) => self.names.deallocate_all(),
            SessionEffect::DiscardAll => {
                self.names.deallocate_all();
                self.epoch += 1;
            }
            SessionEffect::DeclareCursor { name } => {
                self.names.declare_cursor(&Name::new(name), &facts);
                self.epoch += 1;
            }
            SessionEffect::Set { .. } => self.epoch += 1,
            SessionEffect::Transaction(_) if self.status == b'E' => {
                // It has ended the failed transaction, or gone back to where that was well; ReadyForQuery will tell which.
                self.status = b'T';
                self.epoch += 1;
            }
            SessionEffect::Transaction(TransactionCommand::Begin) => {
                self.transaction_epoch = self.epoch;
            }
            // What a transaction has set may be undone with it; one that changed nothing leaves everything as it was.
            SessionEffect::Transaction(_) if self.epoch != self.transaction_epoch => {
                self.epoch += 1
            }
            _ if !facts.opaque.is_empty()
                || matches!(facts.verb, Verb::Ddl | Verb::DoBlock | Verb::Call) =>
            {
                self.epoch += 1
            }
            _ => {}
        }
    }

    pub(super) fn ready(&mut self, frame: Frame<'_>, output: &mut Output) -> Result<(), Violation> {
        let status = backend::ReadyForQuery::decode(frame.body)
            .map_err(|error| bad("ReadyForQuery", &error))?
            .status
            .byte();
        if let Some(Owed::CopySyncProbe(probe)) = self.queue.front_mut() {
            if !probe.ready(frame, output) {
                return Ok(());
            }
            self.probe_finished(status);
            return Ok(());
        }
        match self.queue.pop() {
            Some(Owed::Query(run)) => self.stoppable -= usize::from(run.can_stop()),
            Some(Owed::FunctionCall { permit, .. }) => {
                self.stoppable -= usize::from(can_stop::<J>(&permit, None));
            }
            Some(Owed::Sync) => {}
            _ => return Err(Violation::Unexpected('Z')),
        }
        self.ready_for_query(status);
        if std::mem::take(&mut self.abort_on_ready) && status == b'T' {
            self.abort_transaction(output);
            return Ok(());
        }
        output.to_client.extend_from_slice(frame.bytes);
        Ok(())
    }

    /// A message had its turn, and the server told where the transaction stands.
    pub(super) fn ready_for_query(&mut self, status: u8) {
        self.status = status;
        self.running = None;
        self.turns += 1;
        self.overdue = None;
        if status == b'I' {
            self.names.transaction_ended();
            self.txn_has_planned_result = false;
            self.transaction_epoch = self.epoch;
        }
    }
}

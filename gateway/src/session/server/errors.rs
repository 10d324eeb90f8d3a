//! Errors and notices from the server: whose text the client gets, and where both sides stand then.

use gatewright_contract::Messages;
use gatewright_wire::ErrorFields;
use gatewright_wire::frame::Frame;

use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_client::{Delivered, Delivery};
use crate::session::judge::{Departure, Judge, Outcome};
use crate::session::refusal::Refusal;
use crate::session::server::describe::must_run_before;
use crate::session::server::redaction::{is_of_code, redact};
use crate::session::state::outstanding::{Audience, Described, Outstanding};
use crate::session::state::pipeline::Mode;
use crate::session::state::session::Session;
use crate::session::violation::Violation;

/// SQLSTATE of a statement that was cancelled.
const QUERY_CANCELED: &str = "57014";

/// SQLSTATE of a statement in a transaction that has failed.
const IN_FAILED_TRANSACTION: &str = "25P02";

impl<J: Judge> Session<J> {
    pub(in crate::session) fn error(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<Taken, Violation> {
        let fields = ErrorFields::decode(frame.body)
            .map_err(|error| Violation::unreadable("ErrorResponse", &error))?;
        if matches!(fields.field(b'V'), Some("FATAL" | "PANIC")) {
            return Ok(self.fatal(&fields, judge, output));
        }
        if self.flush(judge, output) == Taken::Hold {
            return Ok(Taken::Hold);
        }
        self.turn.compared = None;
        let sqlstate = fields.field(b'C').unwrap_or("XX000").to_owned();
        self.end_failing(&sqlstate, output);
        if !self.ends.tell(judge) {
            return Ok(Taken::Hold);
        }
        let mut running = self.turn.running.take();
        let overdue = self.turn.overdue.take();
        let overdue = overdue.filter(|_| sqlstate == QUERY_CANCELED);
        let stopping = running
            .as_mut()
            .and_then(|running| running.stopping.take())
            .or(overdue);
        self.deliver_notices_of_description(output);
        let (mut fields, mut moved) = self.at_clients_position(fields);
        moved |= self.with_clients_name(&mut fields);
        match self.rewrite_of(&fields, stopping.as_ref()) {
            ErrorRewrite::Swallowed => {}
            ErrorRewrite::Unchanged if !moved => {
                output.to_client.deliver(Delivery::Message(frame));
            }
            ErrorRewrite::Unchanged => output.to_client.deliver(Delivery::Error(&fields)),
            ErrorRewrite::Changed(fields) => output.to_client.deliver(Delivery::Error(&fields)),
        }
        if let Some(Outstanding::Unread(unread)) = self.queue.front()
            && !unread.is_rejected_with(&fields)
        {
            judge.refused(&unread.refusal);
        }
        self.forget_portal_of_failed_bind(&fields);
        self.forget_unnamed_of_failed_parse();
        self.after_error(judge, output);
        Ok(Taken::Yes)
    }

    /// The notices of a description that failed, ahead of its error.
    fn deliver_notices_of_description(&mut self, output: &mut Output) {
        let describes = matches!(
            self.queue.front(),
            Some(Outstanding::Describe {
                target: Described::InHand,
                ..
            })
        );
        if !describes {
            return;
        }
        let notices = self
            .held
            .as_mut()
            .map(|held| std::mem::take(&mut held.notices));
        for body in notices.unwrap_or_default() {
            if let Ok(fields) = ErrorFields::decode(&body) {
                output.to_client.deliver(Delivery::Notice(&fields));
            }
        }
    }

    /// The server counts in the text that it got, which may be edited, or one statement of the message alone; the client knows the
    /// message. And whether that makes a difference.
    fn at_clients_position(&self, mut fields: ErrorFields) -> (ErrorFields, bool) {
        let position = fields
            .field(b'P')
            .and_then(|position| position.parse().ok());
        let Some(position) = position else {
            return (fields, false);
        };
        let own = match self.queue.front() {
            Some(Outstanding::Query(run)) => run.text.as_ref().map(|text| (text, position)),
            Some(Outstanding::Parse { prepared, .. }) => Some((&prepared.text, position)),
            Some(Outstanding::Execute { portal, .. }) => Some((&portal.prepared.text, position)),
            Some(Outstanding::Describe {
                target: Described::InHand,
                ..
            }) => self.position_in_hand(position),
            _ => None,
        };
        let Some((text, in_message)) = own else {
            return (fields, false);
        };
        match J::client_position(text, in_message) {
            Some(own) if own == position => return (fields, false),
            Some(own) => fields.set(b'P', own.to_string()),
            None => fields.remove(b'P'),
        }
        (fields, true)
    }

    /// The position in the held message of a position in the statement that was described.
    fn position_in_hand(&self, position: u32) -> Option<(&J::Text, u32)> {
        let held = self.held.as_ref()?;
        let text = held.text.as_ref()?;
        let statement = J::analysis(text).statements.get(held.plans.len())?;
        if statement.facts.copy_out().is_some() {
            return None;
        }
        let before = J::source(text).get(..statement.span.start)?;
        let before = u32::try_from(before.chars().count()).ok()?;
        Some((text, before.checked_add(position)?))
    }

    /// The connection ends with this: everything that was admitted ends first.
    fn fatal(&mut self, fields: &ErrorFields, judge: &mut J, output: &mut Output) -> Taken {
        let sqlstate = fields.sqlstate().to_owned();
        self.end_failing(&sqlstate, output);
        if !self.close(Departure::SessionEnded, judge, output) {
            return Taken::Hold;
        }
        if let Some(Outstanding::CopySyncProbe(probe)) = self.queue.front_mut() {
            probe.misplaced_was_read(output);
        }
        output.to_client.deliver(Delivery::Error(fields));
        Taken::Yes
    }

    /// The statement in front failed, and whatever the server skips with it will never run.
    fn end_failing(&mut self, sqlstate: &str, output: &mut Output) {
        let delivered = output.to_client.take_delivered();
        let ends = &mut self.ends;
        let mut in_front = true;
        for reply in self.queue.failing() {
            if std::mem::take(&mut in_front)
                && let Some(admitted) = reply.take_current()
            {
                ends.push(admitted, Outcome::Failed, sqlstate, delivered);
            }
            for admitted in reply.take_all() {
                let nothing = Delivered::default();
                ends.push(admitted, Outcome::Skipped, sqlstate, nothing);
            }
        }
    }

    fn rewrite_of(&self, fields: &ErrorFields, stopping: Option<&Refusal>) -> ErrorRewrite {
        let apply_to = |refusal: &Refusal| match (&*refusal.sqlstate, fields.field(b'C')) {
            // What cannot be read is found behind what comes first.
            ("08P01", Some(IN_FAILED_TRANSACTION)) => ErrorRewrite::Unchanged,
            _ => ErrorRewrite::Changed(refusal.apply_to(fields)),
        };
        if let Some(refusal) = stopping {
            return apply_to(refusal);
        }
        match self.queue.front() {
            Some(Outstanding::Query(run)) if run.silent_error => ErrorRewrite::Swallowed,
            Some(Outstanding::Silenced | Outstanding::CopySyncProbe(_)) => ErrorRewrite::Swallowed,
            Some(Outstanding::Query(run)) => match &run.refusal {
                Some(refusal) => apply_to(refusal),
                None => self.shown_of(fields),
            },
            Some(Outstanding::Refused(refusal)) => apply_to(refusal),
            Some(Outstanding::Unread(unread)) if unread.is_rejected_with(fields) => {
                ErrorRewrite::Unchanged
            }
            Some(Outstanding::Unread(unread)) => apply_to(&unread.refusal),
            Some(Outstanding::Describe {
                target: Described::InHand,
                ..
            }) if self.describes_behind_others(fields) => apply_to(&must_run_before()),
            _ => self.shown_of(fields),
        }
    }

    /// What the client gets of an error or notice that comes up now.
    fn shown_of(&self, fields: &ErrorFields) -> ErrorRewrite {
        let messages = match self.may_speak_of_others() {
            true => Messages::WithoutValues,
            false => self.messages(),
        };
        match messages {
            Messages::WithoutValues => ErrorRewrite::Changed(redact(fields)),
            Messages::OutsideCode if is_of_code(fields) => ErrorRewrite::Changed(redact(fields)),
            Messages::OutsideCode | Messages::All => ErrorRewrite::Unchanged,
        }
    }

    /// Of the statement whose reply comes next. The server runs functions that are declared immutable at Bind, when it plans.
    fn messages(&self) -> Messages {
        let permit = match self.queue.front() {
            Some(Outstanding::Bind { portal, .. }) => portal.permit.as_ref(),
            Some(reply) => reply.permit(),
            None => None,
        };
        permit.map_or(Messages::All, J::messages)
    }

    /// True when the statement that could not be described stands among others, whose effect it may need.
    fn describes_behind_others(&self, fields: &ErrorFields) -> bool {
        self.held.as_ref().is_some_and(|held| {
            let aborted = fields.field(b'C') == Some(IN_FAILED_TRANSACTION);
            held.statement_count() > 1 && (!aborted || held.begins_with_end())
        })
    }

    /// Whether what the server says now may come of a deferred trigger or constraint of a statement before, whose result policies plan:
    /// they run at the end of a transaction, whatever ends it, and with SET CONSTRAINTS.
    fn may_speak_of_others(&self) -> bool {
        if !self.transaction.may_tell_values {
            return false;
        }
        match self.queue.front() {
            Some(Outstanding::Sync) => true,
            Some(Outstanding::Query(run)) => {
                let ends = run.index + 1 >= run.permits.len() && !self.transaction.is_open();
                let text = run.text.as_ref();
                ends || text.is_none_or(|text| runs_what_is_deferred::<J>(text, run.index))
            }
            Some(Outstanding::Execute { portal, .. }) => {
                runs_what_is_deferred::<J>(&portal.prepared.text, portal.prepared.index)
            }
            _ => false,
        }
    }

    /// A Bind that fails once its portal was made leaves that one behind, in place of an unnamed one before it (PostgreSQL's
    /// `exec_bind_message`). Nothing can be run with it, so nothing is known of the name.
    fn forget_portal_of_failed_bind(&mut self, fields: &ErrorFields) {
        let Some(Outstanding::Bind { name, .. }) = self.queue.front() else {
            return;
        };
        let before_portal = match fields.field(b'C') {
            // No such statement, a failed transaction, and such a portal already.
            Some("26000" | IN_FAILED_TRANSACTION | "42P03") => true,
            // Another number of parameters or formats.
            Some("08P01") => fields.field(b'R') == Some("exec_bind_message"),
            _ => false,
        };
        if !before_portal {
            let name = name.clone();
            self.names.close_portal(&name);
        }
    }

    /// Where both sides stand after an ERROR.
    fn after_error(&mut self, judge: &mut J, output: &mut Output) {
        if self.pipeline.mode == Mode::CopyIn {
            self.pipeline.mode = Mode::Ready;
        }
        if let Some(Outstanding::CopySyncProbe(probe)) = self.queue.front_mut() {
            probe.misplaced_was_read(output);
            return;
        }
        self.probe_syncs_of_copy(output);
        match self.queue.front() {
            // ReadyForQuery follows.
            Some(Outstanding::Query(_) | Outstanding::FunctionCall { .. }) => {
                self.end_parts(output);
            }
            Some(Outstanding::Describe {
                target: Described::InHand,
                ..
            }) => {
                self.forget_skipped();
                self.queue.skip_to_sync();
                if let Some(held) = &mut self.held {
                    held.answered = true;
                }
                output.to_server.sync();
                self.expect(Outstanding::Sync);
            }
            None => {}
            Some(_) => self.skip_pipeline(judge),
        }
    }

    /// The server skips to the next Sync. A message that is held is the newest of all: a Sync in front of it ends the skipping; without
    /// one it is skipped too.
    pub(in crate::session) fn skip_pipeline(&mut self, judge: &mut J) {
        if !self.skip_to_sync() {
            if let Some(held) = self.held.take() {
                self.let_go_since(Departure::Skipped, held, judge);
            }
            if let Some(ticket) = self.pipeline.catching_up.take() {
                judge.withdraw(ticket, Departure::Skipped);
            }
            self.pipeline.mode = Mode::Skipping;
        }
    }

    pub(in crate::session) fn skip_to_sync(&mut self) -> bool {
        self.forget_skipped();
        let found = self.queue.skip_to_sync();
        // What stands behind the Sync is still to come.
        let left = self.queue.oldest_first();
        self.turn.stoppable = left.filter(|reply| reply.can_stop()).count();
        found
    }

    pub(in crate::session) fn notice(
        &mut self,
        frame: Frame<'_>,
        output: &mut Output,
    ) -> Result<(), Violation> {
        match self.queue.front() {
            // The server parses the text again when it runs it. A failed description is all that the client sees.
            Some(Outstanding::Describe {
                target: Described::InHand,
                ..
            }) => {
                if let Some(held) = &mut self.held {
                    held.notices.push(frame.body.into());
                }
                return Ok(());
            }
            // The client has prepared the same text itself.
            Some(
                Outstanding::Describe {
                    audience: Audience::Gateway,
                    ..
                }
                | Outstanding::PrepareAgain(_),
            ) => return Ok(()),
            Some(Outstanding::Query(run))
                if run.notices.iter().any(|body| **body == *frame.body) =>
            {
                output.to_client.deliver(Delivery::Message(frame));
                return Ok(());
            }
            _ => {}
        }
        let fields = ErrorFields::decode(frame.body)
            .map_err(|error| Violation::unreadable("NoticeResponse", &error))?;
        match self.shown_of(&fields) {
            ErrorRewrite::Changed(shown) => output.to_client.deliver(Delivery::Notice(&shown)),
            _ => output.to_client.deliver(Delivery::Message(frame)),
        }
        Ok(())
    }
}

fn runs_what_is_deferred<J: Judge>(text: &J::Text, index: usize) -> bool {
    let statement = J::analysis(text).statements.get(index);
    statement.is_none_or(|statement| statement.facts.runs_deferred())
}

/// What becomes of the text of an error.
enum ErrorRewrite {
    Unchanged,
    Changed(ErrorFields),
    Swallowed,
}

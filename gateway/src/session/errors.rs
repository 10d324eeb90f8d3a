//! Errors and notices from the server: whose words the client gets, and where both sides stand then.

use gatewright_sql::Verb;
use gatewright_wire::frame::Frame;
use gatewright_wire::{ErrorFields, build};

use super::describe::bad;
use super::judge::{Completion, Judge};
use super::owed::{Described, Owed};
use super::query::can_stop;
use super::redaction::redact;
use super::refusal::Refusal;
use super::{Mode, Output, Session, Violation};

/// SQLSTATE of a statement that was cancelled.
const QUERY_CANCELED: &str = "57014";

/// SQLSTATE of a statement in a transaction that has failed.
const IN_FAILED_TRANSACTION: &str = "25P02";

impl<J: Judge> Session<J> {
    pub(super) fn error(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Result<(), Violation> {
        let fields =
            ErrorFields::decode(frame.body).map_err(|error| bad("ErrorResponse", &error))?;
        if matches!(fields.field(b'V'), Some("FATAL" | "PANIC")) {
            if let Some(Owed::CopySyncProbe(probe)) = self.queue.front_mut() {
                probe.misplaced_was_read(output);
            }
            build::error_response(&mut output.to_client, &fields);
            return Ok(());
        }
        self.flush_rows(judge, output);
        let sqlstate = fields.field(b'C').unwrap_or("XX000").to_owned();
        let permit = self.permit_in_front();
        let mut running = self.running.take();
        let overdue = self.overdue.take().filter(|_| sqlstate == QUERY_CANCELED);
        let stopping = running
            .as_mut()
            .and_then(|running| running.stopping.take())
            .or(overdue);
        let words = self.words_for(&fields, stopping.as_ref(), permit.as_ref());
        match words {
            ErrorRewrite::Swallowed => {}
            ErrorRewrite::Unchanged => output.to_client.extend_from_slice(frame.bytes),
            ErrorRewrite::Changed(fields) => build::error_response(&mut output.to_client, &fields),
        }
        if let Some(permit) = &permit {
            let done = running.as_ref().map_or_else(
                || Completion {
                    sqlstate: sqlstate.clone(),
                    ..Completion::default()
                },
                |running| running.completion(&sqlstate),
            );
            judge.completed(permit, &done);
        }
        self.forget_portal_of_failed_bind(&fields);
        self.after_error(output);
        Ok(())
    }

    fn words_for(
        &mut self,
        fields: &ErrorFields,
        stopping: Option<&Refusal>,
        permit: Option<&J::Permit>,
    ) -> ErrorRewrite {
        let apply_to = |refusal: &Refusal| match (&*refusal.sqlstate, fields.field(b'C')) {
            // What cannot be read is found behind what comes first.
            ("08P01", Some(IN_FAILED_TRANSACTION)) => ErrorRewrite::Unchanged,
            _ => ErrorRewrite::Changed(refusal.apply_to(fields)),
        };
        if let Some(refusal) = stopping {
            return apply_to(refusal);
        }
        let several = self.in_hand.as_ref().is_some_and(|in_hand| {
            let aborted = fields.field(b'C') == Some(IN_FAILED_TRANSACTION);
            in_hand.statement_count() > 1 && (!aborted || in_hand.begins_with_end())
        });
        match self.queue.front() {
            Some(Owed::Query(run)) if run.silent_error => ErrorRewrite::Swallowed,
            Some(Owed::Silenced | Owed::CopySyncProbe(_)) => ErrorRewrite::Swallowed,
            Some(Owed::Query(run)) => match &run.refusal {
                Some(refusal) => apply_to(refusal),
                None if permit.is_some_and(J::wants_plan) || self.may_speak_of_others() => {
                    ErrorRewrite::Changed(redact(fields))
                }
                None => ErrorRewrite::Unchanged,
            },
            Some(Owed::Refused(refusal)) => apply_to(refusal),
            Some(Owed::Describe {
                target: Described::InHand,
                ..
            }) if several => apply_to(
                &Refusal::new(
                    "0A000",
                    "the statement cannot be described before those in front of it have run",
                )
                .with_hint("Send each statement in a message of its own."),
            ),
            Some(Owed::Bind { portal, .. } | Owed::Execute { portal })
                if portal.permit.as_ref().is_some_and(J::wants_plan) =>
            {
                ErrorRewrite::Changed(redact(fields))
            }
            Some(Owed::Execute { .. } | Owed::Sync) if self.may_speak_of_others() => {
                ErrorRewrite::Changed(redact(fields))
            }
            _ => ErrorRewrite::Unchanged,
        }
    }

    /// Whether what the server says now may come of a deferred trigger or constraint of a statement before, whose result policies plan:
    /// they run at the end of a transaction, whatever ends it, and with SET CONSTRAINTS.
    fn may_speak_of_others(&self) -> bool {
        if !self.txn_has_planned_result {
            return false;
        }
        match self.queue.front() {
            Some(Owed::Sync) => true,
            Some(Owed::Query(run)) => {
                let ends = run.index + 1 >= run.permits.len() && !self.in_transaction();
                let text = run.text.as_ref();
                ends || text.is_none_or(|text| runs_what_is_deferred::<J>(text, run.index))
            }
            Some(Owed::Execute { portal }) => {
                runs_what_is_deferred::<J>(&portal.prepared.text, portal.prepared.index)
            }
            _ => false,
        }
    }

    /// A Bind that fails once its portal was made leaves that one behind, in place of an unnamed one before it (PostgreSQL's
    /// `exec_bind_message`). Nothing can be run with it, so nothing is known of the name.
    fn forget_portal_of_failed_bind(&mut self, fields: &ErrorFields) {
        let Some(Owed::Bind { name, .. }) = self.queue.front() else {
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
    fn after_error(&mut self, output: &mut Output) {
        self.held_bind = None;
        self.held_fetch = None;
        if self.mode == Mode::CopyIn {
            self.mode = Mode::Ready;
        }
        if let Some(Owed::CopySyncProbe(probe)) = self.queue.front_mut() {
            probe.misplaced_was_read(output);
            return;
        }
        self.probe_syncs_of_copy(output);
        match self.queue.front() {
            // ReadyForQuery follows.
            Some(Owed::Query(_) | Owed::FunctionCall { .. }) => {}
            Some(Owed::Describe {
                target: Described::InHand,
                ..
            }) => {
                self.queue.skip_to_sync();
                if let Some(in_hand) = &mut self.in_hand {
                    in_hand.answered = true;
                }
                build::sync(&mut output.to_server);
                self.owe(Owed::Sync);
            }
            None => {}
            Some(_) => self.skip_series(),
        }
    }

    /// The server skips to the next Sync.
    fn skip_series(&mut self) {
        // A Query in hand is the newest of all: a Sync in front of it ends the skipping.
        if !self.skip_to_sync() {
            self.in_hand = None;
            self.mode = Mode::Skipping;
        }
    }

    fn skip_to_sync(&mut self) -> bool {
        let found = self.queue.skip_to_sync();
        // What stands behind the Sync is still to come.
        self.stoppable = self.queue.oldest_first().filter(|owed| stops(owed)).count();
        found
    }

    pub(super) fn notice(
        &mut self,
        frame: Frame<'_>,
        output: &mut Output,
    ) -> Result<(), Violation> {
        let protected = self.permit_in_front().as_ref().is_some_and(J::wants_plan)
            || self.may_speak_of_others();
        if protected {
            let fields =
                ErrorFields::decode(frame.body).map_err(|error| bad("NoticeResponse", &error))?;
            build::notice_response(&mut output.to_client, &redact(&fields));
        } else {
            output.to_client.extend_from_slice(frame.bytes);
        }
        Ok(())
    }
}

fn runs_what_is_deferred<J: Judge>(text: &J::Text, index: usize) -> bool {
    let statement = J::analysis(text).statements.get(index);
    statement.is_none_or(|statement| {
        let facts = &statement.facts;
        let mut commands = facts.commands.iter();
        facts.verb == Verb::Transaction || commands.any(|command| command == "SET CONSTRAINTS")
    })
}

/// True for a message whose result may be stopped.
fn stops<J: Judge>(owed: &Owed<J>) -> bool {
    match owed {
        Owed::Query(run) => run.can_stop(),
        Owed::Execute { portal } => portal.can_stop(),
        Owed::FunctionCall { permit, .. } => can_stop::<J>(permit, None),
        _ => false,
    }
}

/// What becomes of the text of an error.
enum ErrorRewrite {
    Unchanged,
    Changed(ErrorFields),
    Swallowed,
}

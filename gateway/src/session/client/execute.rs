//! Execute: of a portal under the permit it was bound with, of one whose statement has come to mean something else, and of none.

use std::rc::Rc;

use gatewright_sql::Facts;
use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use crate::session::asking::{Stage, Subject, done};
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_server::{Pass, RunsNothing};
use crate::session::judge::{Judge, Phase, Verdict};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::lookup::Lookup;
use crate::session::state::name::Name;
use crate::session::state::names::Portal;
use crate::session::state::outstanding::{Audience, Outstanding};
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    pub(in crate::session) fn execute(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let execute = match frontend::Execute::decode(frame.body) {
            Ok(execute) => execute,
            Err(error) => {
                let refusal = Refusal::unreadable(&error);
                return self.refuse_unreadable(frame, refusal, judge, output);
            }
        };
        if let Some(mut held) = self.held.take_if(|held| held.portal.is_some())
            && let Some(portal) = held.portal.take()
        {
            return self.admit_execute(frame, portal, held, judge, output);
        }
        let name = Name::new(execute.portal);
        let portal = match self.lookup_portal(&name) {
            Lookup::Known(portal) => portal,
            Lookup::Pending => return self.hold_for_replies(output),
            Lookup::Unknown => return self.execute_unknown(frame, &execute, judge, output),
        };
        let mut held = self.held.take().unwrap_or_default();
        match self.stages_of_execute(&name, &portal, &mut held, judge, output) {
            Stage::Hold => self.hold(held),
            Stage::Refused(refusal) => {
                self.let_go(held, judge);
                self.refuse_extended(refusal, judge, output)
            }
            Stage::Done(executed) => self.admit_execute(frame, executed, held, judge, output),
        }
    }

    /// Under which permit the portal runs now: its own, or another where what it names has changed.
    fn stages_of_execute(
        &mut self,
        name: &Name,
        portal: &Rc<Portal<J>>,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<Rc<Portal<J>>> {
        if !held.portal_is_checked {
            held.changed_portal = done!(self.changed_portal(portal, &mut held.ticket, judge));
            held.portal_is_checked = true;
        }
        if let Some(changed) = held.changed_portal.clone() {
            return self.judge_anew(&changed, held, judge);
        }
        let begun = held.ticket.is_some();
        if let Some(permit) = &portal.permit
            && !begun
            && !judge.is_current(permit)
            && !self.is_bind_outstanding(name)
        {
            let refusal = Refusal::new(
                "55000",
                "the policies, or the access grants in force, changed after this portal was bound",
            )
            .with_hint("Bind the statement again.");
            return Stage::Refused(refusal);
        }
        if self.edits_in_doubt(portal) {
            self.wait_for_certainty(output);
            return Stage::Hold;
        }
        if !portal.prepared.is(Facts::is_dynamic) || portal.passed.has_started() {
            return Stage::Done(Rc::clone(portal));
        }
        if !begun && self.names_change_behind_bind(name) {
            self.hold_for_replies(output);
            return Stage::Hold;
        }
        if !begun && self.names.are_as_bound(portal) {
            return Stage::Done(Rc::clone(portal));
        }
        self.judge_anew(portal, held, judge)
    }

    /// An EXECUTE or FETCH that was bound before names changed: it does what they mean now. As that it is judged once more; where a policy
    /// wants to see its columns, the plan that it was bound with is of others.
    fn judge_anew(
        &mut self,
        portal: &Rc<Portal<J>>,
        held: &mut Held<J>,
        judge: &mut J,
    ) -> Stage<Rc<Portal<J>>> {
        let subject = Subject {
            phase: Phase::Simple,
            text: &portal.prepared.text,
            index: portal.prepared.index,
            behind: 0,
            parameters: None,
            earlier: None,
        };
        let permit = match done!(self.ask_verdict(held, subject, judge)) {
            Verdict::Permit(permit) if !J::wants_plan(&permit) => permit,
            _ => {
                let message = "what this statement names has changed since it was bound";
                return Stage::Refused(
                    Refusal::new("55000", message).with_hint("Bind the statement again."),
                );
            }
        };
        Stage::Done(Rc::new(Portal {
            prepared: Rc::clone(&portal.prepared),
            permit: Some(permit),
            plan: None,
            formats: portal.formats.clone(),
            passed: Rc::clone(&portal.passed),
            bound: portal.bound.clone(),
            bind: portal.bind.clone(),
        }))
    }

    /// The last step of every Execute that is judged: it is admitted, and leaves.
    pub(in crate::session) fn admit_execute(
        &mut self,
        frame: Frame<'_>,
        portal: Rc<Portal<J>>,
        mut held: Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        if let Err(refusal) = self.check_rows_of_portal(&portal) {
            self.let_go(held, judge);
            return self.refuse_extended(refusal, judge, output);
        }
        let mut closed = Vec::new();
        let admitted = match (
            &portal.permit,
            RunsNothing::in_text::<J>(&portal.prepared.text),
        ) {
            (_, Some(proof)) => {
                output.to_server.run(frame, &Pass::<J>::RunsNothing(proof));
                None
            }
            (None, None) => {
                let refusal = Refusal::new("42501", "the statement was not judged");
                return self.refuse_extended(refusal, judge, output);
            }
            (Some(permit), None) => {
                match self.stages_of_admission(frame, &portal, permit, &mut held, judge, output) {
                    Stage::Hold => {
                        // Offered again, it is not judged again.
                        held.portal = Some(portal);
                        return self.hold(held);
                    }
                    Stage::Refused(refusal) => {
                        self.let_go(held, judge);
                        return self.refuse_extended(refusal, judge, output);
                    }
                    Stage::Done(admitted) => {
                        let admitted = Some(admitted);
                        let one = std::slice::from_ref(&admitted);
                        closed = self.send_execute(frame, &portal, &held, one, output);
                        admitted
                    }
                }
            }
        };
        portal.passed.start();
        if let Some(statement) = portal.prepared.statement() {
            self.note_sent(&statement.facts);
        }
        self.turn.stoppable += usize::from(portal.can_stop());
        let reply = Outstanding::Execute { portal, admitted };
        let is_bound = reply.is_bound();
        self.expect(reply);
        for target in closed {
            let audience = Audience::Gateway;
            self.expect(Outstanding::Close { target, audience });
        }
        if is_bound {
            output.to_server.flush();
            self.pipeline.flushed = true;
        }
        Taken::Yes
    }

    /// What is settled last: what the statement does, and whether it may.
    fn stages_of_admission(
        &mut self,
        frame: Frame<'_>,
        portal: &Rc<Portal<J>>,
        permit: &J::Permit,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<J::Admitted> {
        let name = portal_of(frame);
        done!(self.rehearse_execute(name, portal, held, judge, output));
        self.ask_one_admission(held, permit, judge)
    }

    /// True when the encoding of the rows that are to be edited is in doubt.
    fn edits_in_doubt(&self, portal: &Portal<J>) -> bool {
        let copy = portal.prepared.copy_out();
        let edits = portal.plan.as_ref();
        !self.reading.is_certain()
            && copy.is_none_or(|copy| copy.encoding.is_none())
            && edits.is_some_and(|plan| !plan.steps.is_empty())
    }

    /// `client_encoding` may be another than when the portal was bound. COPY looks at it when it begins, behind code that it may run itself.
    fn check_rows_of_portal(&self, portal: &Portal<J>) -> Result<(), Refusal> {
        let Some(plan) = &portal.plan else {
            return Ok(());
        };
        let copy = portal.prepared.copy_out();
        let changes = copy.is_some() && portal.prepared.is(Facts::changes_reading);
        let certain = self.reading.is_certain() && !changes;
        self.rows_are_editable(copy, plan, certain)
    }

    /// An Execute of a portal that was never bound here: a cursor, or nothing. In a failed transaction the server may have another
    /// reason to fail it: a simple Query that ends with an error leaves an unnamed portal behind.
    fn execute_unknown(
        &mut self,
        frame: Frame<'_>,
        execute: &frontend::Execute<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        if self.held.is_none() && self.queue.may_change_transaction() {
            return self.hold_for_replies(output);
        }
        if let Some(proof) = RunsNothing::in_transaction(self.transaction.status()) {
            if let Some(held) = self.held.take() {
                self.let_go(held, judge);
            }
            output.to_server.run(frame, &Pass::<J>::RunsNothing(proof));
            self.expect(Outstanding::ExecuteUnknown);
            return Taken::Yes;
        }
        if execute.portal.is_empty() {
            return self.refuse_unknown_portal(execute.portal, judge, output);
        }
        self.execute_cursor(frame, execute, judge, output)
    }
}

fn portal_of(frame: Frame<'_>) -> &str {
    frontend::Execute::decode(frame.body).map_or("", |execute| execute.portal)
}

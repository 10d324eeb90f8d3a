//! Bind: the parameters are known, so the statement is judged once more, and its result planned, before it may run.

use std::cell::Cell;
use std::rc::Rc;

use gatewright_sql::Facts;
use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use crate::session::asking::{Stage, Subject, done};
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_server::RunsNothing;
use crate::session::judge::{BoundParameters, Judge, Phase, Plan, Verdict};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::lookup::Lookup;
use crate::session::state::name::Name;
use crate::session::state::names::{Description, MAX_PORTALS, Portal, Prepared};
use crate::session::state::outstanding::{Audience, CloseTarget, Outstanding, Renamed};
use crate::session::state::session::Session;

/// A permit, and the plan where policies want one.
type Bound<J> = (<J as Judge>::Permit, Option<Rc<Plan>>);

impl<J: Judge> Session<J> {
    pub(in crate::session) fn bind(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let bind = match frontend::Bind::decode(frame.body) {
            Ok(bind) => bind,
            Err(error) => {
                let refusal = Refusal::unreadable(&error);
                return self.refuse_unreadable(frame, refusal, judge, output);
            }
        };
        let name = Name::new(bind.portal);
        let pending = self.queue.most_names();
        if !self.names.has_room_for_portal(&name, pending) {
            if self.queue.names_pending() {
                return self.hold_for_replies(output);
            }
            return self.refuse_extended(no_room(), judge, output);
        }
        let statement = Name::new(bind.statement);
        let prepared = match self.lookup_prepared(&statement) {
            Lookup::Pending => return self.hold_for_replies(output),
            Lookup::Unknown if self.server.is_shared() => {
                return self.refuse_unknown_statement(bind.statement, judge, output);
            }
            Lookup::Unknown => return self.bind_unknown(frame, bind.statement, output),
            Lookup::Known(prepared) => prepared,
        };
        let mut held = self.held.take().unwrap_or_default();
        let prepared = match self.settle_bound(&statement, prepared, &mut held, judge) {
            Stage::Hold => return self.hold(held),
            Stage::Refused(refusal) => {
                self.let_go(held, judge);
                return self.refuse_extended(refusal, judge, output);
            }
            Stage::Done(prepared) => prepared,
        };
        let placed = self.place(bind.statement, &prepared, output);
        let agreed = self.check_agreement(&prepared);
        let on_server = match placed.and_then(|on_server| agreed.map(|()| on_server)) {
            Ok(on_server) => on_server,
            Err(refusal) => {
                self.let_go(held, judge);
                return self.refuse_extended(refusal, judge, output);
            }
        };
        if self.awaits_agreement(&on_server, &prepared, output) {
            return self.hold(held);
        }
        let renamed = prepared.portable.is_some();
        let mark = output.to_server.len();
        let bound = match RunsNothing::in_text::<J>(&prepared.text) {
            Some(proof) if renamed => {
                output.to_server.bind_nothing_as(frame, &on_server, proof);
                None
            }
            Some(proof) => {
                output.to_server.prepare_nothing(frame, proof);
                None
            }
            None => {
                let stage = self.judge_bind(frame, &on_server, &prepared, &mut held, judge, output);
                match stage {
                    Stage::Hold => return self.hold(held),
                    Stage::Refused(refusal) => {
                        self.let_go(held, judge);
                        return self.refuse_extended(refusal, judge, output);
                    }
                    Stage::Done(bound) => {
                        if let Some(statement) = prepared.statement() {
                            self.path.planned(&statement.facts);
                            self.server.leaves(|| statement.facts.residue());
                        }
                        if renamed {
                            output.to_server.bind_as::<J>(frame, &on_server, &bound.0);
                        } else {
                            output.to_server.prepare::<J>(frame, &bound.0);
                        }
                        Some(bound)
                    }
                }
            }
        };
        let (permit, plan) = bound.map_or((None, None), |(permit, plan)| (Some(permit), plan));
        let is_tried = permit
            .as_ref()
            .is_some_and(|permit| judge.rehearsal(permit).is_some());
        let bind_message = is_tried.then(|| Rc::new(output.to_server.kept_bind(mark)));
        let portal = Rc::new(Portal {
            prepared,
            permit,
            plan,
            formats: bind.result_formats.iter().collect(),
            passed: Rc::default(),
            bound: Cell::new(None),
            bind: bind_message,
        });
        if let Some(statement) = portal.prepared.statement()
            && statement.facts.changes_reading()
        {
            // The server runs functions that are declared immutable when it plans.
            self.reading.changes(self.queue.next_number());
        }
        let renamed = renamed.then(|| {
            Box::new(Renamed {
                on_server: on_server.into_owned(),
                clients: bind.statement.to_owned(),
            })
        });
        self.expect(Outstanding::Bind {
            name,
            portal,
            renamed,
            again: false,
        });
        Taken::Yes
    }

    /// The statement that is bound, with an analysis that holds.
    fn settle_bound(
        &mut self,
        name: &Name,
        prepared: Rc<Prepared<J>>,
        held: &mut Held<J>,
        judge: &mut J,
    ) -> Stage<Rc<Prepared<J>>> {
        if let Some(settled) = &held.prepared {
            return Stage::Done(Rc::clone(settled));
        }
        let settled = done!(self.settle_prepared(name, &prepared, &mut held.ticket, judge));
        held.prepared = Some(Rc::clone(&settled));
        Stage::Done(settled)
    }

    fn judge_bind(
        &mut self,
        frame: Frame<'_>,
        name: &str,
        prepared: &Rc<Prepared<J>>,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<Bound<J>> {
        let permit = match held.permits.first() {
            Some(permit) => permit.clone(),
            None => {
                let permit = done!(self.permit_bind(frame, name, prepared, held, judge, output));
                held.permits.push(permit.clone());
                permit
            }
        };
        if !J::wants_plan(&permit) {
            return Stage::Done((permit, None));
        }
        let plan = done!(self.plan_bind(name, prepared, &permit, held, judge, output));
        Stage::Done((permit, plan))
    }

    fn permit_bind(
        &mut self,
        frame: Frame<'_>,
        name: &str,
        prepared: &Rc<Prepared<J>>,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<J::Permit> {
        let earlier = prepared.permit.borrow().clone();
        if held.ticket.is_none() {
            if prepared.lacks_parameter_types(judge) {
                if !prepared.describing.get() {
                    self.describe_prepared(name, prepared, earlier.as_ref(), output);
                }
                return Stage::Hold;
            }
            if self.follows_pending_name(&prepared.text, prepared.index) {
                self.hold_for_replies(output);
                return Stage::Hold;
            }
            if prepared.is(Facts::is_dynamic) {
                *prepared.description.borrow_mut() = Description::Unknown;
            }
        }
        let types = prepared.parameter_types.borrow().clone();
        let subject = Subject {
            phase: Phase::Execute,
            text: &prepared.text,
            index: prepared.index,
            behind: 0,
            parameters: Some(BoundParameters {
                bind: frame.body,
                types: types.as_deref().unwrap_or_default(),
            }),
            // What a name means may have changed since Parse.
            earlier: earlier.as_ref().filter(|_| !prepared.is(Facts::is_dynamic)),
        };
        match done!(self.ask_verdict(held, subject, judge)) {
            Verdict::Permit(permit) => {
                *prepared.permit.borrow_mut() = Some(permit.clone());
                Stage::Done(permit)
            }
            Verdict::Rewrite { .. } => {
                let message =
                    "a policy now changes this statement, which was prepared without that change";
                Stage::Refused(
                    Refusal::new("0A000", message).with_hint("Prepare the statement again."),
                )
            }
        }
    }

    fn plan_bind(
        &mut self,
        name: &str,
        prepared: &Rc<Prepared<J>>,
        permit: &J::Permit,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<Option<Rc<Plan>>> {
        if let Some(copy) = prepared.copy_out()
            && let Err(refusal) = self.sendable(&copy.describe, self.reading.is_certain())
        {
            return Stage::Refused(refusal);
        }
        let described = prepared
            .description
            .borrow()
            .in_epoch(self.transaction.epoch());
        let Some(described) = described else {
            if !prepared.describing.get() {
                self.describe_prepared(name, prepared, Some(permit), output);
            }
            return Stage::Hold;
        };
        let Some(fields) = described else {
            return Stage::Done(None);
        };
        if held.ticket.is_none()
            && let Some((planned_for, plan)) = &*prepared.plan.borrow()
            && J::covers(planned_for, permit)
        {
            return Stage::Done(Some(Rc::clone(plan)));
        }
        let plan = done!(self.ask_plan(held, permit, &fields, judge));
        *prepared.plan.borrow_mut() = Some((permit.clone(), Rc::clone(&plan)));
        Stage::Done(Some(plan))
    }

    /// A Bind of a statement that was never prepared here: the server answers with its own error.
    fn bind_unknown(&mut self, frame: Frame<'_>, name: &str, output: &mut Output) -> Taken {
        output.to_server.bind_unknown(name, frame);
        self.expect(Outstanding::Close {
            target: CloseTarget::Statement(Name::new(name)),
            audience: Audience::Gateway,
        });
        self.expect(Outstanding::BindUnknown);
        Taken::Yes
    }
}

fn no_room() -> Refusal {
    let message = format!("the transaction has {MAX_PORTALS} named portals and cannot have more");
    Refusal::new("54000", message).with_hint("Close those that are no longer needed.")
}

//! Bind: the parameters are known, so the statement is judged once more, and its result planned, before it may run.

use std::cell::Cell;
use std::rc::Rc;

use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use super::judge::{BoundParameters, Judge, Judged, Phase, Plan, Question, Verdict};
use super::lookup::Lookup;
use super::name::Name;
use super::names::{Description, MAX_PORTALS, Portal, Prepared};
use super::outgoing;
use super::owed::{Audience, CloseTarget, Owed};
use super::query::{is_dynamic, unreadable};
use super::refusal::Refusal;
use super::{Session, Taken, Violation, Wires};

/// How judging a Bind ended.
enum BindStage<J: Judge> {
    Permitted(J::Permit, Option<Rc<Plan>>),
    Refused(Refusal),
    Hold,
}

impl<J: Judge> Session<J> {
    pub(super) fn bind(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let bind = match frontend::Bind::decode(frame.body) {
            Ok(bind) => bind,
            Err(error) => {
                return Ok(self.refuse_unreadable(frame, unreadable(&error), wires));
            }
        };
        let name = Name::new(bind.portal);
        if !self
            .names
            .has_room_for_portal(&name, self.queue.most_names())
        {
            if self.queue.names_pending() {
                return Ok(self.hold_for_replies(wires));
            }
            let message =
                format!("the transaction has {MAX_PORTALS} named portals and cannot have more");
            let refusal = Refusal::new("54000", message);
            let refusal = refusal.with_hint("Close those that are no longer needed.");
            return Ok(self.refuse_extended(refusal, wires));
        }
        let prepared = match self.lookup_prepared(&Name::new(bind.statement)) {
            Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            Lookup::Unknown => return Ok(self.bind_unknown(frame, bind.statement, wires)),
            Lookup::Known(prepared) => prepared,
        };
        let mut permit = None;
        let mut plan = None;
        if prepared.statement().is_some() {
            match self.judge_bind(frame, bind.statement, &prepared, judge, wires) {
                BindStage::Hold => return Ok(Taken::Hold),
                BindStage::Refused(refusal) => return Ok(self.refuse_extended(refusal, wires)),
                BindStage::Permitted(permitted, planned) => {
                    permit = Some(permitted);
                    plan = planned;
                }
            }
        }
        wires.to_server.extend_from_slice(frame.bytes);
        let formats = bind.result_formats.iter().collect();
        let portal = Rc::new(Portal {
            prepared,
            permit,
            plan,
            formats,
            started: Cell::new(false),
            bound: Cell::new(None),
        });
        self.owe(Owed::Bind { name, portal });
        Ok(Taken::Yes)
    }

    fn judge_bind(
        &mut self,
        frame: Frame<'_>,
        name: &str,
        prepared: &Rc<Prepared<J>>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> BindStage<J> {
        let permit = match self.held_bind.take() {
            Some(permit) => permit,
            None => {
                if prepared.lacks_parameter_types(judge) {
                    if !prepared.describing.get() {
                        self.describe_prepared(name, prepared, wires);
                    }
                    return BindStage::Hold;
                }
                if self.follows_pending_name(&prepared.text, prepared.index) {
                    self.hold_for_replies(wires);
                    return BindStage::Hold;
                }
                if prepared.is(is_dynamic) {
                    *prepared.description.borrow_mut() = Description::Unknown;
                }
                match self.ask_at_bind(frame, prepared, judge) {
                    Judged::Later => return BindStage::Hold,
                    Judged::Ready(Err(refusal)) => return BindStage::Refused(refusal),
                    Judged::Ready(Ok(Verdict::Permit(permit))) => permit,
                    Judged::Ready(Ok(Verdict::Rewrite { .. })) => {
                        return BindStage::Refused(
                            Refusal::new("0A000", "a policy rewrites this statement, but it was prepared with another text").with_hint("Prepare the statement again."),
                        );
                    }
                }
            }
        };
        if !J::wants_plan(&permit) {
            return BindStage::Permitted(permit, None);
        }
        self.plan_at_bind(name, prepared, permit, judge, wires)
    }

    fn ask_at_bind(
        &mut self,
        frame: Frame<'_>,
        prepared: &Prepared<J>,
        judge: &mut J,
    ) -> Judged<Result<Verdict<J>, Refusal>> {
        let earlier = prepared.permit.borrow().clone();
        let types = prepared.parameter_types.borrow().clone();
        let answer = judge.judge(Question {
            phase: Phase::Execute,
            text: &prepared.text,
            index: prepared.index,
            parameters: Some(BoundParameters {
                bind: frame.body,
                types: types.as_deref().unwrap_or_default(),
            }),
            // What a name means may have changed since Parse.
            earlier: earlier.as_ref().filter(|_| !prepared.is(is_dynamic)),
            in_transaction: self.in_transaction(),
            at_rest: self.is_at_rest(),
            names: &self.names,
        });
        if let Judged::Ready(Ok(Verdict::Permit(permit))) = &answer {
            *prepared.permit.borrow_mut() = Some(permit.clone());
        }
        answer
    }

    fn plan_at_bind(
        &mut self,
        name: &str,
        prepared: &Rc<Prepared<J>>,
        permit: J::Permit,
        judge: &mut J,
        wires: &mut Wires,
    ) -> BindStage<J> {
        if let Err(refusal) = self.sendable(&prepared.text) {
            return BindStage::Refused(refusal);
        }
        let described = prepared.description.borrow().in_epoch(self.epoch);
        let Some(described) = described else {
            if !prepared.describing.get() {
                self.describe_prepared(name, prepared, wires);
            }
            self.held_bind = Some(permit);
            return BindStage::Hold;
        };
        let Some(fields) = described else {
            return BindStage::Permitted(permit, None);
        };
        if let Some((planned_for, plan)) = &*prepared.plan.borrow()
            && J::covers(planned_for, &permit)
        {
            return BindStage::Permitted(permit, Some(Rc::clone(plan)));
        }
        match judge
            .plan(&permit, &fields)
            .and_then(|plan| self.editable(plan))
        {
            Err(refusal) => BindStage::Refused(refusal),
            Ok(plan) => {
                let plan = Rc::new(plan);
                *prepared.plan.borrow_mut() = Some((permit.clone(), Rc::clone(&plan)));
                BindStage::Permitted(permit, Some(plan))
            }
        }
    }

    /// A Bind of a statement that was never prepared here. The server says so in its own words; lest it know the name after all, the
    /// name is closed first.
    fn bind_unknown(&mut self, frame: Frame<'_>, name: &str, wires: &mut Wires) -> Taken {
        outgoing::close_statement(&mut wires.to_server, name);
        self.owe(Owed::Close {
            target: CloseTarget::Statement(Name::new(name)),
            audience: Audience::Gateway,
        });
        wires.to_server.extend_from_slice(frame.bytes);
        self.owe(Owed::BindUnknown);
        Taken::Yes
    }
}

impl<J: Judge> Prepared<J> {
    pub(super) fn lacks_parameter_types(&self, judge: &J) -> bool {
        judge.wants_parameters()
            && self.is(|facts| facts.parameter_count > 0)
            && self.parameter_types.borrow().is_none()
    }
}

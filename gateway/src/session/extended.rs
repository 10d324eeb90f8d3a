//! The extended protocol: Parse, Bind, Describe, Execute, Close, and the fast-path FunctionCall.

use std::cell::Cell;
use std::rc::Rc;

use gatewright_sql::{Outputs, SessionEffect};
use gatewright_wire::frontend::Subject;
use gatewright_wire::{DecodeError, frontend};

use super::client::Frame;
use super::judge::{BoundParameters, Judge, Judged, Phase, Plan, Question, Verdict};
use super::names::{Description, Portal, Prepared};
use super::outgoing;
use super::owed::{Audience, CloseTarget, Described, Owed, QueryRun};
use super::query::{can_stop, changes_reading, is_dynamic, not_utf8};
use super::refusal::{Refusal, STAND_IN};
use super::{Session, Taken, Violation, Wires};

/// What a name stands for when the server comes to read it.
enum Lookup<T> {
    Known(T),
    Unknown,
    /// It depends on replies that are not in.
    Pending,
}

impl<J: Judge> Session<J> {
    pub(super) fn parse(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let parse = match frontend::Parse::decode(frame.body()) {
            Ok(parse) => parse,
            Err(DecodeError::NotUtf8 { .. }) => return Ok(self.refuse_extended(not_utf8(), wires)),
            Err(error) => {
                return Err(Violation::ClientMessage {
                    message: "Parse",
                    reason: error.to_string(),
                });
            }
        };
        let mut text = match self.analyze(parse.text, judge) {
            Judged::Later => return Ok(Taken::Hold),
            Judged::Ready(Err(refusal)) => return Ok(self.refuse_parse(parse.name, refusal, wires)),
            Judged::Ready(Ok(text)) => text,
        };
        let count = J::analysis(&text).statements.len();
        if count > 1 {
            let refusal = Refusal::new(
                "42601",
                "cannot insert multiple commands into a prepared statement",
            );
            return Ok(self.refuse_parse(parse.name, refusal, wires));
        }
        let mut permit = None;
        let mut rewritten = false;
        if count == 1 {
            if self.follows_pending_name(&text, 0) {
                return Ok(self.hold_for_replies(wires));
            }
            let question = Question {
                phase: Phase::Parse,
                text: &text,
                index: 0,
                parameters: None,
                earlier: None,
                in_transaction: self.in_transaction(),
                names: &self.names,
            };
            match judge.judge(question) {
                Judged::Later => return Ok(Taken::Hold),
                Judged::Ready(Err(refusal)) => {
                    return Ok(self.refuse_parse(parse.name, refusal, wires));
                }
                Judged::Ready(Ok(Verdict::Permit(permitted))) => permit = Some(permitted),
                Judged::Ready(Ok(Verdict::Rewrite {
                    text: other,
                    permit: permitted,
                })) => {
                    text = other;
                    rewritten = true;
                    permit = Some(permitted);
                }
            }
        }
        if rewritten {
            let types: Vec<u32> = parse.types.iter().collect();
            outgoing::parse(&mut wires.to_server, parse.name, J::source(&text), &types);
        } else {
            wires.to_server.extend_from_slice(frame.whole);
        }
        self.prepared(
            parse.name,
            Rc::new(Prepared::new(text, 0, permit, None)),
            judge,
            wires,
        );
        Ok(Taken::Yes)
    }

    /// A Parse went out: remembers it, and asks for its description at once where Bind will need one.
    fn prepared(&mut self, name: &str, prepared: Rc<Prepared<J>>, judge: &J, wires: &mut Wires) {
        self.owe(Owed::Parse {
            name: name.to_owned(),
            prepared: Rc::clone(&prepared),
        });
        let wants_plan = prepared.permit.borrow().as_ref().is_some_and(J::wants_plan);
        if (wants_plan && !prepared.is_dynamic()) || prepared.lacks_parameter_types(judge) {
            self.describe_prepared(name, &prepared, wires);
        }
    }

    pub(super) fn bind(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let bind = match frontend::Bind::decode(frame.body()) {
            Ok(bind) => bind,
            Err(DecodeError::NotUtf8 { .. }) => return Ok(self.refuse_extended(not_utf8(), wires)),
            Err(error) => {
                return Err(Violation::ClientMessage {
                    message: "Bind",
                    reason: error.to_string(),
                });
            }
        };
        let prepared = match self.lookup_prepared(bind.statement) {
            Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            Lookup::Unknown => return Ok(self.bind_unknown(bind.statement, wires)),
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
        wires.to_server.extend_from_slice(frame.whole);
        let formats = bind.result_formats.iter().collect();
        let portal = Rc::new(Portal {
            prepared,
            permit,
            plan,
            formats,
            started: Cell::new(false),
        });
        self.owe(Owed::Bind {
            name: bind.portal.to_owned(),
            portal,
        });
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
                if prepared.is_dynamic() {
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
                bind: frame.body(),
                types: types.as_deref().unwrap_or_default(),
            }),
            // What a name means may have changed since Parse.
            earlier: earlier.as_ref().filter(|_| !prepared.is_dynamic()),
            in_transaction: self.in_transaction(),
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

    pub(super) fn describe(
        &mut self,
        frame: Frame<'_>,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let target = match frontend::Describe::decode(frame.body()) {
            Ok(frontend::Describe {
                subject: Subject::Statement(name),
            }) => match self.lookup_prepared(name) {
                Lookup::Known(prepared) => Described::Statement(prepared),
                Lookup::Unknown => Described::Unknown,
                Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            },
            Ok(frontend::Describe {
                subject: Subject::Portal(name),
            }) => match self.lookup_portal(name) {
                Lookup::Known(portal) => Described::Portal(portal),
                Lookup::Unknown => Described::Unknown,
                Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            },
            Err(DecodeError::NotUtf8 { .. }) => return Ok(self.refuse_extended(not_utf8(), wires)),
            Err(error) => {
                return Err(Violation::ClientMessage {
                    message: "Describe",
                    reason: error.to_string(),
                });
            }
        };
        wires.to_server.extend_from_slice(frame.whole);
        self.owe(Owed::Describe {
            target,
            audience: Audience::Client,
        });
        Ok(Taken::Yes)
    }

    pub(super) fn execute(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let execute = match frontend::Execute::decode(frame.body()) {
            Ok(execute) => execute,
            Err(DecodeError::NotUtf8 { .. }) => return Ok(self.refuse_extended(not_utf8(), wires)),
            Err(error) => {
                return Err(Violation::ClientMessage {
                    message: "Execute",
                    reason: error.to_string(),
                });
            }
        };
        let portal = match self.lookup_portal(execute.portal) {
            Lookup::Known(portal) => portal,
            Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            Lookup::Unknown if self.names.is_cursor(execute.portal) => {
                let refusal = Refusal::new(
                    "0A000",
                    "a cursor made by DECLARE is read with FETCH here, not with an Execute message",
                );
                return Ok(self.refuse_extended(refusal, wires));
            }
            Lookup::Unknown => {
                return Ok(self.execute_unknown(execute.portal, wires));
            }
        };
        if let Some(permit) = &portal.permit
            && !portal.started.get()
            && !judge.is_current(permit)
            && !self.bound_in_this_turn(execute.portal)
        {
            let refusal = Refusal::new("55000", "the policies changed after this portal was bound")
                .with_hint("Bind the statement again.");
            return Ok(self.refuse_extended(refusal, wires));
        }
        portal.started.set(true);
        wires.to_server.extend_from_slice(frame.whole);
        self.drain_first |= changes_reading(
            portal
                .prepared
                .statement()
                .map(|statement| &*statement.facts),
        );
        self.stoppable += usize::from(portal.can_stop());
        self.owe(Owed::Execute { portal });
        Ok(Taken::Yes)
    }

    /// True when the Bind of this portal belongs to the same series of messages, so that its statement is in flight.
    fn bound_in_this_turn(&self, portal: &str) -> bool {
        self.queue
            .newest_first()
            .take_while(|owed| !matches!(owed, Owed::Sync))
            .any(|owed| matches!(owed, Owed::Bind { name, .. } if name == portal))
            || self.status == b'I'
    }

    pub(super) fn close(
        &mut self,
        frame: Frame<'_>,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let target = match frontend::Close::decode(frame.body()) {
            Ok(frontend::Close {
                subject: Subject::Statement(name),
            }) => CloseTarget::Statement(name.to_owned()),
            Ok(frontend::Close {
                subject: Subject::Portal(name),
            }) => CloseTarget::Portal(name.to_owned()),
            Err(DecodeError::NotUtf8 { .. }) => return Ok(self.refuse_extended(not_utf8(), wires)),
            Err(error) => {
                return Err(Violation::ClientMessage {
                    message: "Close",
                    reason: error.to_string(),
                });
            }
        };
        wires.to_server.extend_from_slice(frame.whole);
        self.owe(Owed::Close {
            target,
            audience: Audience::Client,
        });
        Ok(Taken::Yes)
    }

    pub(super) fn function_call(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let call = frontend::FunctionCall::decode(frame.body()).map_err(|error| {
            Violation::ClientMessage {
                message: "FunctionCall",
                reason: error.to_string(),
            }
        })?;
        match judge.judge_function_call(call.function, self.in_transaction()) {
            Judged::Later => Ok(Taken::Hold),
            Judged::Ready(Err(refusal)) => {
                outgoing::stand_in_query(&mut wires.to_server);
                self.owe(Owed::Query(QueryRun::stand_in(refusal)));
                Ok(Taken::Yes)
            }
            Judged::Ready(Ok(_permit)) => {
                wires.to_server.extend_from_slice(frame.whole);
                self.owe(Owed::FunctionCall);
                Ok(Taken::Yes)
            }
        }
    }

    /// Sends a Parse that always fails. It bears the name that the client's Parse had, since an unnamed statement is
    /// gone after a failed Parse too (protocol: Extended Query).
    fn refuse_parse(&mut self, name: &str, refusal: Refusal, wires: &mut Wires) -> Taken {
        outgoing::stand_in_parse(&mut wires.to_server, name);
        self.owe(Owed::Refused(refusal));
        if name.is_empty() {
            self.names.close_prepared("");
        }
        Taken::Yes
    }

    /// A Bind of a statement that was never prepared here. The server says so in its own words when it is asked to describe
    /// it, and runs nothing, should it know the name after all.
    fn bind_unknown(&mut self, name: &str, wires: &mut Wires) -> Taken {
        outgoing::describe_statement(&mut wires.to_server, name);
        self.owe(Owed::Describe {
            target: Described::Unknown,
            audience: Audience::Gateway,
        });
        Taken::Yes
    }

    /// An Execute of a portal that was never bound here fails as one of a portal that cannot exist.
    fn execute_unknown(&mut self, name: &str, wires: &mut Wires) -> Taken {
        let refusal = Refusal::new("34000", format!("portal \"{name}\" does not exist"));
        let free = matches!(self.lookup_portal(STAND_IN), Lookup::Unknown);
        if !free || self.names.is_cursor(STAND_IN) {
            return self.refuse_extended(refusal, wires);
        }
        outgoing::execute(&mut wires.to_server, STAND_IN);
        self.owe(Owed::Refused(refusal));
        Taken::Yes
    }

    /// Sends a Parse that always fails in place of another message.
    pub(super) fn refuse_extended(&mut self, refusal: Refusal, wires: &mut Wires) -> Taken {
        outgoing::stand_in_parse(&mut wires.to_server, STAND_IN);
        self.owe(Owed::Refused(refusal));
        Taken::Yes
    }

    fn lookup_prepared(&self, name: &str) -> Lookup<Rc<Prepared<J>>> {
        if self.queue.names_pending() {
            let mut crossed_sync = false;
            for owed in self.queue.newest_first() {
                match owed {
                    Owed::Sync => crossed_sync = true,
                    Owed::Parse {
                        name: other,
                        prepared,
                        ..
                    } if other == name => {
                        return if crossed_sync {
                            Lookup::Pending
                        } else {
                            Lookup::Known(Rc::clone(prepared))
                        };
                    }
                    Owed::Close {
                        target: CloseTarget::Statement(other),
                        ..
                    } if other == name => {
                        return if crossed_sync {
                            Lookup::Pending
                        } else {
                            Lookup::Unknown
                        };
                    }
                    Owed::Query(run) if run.names_statements() => return Lookup::Pending,
                    Owed::Execute { portal }
                        if portal
                            .prepared
                            .statement()
                            .is_some_and(|s| names_statements(&s.facts)) =>
                    {
                        return Lookup::Pending;
                    }
                    _ => {}
                }
            }
        }
        self.names
            .prepared(name)
            .map_or(Lookup::Unknown, |prepared| {
                Lookup::Known(Rc::clone(prepared))
            })
    }

    fn lookup_portal(&self, name: &str) -> Lookup<Rc<Portal<J>>> {
        if self.queue.names_pending() {
            let mut crossed_sync = false;
            for owed in self.queue.newest_first() {
                match owed {
                    Owed::Sync => crossed_sync = true,
                    Owed::Bind {
                        name: other,
                        portal,
                    } if other == name => {
                        return if crossed_sync {
                            Lookup::Pending
                        } else {
                            Lookup::Known(Rc::clone(portal))
                        };
                    }
                    Owed::Close {
                        target: CloseTarget::Portal(other),
                        ..
                    } if other == name => {
                        return if crossed_sync {
                            Lookup::Pending
                        } else {
                            Lookup::Unknown
                        };
                    }
                    _ => {}
                }
            }
        }
        self.names
            .portal(name)
            .map_or(Lookup::Unknown, |portal| Lookup::Known(Rc::clone(portal)))
    }
}

enum BindStage<J: Judge> {
    Permitted(J::Permit, Option<Rc<Plan>>),
    Refused(Refusal),
    Hold,
}

impl<J: Judge> Prepared<J> {
    /// The statement; `None` for an empty text.
    pub fn statement(&self) -> Option<&gatewright_sql::Statement> {
        J::analysis(&self.text).statements.get(self.index)
    }

    /// True when what it does hangs on a name that may come to mean something else.
    fn is_dynamic(&self) -> bool {
        self.statement()
            .is_some_and(|statement| is_dynamic(&statement.facts))
    }

    fn lacks_parameter_types(&self, judge: &J) -> bool {
        judge.wants_parameters()
            && self
                .statement()
                .is_some_and(|statement| statement.facts.parameter_count > 0)
            && self.parameter_types.borrow().is_none()
    }
}

impl<J: Judge> Portal<J> {
    /// True when its result may be stopped before its end. What returns no rows has nothing to stop.
    pub fn can_stop(&self) -> bool {
        let rows = self
            .prepared
            .statement()
            .is_some_and(|statement| statement.facts.outputs != Outputs::None);
        rows && self
            .permit
            .as_ref()
            .is_some_and(|permit| can_stop::<J>(permit, self.plan.as_deref()))
    }
}

impl<J: Judge> QueryRun<J> {
    fn names_statements(&self) -> bool {
        self.text.as_ref().is_some_and(|text| {
            J::analysis(text)
                .statements
                .iter()
                .any(|statement| names_statements(&statement.facts))
        })
    }
}

/// True when the statement changes what names of prepared statements mean.
fn names_statements(facts: &gatewright_sql::Facts) -> bool {
    matches!(
        facts.session,
        SessionEffect::Prepare { .. } | SessionEffect::Deallocate(_) | SessionEffect::DiscardAll
    )
}

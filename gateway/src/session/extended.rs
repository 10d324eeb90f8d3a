//! The extended protocol but for Bind: Parse, Describe, Execute, Close, and the fast-path FunctionCall.

use std::rc::Rc;

use gatewright_sql::Outputs;
use gatewright_wire::frame::Frame;
use gatewright_wire::frontend::{self, Subject};
use gatewright_wire::{DecodeError, build};

use super::judge::{Judge, Judged, Phase, Question, Verdict};
use super::lookup::Lookup;
use super::name::Name;
use super::names::{MAX_PREPARED, MAX_PREPARED_BYTES, Portal, Prepared};
use super::outgoing;
use super::owed::{Audience, CloseTarget, Described, Owed, QueryRun};
use super::query::{can_stop, is_dynamic, unreadable};
use super::refusal::{Refusal, STAND_IN};
use super::{Session, Taken, Violation, Wires};

impl<J: Judge> Session<J> {
    pub(super) fn parse(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let parse = match frontend::Parse::decode(frame.body) {
            Ok(parse) => parse,
            Err(error) => {
                return Ok(self.refuse_unreadable(frame, unreadable(&error), wires));
            }
        };
        let text = match self.encoding.read(parse.text) {
            Ok(text) => text,
            Err(refusal) => return Ok(self.refuse_unreadable(frame, refusal, wires)),
        };
        let mut text = match self.analyze(&text, judge) {
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
        let pending = (self.queue.most_names(), self.queue.texts());
        if !self.names.has_room(&Name::new(parse.name), &text, pending) {
            if self.queue.names_pending() {
                return Ok(self.hold_for_replies(wires));
            }
            let refusal = Refusal::new(
                "54000",
                format!(
                    "the session has {MAX_PREPARED} prepared statements, or their texts are {} MiB long, and cannot have more",
                    MAX_PREPARED_BYTES >> 20
                ),
            );
            let refusal = refusal.with_hint("Close or DEALLOCATE those that are no longer needed.");
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
                at_rest: self.is_at_rest(),
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
                    if let Err(refusal) = self.sendable(&other) {
                        return Ok(self.refuse_parse(parse.name, refusal, wires));
                    }
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
            wires.to_server.extend_from_slice(frame.bytes);
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
            name: Name::new(name),
            prepared: Rc::clone(&prepared),
        });
        let wants_plan = prepared.permit.borrow().as_ref().is_some_and(J::wants_plan);
        if (wants_plan && !prepared.is(is_dynamic)) || prepared.lacks_parameter_types(judge) {
            self.describe_prepared(name, &prepared, wires);
        }
    }

    pub(super) fn describe(
        &mut self,
        frame: Frame<'_>,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let target = match frontend::Describe::decode(frame.body) {
            Ok(frontend::Describe {
                subject: Subject::Statement(name),
            }) => match self.lookup_prepared(&Name::new(name)) {
                Lookup::Known(prepared) => Described::Statement(prepared),
                Lookup::Unknown => Described::Unknown,
                Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            },
            Ok(frontend::Describe {
                subject: Subject::Portal(name),
            }) => match self.lookup_portal(&Name::new(name)) {
                Lookup::Known(portal) => Described::Portal(portal),
                Lookup::Unknown => Described::Unknown,
                Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            },
            Err(error) => {
                let refusal = unreadable_subject("DESCRIBE", frame, &error);
                return Ok(self.refuse_unreadable(frame, refusal, wires));
            }
        };
        wires.to_server.extend_from_slice(frame.bytes);
        self.owe(Owed::Describe {
            target,
            audience: Audience::Client,
        });
        Ok(Taken::Yes)
    }

    pub(super) fn close(
        &mut self,
        frame: Frame<'_>,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let target = match frontend::Close::decode(frame.body) {
            Ok(frontend::Close {
                subject: Subject::Statement(name),
            }) => CloseTarget::Statement(Name::new(name)),
            Ok(frontend::Close {
                subject: Subject::Portal(name),
            }) => CloseTarget::Portal(Name::new(name)),
            Err(error) => {
                let refusal = unreadable_subject("CLOSE", frame, &error);
                return Ok(self.refuse_unreadable(frame, refusal, wires));
            }
        };
        wires.to_server.extend_from_slice(frame.bytes);
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
        let call = match frontend::FunctionCall::decode(frame.body) {
            Ok(call) => call,
            Err(error) => return Ok(self.refuse_alone(frame, unreadable(&error), wires)),
        };
        if !self.queue.is_empty() {
            return Ok(self.hold_for_replies(wires));
        }
        match judge.judge_function_call(call.function, self.in_transaction()) {
            Judged::Later => Ok(Taken::Hold),
            Judged::Ready(Err(refusal)) => Ok(self.refuse_alone(frame, refusal, wires)),
            Judged::Ready(Ok(permit)) if J::wants_plan(&permit) => {
                let refusal = Refusal::new(
                    "0A000",
                    "a policy has to see the columns of this result, and a function called by message has none",
                );
                Ok(self.refuse_alone(frame, refusal.with_hint("Call it with SELECT."), wires))
            }
            Judged::Ready(Ok(permit)) => {
                wires.to_server.extend_from_slice(frame.bytes);
                self.stoppable += usize::from(can_stop::<J>(&permit, None));
                // It may be set_config.
                self.drain_first = true;
                self.owe(Owed::FunctionCall {
                    permit,
                    answered: false,
                });
                Ok(Taken::Yes)
            }
        }
    }

    /// Sends a Parse that always fails. It bears the name that the client's Parse had, since an unnamed statement is
    /// gone after a failed Parse too (protocol: Extended Query).
    fn refuse_parse(&mut self, name: &str, refusal: Refusal, wires: &mut Wires) -> Taken {
        outgoing::stand_in_parse(&mut wires.to_server, name);
        // What an empty name meant until now is gone, unless the server skips this too: either way it is the server that knows.
        self.owe(Owed::Refused(refusal));
        Taken::Yes
    }

    /// Refuses a Query or FunctionCall, each of which has a ReadyForQuery of its own, ahead of anything that it does: one of its type that is
    /// empty fails likewise.
    pub(super) fn refuse_alone(
        &mut self,
        frame: Frame<'_>,
        refusal: Refusal,
        wires: &mut Wires,
    ) -> Taken {
        build::empty(&mut wires.to_server, frame.tag);
        self.owe(Owed::Query(QueryRun::stand_in(refusal)));
        Taken::Yes
    }

    /// Refuses a message of the extended protocol whose fields cannot be read, ahead of anything that it does: one of its type that is empty
    /// cannot be read either.
    pub(super) fn refuse_unreadable(
        &mut self,
        frame: Frame<'_>,
        refusal: Refusal,
        wires: &mut Wires,
    ) -> Taken {
        build::empty(&mut wires.to_server, frame.tag);
        self.owe(Owed::Refused(refusal));
        Taken::Yes
    }

    /// Sends a Parse that always fails in place of another message.
    pub(super) fn refuse_extended(&mut self, refusal: Refusal, wires: &mut Wires) -> Taken {
        outgoing::stand_in_parse(&mut wires.to_server, STAND_IN);
        self.owe(Owed::Refused(refusal));
        Taken::Yes
    }
}

/// PostgreSQL names what a Describe or Close is of by number where it is of neither statement nor portal.
fn unreadable_subject(message: &str, frame: Frame<'_>, error: &DecodeError) -> Refusal {
    match (error, frame.body.first()) {
        (DecodeError::UndefinedValue { .. }, Some(kind)) => {
            Refusal::new("08P01", format!("invalid {message} message subtype {kind}"))
        }
        _ => unreadable(error),
    }
}

impl<J: Judge> Portal<J> {
    /// True when it may be stopped before its end. What returns no rows can only take too long.
    pub fn can_stop(&self) -> bool {
        let rows = self.prepared.is(|facts| facts.outputs != Outputs::None);
        self.permit.as_ref().is_some_and(|permit| {
            J::limits(permit).time.is_some()
                || (rows && can_stop::<J>(permit, self.plan.as_deref()))
        })
    }
}

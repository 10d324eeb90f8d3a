//! Describe and Close, and the fast-path FunctionCall.

use std::rc::Rc;

use gatewright_wire::frame::Frame;
use gatewright_wire::frontend::{self, Subject};

use crate::pool::Residue;
use crate::session::asking::{Stage, done};
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_server::Pass;
use crate::session::judge::{Judge, Verdict};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::lookup::Lookup;
use crate::session::state::name::Name;
use crate::session::state::names::{Prepared, can_stop};
use crate::session::state::outstanding::{Audience, CloseTarget, Described, Outstanding};
use crate::session::state::session::Session;

/// A permit with the admission under it.
type Called<J> = (<J as Judge>::Permit, Vec<Option<<J as Judge>::Admitted>>);

impl<J: Judge> Session<J> {
    pub(in crate::session) fn describe(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let target = match frontend::Describe::decode(frame.body) {
            Ok(frontend::Describe {
                subject: Subject::Statement(name),
            }) => match self.lookup_prepared(&Name::new(name)) {
                Lookup::Known(prepared) => {
                    return self.describe_known(frame, name, prepared, judge, output);
                }
                Lookup::Unknown if self.server.is_shared() => {
                    return self.refuse_unknown_statement(name, judge, output);
                }
                Lookup::Unknown => Described::Unknown,
                Lookup::Pending => return self.hold_for_replies(output),
            },
            Ok(frontend::Describe {
                subject: Subject::Portal(name),
            }) => match self.lookup_portal(&Name::new(name)) {
                Lookup::Known(portal) => Described::Portal(portal),
                Lookup::Unknown => Described::Unknown,
                Lookup::Pending => return self.hold_for_replies(output),
            },
            Err(error) => {
                let refusal = Refusal::unreadable_subject("DESCRIBE", frame, &error);
                return self.refuse_unreadable(frame, refusal, judge, output);
            }
        };
        output.to_server.control(frame);
        self.expect(Outstanding::Describe {
            target,
            audience: Audience::Client,
        });
        Taken::Yes
    }

    fn describe_known(
        &mut self,
        frame: Frame<'_>,
        name: &str,
        prepared: Rc<Prepared<J>>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        match self.place(name, &prepared, output) {
            Err(refusal) => return self.refuse_extended(refusal, judge, output),
            Ok(on_server) if prepared.portable.is_some() => {
                output.to_server.describe_statement(&on_server);
            }
            Ok(_) => output.to_server.control(frame),
        }
        self.expect(Outstanding::Describe {
            target: Described::Statement(prepared),
            audience: Audience::Client,
        });
        Taken::Yes
    }

    pub(in crate::session) fn close_name(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let target = match frontend::Close::decode(frame.body) {
            Ok(frontend::Close {
                subject: Subject::Statement(name),
            }) if self.server.is_shared() => return self.close_shared(name, output),
            Ok(frontend::Close {
                subject: Subject::Statement(name),
            }) => CloseTarget::Statement(Name::new(name)),
            Ok(frontend::Close {
                subject: Subject::Portal(name),
            }) => CloseTarget::Portal(Name::new(name)),
            Err(error) => {
                let refusal = Refusal::unreadable_subject("CLOSE", frame, &error);
                return self.refuse_unreadable(frame, refusal, judge, output);
            }
        };
        output.to_server.control(frame);
        self.expect(Outstanding::Close {
            target,
            audience: Audience::Client,
        });
        Taken::Yes
    }

    pub(in crate::session) fn function_call(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let call = match frontend::FunctionCall::decode(frame.body) {
            Ok(call) => call,
            Err(error) => {
                return self.refuse_alone(frame, Refusal::unreadable(&error), judge, output);
            }
        };
        if !self.queue.is_empty() {
            return self.hold_for_replies(output);
        }
        let mut held = self.held.take().unwrap_or_default();
        match self.stages_of_call(&call, &mut held, judge) {
            Stage::Hold => self.hold(held),
            Stage::Refused(refusal) => {
                self.let_go(held, judge);
                self.refuse_alone(frame, refusal, judge, output)
            }
            Stage::Done((permit, mut admitted)) => {
                output.to_server.run(frame, &Pass::<J>::Admitted(&admitted));
                self.turn.stoppable += usize::from(can_stop::<J>(&permit, None));
                // It may be set_config.
                self.pipeline.drain_first = true;
                self.reading.changes(self.queue.next_number());
                self.path.anything();
                self.server.leaves(|| Residue::ANYTHING);
                self.expect(Outstanding::FunctionCall {
                    permit,
                    admitted: admitted.pop().flatten(),
                    answered: false,
                });
                Taken::Yes
            }
        }
    }

    fn stages_of_call(
        &self,
        call: &frontend::FunctionCall<'_>,
        held: &mut Held<J>,
        judge: &mut J,
    ) -> Stage<Called<J>> {
        if held.permits.is_empty() {
            match done!(self.ask_call(held, call, judge)) {
                Verdict::Permit(permit) => held.permits.push(permit),
                Verdict::Rewrite { .. } => {
                    let message = "a function call by message cannot be rewritten";
                    return Stage::Refused(
                        Refusal::new("0A000", message).with_hint("Call it with SELECT."),
                    );
                }
            }
        }
        let permits = held.permits.clone();
        let Some(permit) = permits.first().cloned() else {
            return Stage::Hold;
        };
        if J::wants_plan(&permit) {
            let message = "a policy must see the columns of this result, and a function called by message has none";
            return Stage::Refused(
                Refusal::new("0A000", message).with_hint("Call it with SELECT."),
            );
        }
        let admitted = done!(self.ask_admission(held, &permits, judge));
        Stage::Done((permit, admitted))
    }
}

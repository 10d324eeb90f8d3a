//! Execute of what Bind has not made: a cursor of SQL's DECLARE or of a function. It is judged as the FETCH that it is.

use std::cell::Cell;
use std::rc::Rc;

use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;
use smallvec::SmallVec;

use crate::session::asking::{Stage, Subject, done};
use crate::session::doors::output::{Output, Taken};
use crate::session::judge::{Judge, Phase, Plan, Verdict};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::name::Name;
use crate::session::state::names::{Portal, Prepared};
use crate::session::state::outstanding::Described;
use crate::session::state::session::Session;

/// The permit of a FETCH, and the plan where policies want one.
type Fetched<J> = (<J as Judge>::Permit, Option<Rc<Plan>>);

impl<J: Judge> Session<J> {
    /// The rows come as the server sends them for any Execute: as text, whatever FETCH would give.
    pub(in crate::session) fn execute_cursor(
        &mut self,
        frame: Frame<'_>,
        execute: &frontend::Execute<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let mut held = self.held.take().unwrap_or_default();
        let fetch = match &held.fetch {
            Some(fetch) => Rc::clone(fetch),
            None => match self.ask_text(&mut held, &fetch_all(execute.portal), judge) {
                Stage::Hold => return self.hold(held),
                Stage::Refused(refusal) => {
                    return self.refuse_cursor(execute.portal, refusal, judge, output);
                }
                Stage::Done(text) => Rc::new(Prepared::new(text, 0, None, None)),
            },
        };
        held.fetch = Some(Rc::clone(&fetch));
        match self.stages_of_fetch(&fetch, &mut held, judge, output) {
            Stage::Hold => self.hold(held),
            Stage::Refused(refusal) => {
                self.let_go(held, judge);
                self.refuse_cursor(execute.portal, refusal, judge, output)
            }
            Stage::Done((permit, plan)) => {
                let portal = Rc::new(Portal {
                    prepared: fetch,
                    permit: Some(permit),
                    plan,
                    formats: SmallVec::new(),
                    passed: Rc::default(),
                    bound: Cell::new(None),
                    bind: None,
                });
                self.admit_execute(frame, portal, held, judge, output)
            }
        }
    }

    fn stages_of_fetch(
        &mut self,
        fetch: &Rc<Prepared<J>>,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<Fetched<J>> {
        let permit = match held.permits.first() {
            Some(permit) => permit.clone(),
            None => {
                if self.follows_pending_name(&fetch.text, 0) {
                    self.hold_for_replies(output);
                    return Stage::Hold;
                }
                let permit = done!(self.permit_fetch(fetch, held, judge));
                held.permits.push(permit.clone());
                permit
            }
        };
        if !J::wants_plan(&permit) {
            return Stage::Done((permit, None));
        }
        let described = fetch
            .description
            .borrow()
            .in_epoch(self.transaction.epoch());
        match described {
            None => {
                if !fetch.describing.replace(true) {
                    let source = J::source(&fetch.text);
                    let source = match self.sendable(source, self.reading.is_certain()) {
                        Ok(source) => source,
                        Err(refusal) => return Stage::Refused(refusal),
                    };
                    let target = Described::Statement(Rc::clone(fetch));
                    self.describe_text(&source, target, &permit, output);
                }
                Stage::Hold
            }
            Some(None) => Stage::Done((permit, None)),
            Some(Some(fields)) => {
                let plan = done!(self.ask_plan(held, &permit, &fields, judge));
                Stage::Done((permit, Some(plan)))
            }
        }
    }

    fn permit_fetch(
        &mut self,
        fetch: &Prepared<J>,
        held: &mut Held<J>,
        judge: &mut J,
    ) -> Stage<J::Permit> {
        let subject = Subject {
            phase: Phase::Simple,
            text: &fetch.text,
            index: 0,
            behind: 0,
            parameters: None,
            earlier: None,
        };
        match done!(self.ask_verdict(held, subject, judge)) {
            Verdict::Permit(permit) => Stage::Done(permit),
            Verdict::Rewrite { .. } => {
                let message = "a policy rewrites the FETCH that reads this cursor, and an Execute message cannot be rewritten";
                Stage::Refused(Refusal::new("0A000", message).with_hint("Read it with FETCH."))
            }
        }
    }

    /// Of a name that nobody has declared, all that can be said is that it is not there.
    fn refuse_cursor(
        &mut self,
        name: &str,
        refusal: Refusal,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        if self.names.is_cursor(&Name::new(name)) {
            self.refuse_extended(refusal, judge, output)
        } else {
            self.refuse_unknown_portal(name, judge, output)
        }
    }
}

fn fetch_all(cursor: &str) -> String {
    format!("FETCH ALL FROM \"{}\"", cursor.replace('"', "\"\""))
}

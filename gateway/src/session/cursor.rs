//! Execute of what Bind has not made: a cursor of SQL's DECLARE or of a function. It is judged as the FETCH that it is.

use std::cell::Cell;
use std::rc::Rc;

use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use super::judge::{Judge, Judged, Phase, Plan, Question, Verdict};
use super::name::Name;
use super::names::{Portal, Prepared};
use super::owed::Described;
use super::refusal::Refusal;
use super::{Session, Taken, Wires};

/// How far judging an Execute of a cursor came.
enum CursorStage<J: Judge> {
    Permitted(J::Permit, Option<Rc<Plan>>),
    Refused(Refusal),
    Hold,
}

impl<J: Judge> Session<J> {
    /// The rows come as the server sends them for any Execute: as text, whatever FETCH would give.
    pub(super) fn execute_cursor(
        &mut self,
        frame: Frame<'_>,
        execute: &frontend::Execute<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Taken {
        let fetch = match self.held_fetch.take() {
            Some(fetch) => fetch,
            None => match self.analyze(&fetch_all(execute.portal), judge) {
                Judged::Later => return Taken::Hold,
                Judged::Ready(Err(refusal)) => {
                    return self.refuse_cursor(execute.portal, refusal, wires);
                }
                Judged::Ready(Ok(text)) => Rc::new(Prepared::new(text, 0, None, None)),
            },
        };
        match self.judge_cursor(&fetch, judge, wires) {
            CursorStage::Hold => {
                self.held_fetch = Some(fetch);
                Taken::Hold
            }
            CursorStage::Refused(refusal) => self.refuse_cursor(execute.portal, refusal, wires),
            CursorStage::Permitted(permit, plan) => {
                let portal = Rc::new(Portal {
                    prepared: fetch,
                    permit: Some(permit),
                    plan,
                    formats: Vec::new(),
                    started: Cell::new(true),
                    bound: Cell::new(None),
                });
                self.send_execute(frame, portal, wires);
                Taken::Yes
            }
        }
    }

    fn judge_cursor(
        &mut self,
        fetch: &Rc<Prepared<J>>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> CursorStage<J> {
        if self.follows_pending_name(&fetch.text, 0) {
            self.hold_for_replies(wires);
            return CursorStage::Hold;
        }
        let judged = fetch.permit.borrow().clone();
        let permit = match judged {
            Some(permit) => permit,
            None => match self.ask_about_fetch(fetch, judge) {
                Judged::Later => return CursorStage::Hold,
                Judged::Ready(Err(refusal)) => return CursorStage::Refused(refusal),
                Judged::Ready(Ok(Verdict::Permit(permit))) => permit,
                Judged::Ready(Ok(Verdict::Rewrite { .. })) => {
                    let refusal = Refusal::new(
                        "0A000",
                        "a policy rewrites what this cursor is read with, and an Execute message cannot be rewritten",
                    );
                    return CursorStage::Refused(refusal.with_hint("Read it with FETCH."));
                }
            },
        };
        *fetch.permit.borrow_mut() = Some(permit.clone());
        if !J::wants_plan(&permit) {
            return CursorStage::Permitted(permit, None);
        }
        let described = fetch.description.borrow().in_epoch(self.epoch);
        match described {
            None => {
                if !fetch.describing.replace(true) {
                    let source = J::source(&fetch.text);
                    self.describe_text(source, || Described::Statement(Rc::clone(fetch)), wires);
                }
                CursorStage::Hold
            }
            Some(None) => CursorStage::Permitted(permit, None),
            Some(Some(fields)) => {
                let plan = judge.plan(&permit, &fields);
                match plan.and_then(|plan| self.editable(plan)) {
                    Ok(plan) => CursorStage::Permitted(permit, Some(Rc::new(plan))),
                    Err(refusal) => CursorStage::Refused(refusal),
                }
            }
        }
    }

    fn ask_about_fetch(
        &self,
        fetch: &Prepared<J>,
        judge: &mut J,
    ) -> Judged<Result<Verdict<J>, Refusal>> {
        judge.judge(Question {
            phase: Phase::Simple,
            text: &fetch.text,
            index: 0,
            parameters: None,
            earlier: None,
            in_transaction: self.in_transaction(),
            at_rest: self.is_at_rest(),
            names: &self.names,
        })
    }

    /// Of a name that nobody has declared, all that can be said is that it is not there.
    fn refuse_cursor(&mut self, name: &str, refusal: Refusal, wires: &mut Wires) -> Taken {
        if self.names.is_cursor(&Name::new(name)) {
            self.refuse_extended(refusal, wires)
        } else {
            self.execute_nobody(name, wires)
        }
    }
}

fn fetch_all(cursor: &str) -> String {
    format!("FETCH ALL FROM \"{}\"", cursor.replace('"', "\"\""))
}

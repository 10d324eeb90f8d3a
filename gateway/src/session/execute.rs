//! Execute: of a portal under the permit it was bound with, of one whose statement has come to mean something else, and of none.

use std::cell::Cell;
use std::rc::Rc;

use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use super::judge::{Judge, Judged, Phase, Question, Verdict};
use super::lookup::Lookup;
use super::name::Name;
use super::names::Portal;
use super::outgoing;
use super::owed::Owed;
use super::query::{changes_reading, is_dynamic, unreadable};
use super::refusal::{Refusal, STAND_IN};
use super::{Session, Taken, Violation, Wires};

impl<J: Judge> Session<J> {
    pub(super) fn execute(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let execute = match frontend::Execute::decode(frame.body) {
            Ok(execute) => execute,
            Err(error) => {
                return Ok(self.refuse_unreadable(frame, unreadable(&error), wires));
            }
        };
        let name = Name::new(execute.portal);
        let portal = match self.lookup_portal(&name) {
            Lookup::Known(portal) => portal,
            Lookup::Pending => return Ok(self.hold_for_replies(wires)),
            Lookup::Unknown => return Ok(self.execute_unknown(frame, &execute, judge, wires)),
        };
        if let Some(permit) = &portal.permit
            && !portal.started.get()
            && !judge.is_current(permit)
            && !self.bound_in_this_turn(&name)
        {
            let refusal = Refusal::new("55000", "the policies changed after this portal was bound")
                .with_hint("Bind the statement again.");
            return Ok(self.refuse_extended(refusal, wires));
        }
        if portal.prepared.is(is_dynamic) && !portal.started.get() {
            if self.names_change_behind_bind(&name) {
                return Ok(self.hold_for_replies(wires));
            }
            if !self.names.are_as_bound(&portal) {
                return Ok(self.execute_anew(frame, &portal, judge, wires));
            }
        }
        portal.started.set(true);
        self.send_execute(frame, portal, wires);
        Ok(Taken::Yes)
    }

    /// An EXECUTE or FETCH that was bound before names changed: it does what they mean now. As that it is judged once more; where a policy
    /// wants to see its columns, the plan that it was bound with is of others.
    fn execute_anew(
        &mut self,
        frame: Frame<'_>,
        portal: &Portal<J>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Taken {
        let answer = judge.judge(Question {
            phase: Phase::Simple,
            text: &portal.prepared.text,
            index: portal.prepared.index,
            parameters: None,
            earlier: None,
            in_transaction: self.in_transaction(),
            at_rest: self.is_at_rest(),
            names: &self.names,
        });
        let permit = match answer {
            Judged::Later => return Taken::Hold,
            Judged::Ready(Ok(Verdict::Permit(permit))) if !J::wants_plan(&permit) => permit,
            Judged::Ready(Err(refusal)) => return self.refuse_extended(refusal, wires),
            Judged::Ready(Ok(_)) => {
                let message = "what this statement names has changed since it was bound";
                let refusal = Refusal::new("55000", message).with_hint("Bind the statement again.");
                return self.refuse_extended(refusal, wires);
            }
        };
        let anew = Portal {
            prepared: Rc::clone(&portal.prepared),
            permit: Some(permit),
            plan: None,
            formats: portal.formats.clone(),
            started: Cell::new(true),
            bound: portal.bound.clone(),
        };
        portal.started.set(true);
        self.send_execute(frame, Rc::new(anew), wires);
        Taken::Yes
    }

    pub(super) fn send_execute(
        &mut self,
        frame: Frame<'_>,
        portal: Rc<Portal<J>>,
        wires: &mut Wires,
    ) {
        wires.to_server.extend_from_slice(frame.bytes);
        self.drain_first |= portal.prepared.is(changes_reading);
        self.stoppable += usize::from(portal.can_stop());
        self.owe(Owed::Execute { portal });
    }

    /// An Execute of a portal that was never bound here: a cursor, or nothing. In a failed transaction the server may have another
    /// reason to fail it: a simple Query that ends with an error leaves an unnamed portal behind.
    fn execute_unknown(
        &mut self,
        frame: Frame<'_>,
        execute: &frontend::Execute<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Taken {
        if self.held_fetch.is_none() && self.queue.may_change_transaction() {
            return self.hold_for_replies(wires);
        }
        if self.status == b'E' {
            wires.to_server.extend_from_slice(frame.bytes);
            self.owe(Owed::ExecuteUnknown);
            return Taken::Yes;
        }
        if execute.portal.is_empty() {
            return self.execute_nobody(execute.portal, wires);
        }
        self.execute_cursor(frame, execute, judge, wires)
    }

    /// Sends an Execute of a portal that cannot exist in place of one that does not.
    pub(super) fn execute_nobody(&mut self, name: &str, wires: &mut Wires) -> Taken {
        let refusal = Refusal::new("34000", format!("portal \"{name}\" does not exist"));
        let free = matches!(self.lookup_portal(&Name::new(STAND_IN)), Lookup::Unknown);
        if !free || self.names.is_cursor(&Name::new(STAND_IN)) {
            return self.refuse_extended(refusal, wires);
        }
        outgoing::execute(&mut wires.to_server, STAND_IN);
        self.owe(Owed::Refused(refusal));
        Taken::Yes
    }
}

//! Statements, cursors and portals that were made before: what they mean is settled again once the catalog has changed.

use std::rc::Rc;

use gatewright_sql::SessionEffect;

use crate::session::asking::{Stage, ask_text_anew, done};
use crate::session::judge::{Judge, Ticket};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::name::Name;
use crate::session::state::names::{Portal, Prepared};
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    /// The prepared statement with an analysis that holds. The server, too, analyses it again (`RevalidateCachedQuery`).
    pub(in crate::session) fn settle_prepared(
        &mut self,
        name: &Name,
        prepared: &Rc<Prepared<J>>,
        ticket: &mut Option<Ticket>,
        judge: &mut J,
    ) -> Stage<Rc<Prepared<J>>> {
        if ticket.is_none() && judge.is_settled(&prepared.text) {
            return Stage::Done(Rc::clone(prepared));
        }
        let text = done!(ask_text_anew(ticket, &prepared.text, judge));
        let Some(renewed) = prepared.renewed(text) else {
            return Stage::Refused(changed("statement"));
        };
        let renewed = Rc::new(renewed);
        self.names.renew_prepared(name, prepared, &renewed);
        Stage::Done(renewed)
    }

    /// Settles what EXECUTE, FETCH and their kind name, before they are judged by it.
    pub(in crate::session) fn settle_names_of(
        &mut self,
        held: &mut Held<J>,
        text: &J::Text,
        index: usize,
        judge: &mut J,
    ) -> Stage<()> {
        if held.settled_names_of == Some(index) {
            return Stage::Done(());
        }
        let statement = J::analysis(text).statements.get(index);
        match statement.map(|statement| &statement.facts.session) {
            Some(
                SessionEffect::Execute { name }
                | SessionEffect::Explain {
                    executes: Some(name),
                    ..
                },
            ) => {
                let name = Name::new(name);
                if let Some(prepared) = self.names.prepared(&name).map(Rc::clone) {
                    done!(self.settle_prepared(&name, &prepared, &mut held.ticket, judge));
                }
            }
            Some(SessionEffect::Fetch { name }) => {
                done!(self.settle_cursor(&Name::new(name), &mut held.ticket, judge));
            }
            _ => {}
        }
        held.settled_names_of = Some(index);
        Stage::Done(())
    }

    /// The server has fixed what a cursor reads, but not what the functions do that it calls.
    fn settle_cursor(
        &mut self,
        name: &Name,
        ticket: &mut Option<Ticket>,
        judge: &mut J,
    ) -> Stage<()> {
        if let Some(portal) = self.names.portal(name).map(Rc::clone) {
            return match done!(self.changed_portal(&portal, ticket, judge)) {
                None => Stage::Done(()),
                Some(_) => Stage::Refused(changed("portal")),
            };
        }
        let Some(cursor) = self.names.cursor_of(name).map(Rc::clone) else {
            return Stage::Done(());
        };
        if ticket.is_none() && judge.is_settled(&cursor.text) {
            return Stage::Done(());
        }
        let text = done!(ask_text_anew(ticket, &cursor.text, judge));
        if !says_the_same::<J>(&cursor.text, &text, cursor.index) {
            return Stage::Refused(changed("cursor"));
        }
        self.names.cursor_is_settled(name, text);
        Stage::Done(())
    }

    /// The portal of Bind with a newer analysis, if that says something else.
    pub(in crate::session) fn changed_portal(
        &self,
        portal: &Portal<J>,
        ticket: &mut Option<Ticket>,
        judge: &mut J,
    ) -> Stage<Option<Rc<Portal<J>>>> {
        let prepared = &portal.prepared;
        if ticket.is_none() && judge.is_settled(&prepared.text) {
            return Stage::Done(None);
        }
        let text = done!(ask_text_anew(ticket, &prepared.text, judge));
        if says_the_same::<J>(&prepared.text, &text, prepared.index) {
            return Stage::Done(None);
        }
        match prepared.renewed(text) {
            // Of one that was begun, the rows to come are those of the statement that it was.
            Some(renewed) if !portal.passed.has_started() => Stage::Done(Some(Rc::new(Portal {
                passed: Rc::clone(&portal.passed),
                prepared: Rc::new(renewed),
                permit: portal.permit.clone(),
                plan: portal.plan.clone(),
                formats: portal.formats.clone(),
                bound: portal.bound.clone(),
                bind: portal.bind.clone(),
            }))),
            _ => Stage::Refused(changed("portal")),
        }
    }
}

fn says_the_same<J: Judge>(old: &J::Text, new: &J::Text, index: usize) -> bool {
    let of = |text: &J::Text| {
        let statements = &J::analysis(text).statements;
        statements
            .get(index)
            .map(|statement| statement.facts.clone())
    };
    J::analysis(new).statements.len() == J::analysis(old).statements.len() && of(old) == of(new)
}

fn changed(what: &str) -> Refusal {
    let message = format!("what this {what} reads or calls has changed since it was made");
    Refusal::new("55000", message).with_hint("Make it again.")
}

//! Before people are asked about a statement, the server shows its effect: it plans the statement, or runs it and undoes that.

use std::borrow::Cow;
use std::rc::Rc;

use gatewright_sql::{Facts, Verb};
use gatewright_wire::frontend;

use crate::recording::{self, RehearsalRecord};
use crate::session::asking::{Stage, ask, done};
use crate::session::doors::output::Output;
use crate::session::doors::to_server::Tried;
use crate::session::doors::to_server::rehearsing::{after, before};
use crate::session::effect::{Rehearsal, RehearsalWay, Rehearsed};
use crate::session::judge::{Answer, Judge};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::name::Name;
use crate::session::state::names::Portal;
use crate::session::state::outstanding::Outstanding;
use crate::session::state::rehearsal::{Effect, Rebound, Rehearsing};
use crate::session::state::returned::{Form, Returned};
use crate::session::state::session::Session;

/// What is put in front of a statement to have it planned.
const EXPLAIN: &str = "EXPLAIN (FORMAT JSON) ";

/// What is tried.
struct Subject<'a, J: Judge> {
    permit: &'a J::Permit,
    text: &'a J::Text,
    index: usize,
    types: Rc<[u32]>,
    /// For an Execute.
    portal: Option<(Name, &'a Rc<Portal<J>>)>,
}

impl<J: Judge> Session<J> {
    /// The effect of a Query with one statement.
    pub(in crate::session) fn rehearse_query(
        &mut self,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<()> {
        let (Some(text), [permit]) = (held.text.clone(), held.permits.as_slice()) else {
            if held.permits.iter().any(J::follows_all) && !self.queue.is_empty() {
                self.hold_for_replies(output);
                return Stage::Hold;
            }
            if held
                .permits
                .iter()
                .any(|permit| judge.rehearsal(permit).is_some())
            {
                held.effect = Effect::Told(Rehearsed::Unknown {
                    why: "it is one of several statements in a message",
                });
            }
            return Stage::Done(());
        };
        let permit = permit.clone();
        let subject = Subject {
            permit: &permit,
            text: &text,
            index: 0,
            types: Rc::new([]),
            portal: None,
        };
        self.rehearse(held, &subject, judge, output)
    }

    /// The effect of an Execute.
    pub(in crate::session) fn rehearse_execute(
        &mut self,
        name: &str,
        portal: &Rc<Portal<J>>,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<()> {
        let Some(permit) = &portal.permit else {
            return Stage::Done(());
        };
        let types = portal.prepared.parameter_types.borrow().clone();
        let subject = Subject {
            permit,
            text: &portal.prepared.text,
            index: portal.prepared.index,
            types: types.unwrap_or_else(|| Rc::new([])),
            portal: Some((Name::new(name), portal)),
        };
        self.rehearse(held, &subject, judge, output)
    }

    fn rehearse(
        &mut self,
        held: &mut Held<J>,
        subject: &Subject<'_, J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<()> {
        match held.effect {
            Effect::Asked => return Stage::Hold,
            Effect::Told(_) => return self.edit_returned(held, judge),
            // It is for the admission.
            Effect::NotAsked
                if held.ticket.is_some()
                    && !matches!(held.form, Form::Asked)
                    && !held.rehearsal_is_asked =>
            {
                return Stage::Done(());
            }
            Effect::NotAsked => {}
        }
        if self.fails_anyway(subject) {
            return Stage::Refused(Refusal::new(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            ));
        }
        let rehearsal = judge.rehearsal(subject.permit);
        if rehearsal.is_none() && !J::follows_all(subject.permit) {
            return Stage::Done(());
        }
        if !self.queue.is_empty() {
            self.hold_for_replies(output);
            return Stage::Hold;
        }
        let Some(rehearsal) = rehearsal else {
            return Stage::Done(());
        };
        done!(self.choose_form(held, &rehearsal, subject.permit, judge));
        let record = done!(self.record_rehearsal(held, &rehearsal, subject.permit, judge));
        match done!(self.try_it(&rehearsal, subject, held, record, output)) {
            None => {
                held.effect = Effect::Asked;
                Stage::Hold
            }
            Some(why) => {
                held.effect = Effect::Told(Rehearsed::Unknown { why });
                Stage::Done(())
            }
        }
    }

    /// Nobody is asked about what the server will not run.
    fn fails_anyway(&self, subject: &Subject<'_, J>) -> bool {
        let statement = J::analysis(subject.text).statements.get(subject.index);
        let ends = |facts: &Facts| facts.verb == Verb::Transaction;
        self.queue.is_empty()
            && self.transaction.has_failed()
            && J::needs_approval(subject.permit)
            && statement.is_some_and(|statement| !ends(&statement.facts))
    }

    /// Has it written down before it is sent.
    fn record_rehearsal(
        &self,
        held: &mut Held<J>,
        rehearsal: &Rehearsal,
        permit: &J::Permit,
        judge: &mut J,
    ) -> Stage<RehearsalRecord> {
        let own_transaction = !self.is_in_block();
        let event = || recording::Rehearsal {
            way: match rehearsal.way {
                RehearsalWay::Estimate => recording::RehearsalWay::Estimate,
                RehearsalWay::Run => recording::RehearsalWay::Run,
            },
            text: match &held.form {
                Form::Showing(showing) => Some(J::source(&showing.text).to_owned()),
                Form::NotAsked | Form::Asked | Form::Plain(_) => None,
            },
            before: before(rehearsal, own_transaction).to_vec(),
            after: after(own_transaction),
        };
        let answer = ask(
            &mut held.ticket,
            judge,
            |judge| judge.record_rehearsal(permit, event()),
            |answer| match answer {
                Answer::Rehearsal(recorded) => Some(recorded),
                _ => None,
            },
        );
        held.rehearsal_is_asked = answer.is_none();
        answer.into()
    }

    /// Sends it. Done: why it cannot be tried.
    fn try_it(
        &mut self,
        rehearsal: &Rehearsal,
        subject: &Subject<'_, J>,
        held: &Held<J>,
        record: RehearsalRecord,
        output: &mut Output,
    ) -> Stage<Option<&'static str>> {
        let own_transaction = !self.is_in_block();
        let bind = subject
            .portal
            .as_ref()
            .map(|(_, portal)| portal.bind.clone());
        let Ok(bind) = bind.map(|bind| bind.ok_or(())).transpose() else {
            return Stage::Done(Some("its parameters are no longer known"));
        };
        let rebound = match (&subject.portal, &bind) {
            (Some((name, portal)), Some(bind)) if own_transaction => {
                if self.pipeline.executed || !self.names.is_only_portal(name) {
                    return Stage::Done(Some("it is part of a pipeline that is one transaction"));
                }
                Some(Rebound {
                    name: name.clone(),
                    portal: Rc::clone(portal),
                    bind: Rc::clone(bind),
                })
            }
            _ => None,
        };
        let Some(statement) = J::analysis(subject.text).statements.get(subject.index) else {
            return Stage::Done(Some("its text is not known"));
        };
        let own = J::source(subject.text).get(statement.span.clone());
        let own = own.unwrap_or_default();
        let (source, permit, returned) = match (rehearsal.way, &held.form) {
            (RehearsalWay::Estimate, _) => {
                (Cow::from(format!("{EXPLAIN}{own}")), subject.permit, None)
            }
            (RehearsalWay::Run, Form::Showing(showing)) => (
                J::source(&showing.text).into(),
                &showing.permit,
                Some(Returned::new(showing, rehearsal.rows)),
            ),
            (RehearsalWay::Run, _) => (own.into(), subject.permit, None),
        };
        let certain = self.reading.is_certain();
        let Ok(source) = self.sendable(&source, held.certain || certain) else {
            return Stage::Done(Some("it has characters that the gateway cannot send"));
        };
        let decoded = bind
            .as_ref()
            .and_then(|bind| frontend::Bind::decode(bind.body()).ok());
        output.to_server.rehearse::<J>(
            rehearsal,
            own_transaction,
            &Tried {
                text: &source,
                types: &subject.types,
                bind: decoded.as_ref(),
            },
            permit,
        );
        self.expect(Outstanding::Rehearsal(Box::new(Rehearsing::new(
            rehearsal.way,
            own_transaction,
            certain,
            rebound,
            returned,
            record.sent(),
        ))));
        Stage::Done(None)
    }
}

//! The simple Query: all of its statements are judged, and described where a policy wants to see columns, before any runs.

use gatewright_sql::Facts;
use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use crate::session::asking::{Stage, Subject, done};
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::slice::STATEMENT;
use crate::session::doors::to_server::{Pass, RunsNothing};
use crate::session::judge::{Judge, Phase, Plan, Verdict};
use crate::session::refusal::{Refusal, STAND_IN};
use crate::session::state::held::{Description, Held};
use crate::session::state::outstanding::{Outstanding, QueryRun, Sent};
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    pub(in crate::session) fn query(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let mut held = self.held.take().unwrap_or_default();
        held.certain |= self.reading.is_certain();
        if held.text.is_none() {
            let query = match frontend::Query::decode(frame.body) {
                Ok(query) => query,
                Err(error) => {
                    return self.refuse_alone(frame, Refusal::unreadable(&error), judge, output);
                }
            };
            if let Some(refusal) = held.unread.take() {
                return self.query_unread(query.text, refusal, held, output);
            }
            let text = match self.read_text(query.text, output) {
                Stage::Hold => return Taken::Hold,
                Stage::Refused(refusal) if refusal.unread => {
                    return self.query_unread(query.text, refusal, held, output);
                }
                Stage::Refused(refusal) => {
                    return self.refuse_alone(frame, refusal, judge, output);
                }
                Stage::Done(text) => text,
            };
            match self.ask_text(&mut held, &text, judge) {
                Stage::Hold => return self.hold(held),
                Stage::Refused(refusal) if refusal.unread => {
                    return self.query_unread(query.text, refusal, held, output);
                }
                Stage::Refused(refusal) => return self.refuse_query(refusal, judge, output),
                Stage::Done(_) => {}
            }
        }
        match self.stages_of_query(&mut held, judge, output) {
            Stage::Hold => self.hold(held),
            Stage::Refused(refusal) => {
                self.let_go(held, judge);
                self.refuse_query(refusal, judge, output)
            }
            Stage::Done(()) => {
                self.send_query(frame, held, output);
                Taken::Yes
            }
        }
    }

    fn stages_of_query(
        &mut self,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<()> {
        done!(self.judge_query(held, judge, output));
        done!(self.plan_query(held, judge, output));
        done!(self.rehearse_query(held, judge, output));
        let permits = std::mem::take(&mut held.permits);
        let admitted = self.ask_admission(held, &permits, judge);
        held.permits = permits;
        held.admitted = done!(admitted);
        Stage::Done(())
    }

    fn judge_query(&mut self, held: &mut Held<J>, judge: &mut J, output: &mut Output) -> Stage<()> {
        let count = held.statement_count();
        while held.permits.len() < count {
            let Some(text) = held.text.clone() else {
                return Stage::Hold;
            };
            let index = held.permits.len();
            if index > 0 && output.slice.spend(STATEMENT) {
                return Stage::Hold;
            }
            if self.follows_pending_name(&text, index) {
                self.hold_for_replies(output);
                return Stage::Hold;
            }
            let subject = Subject {
                phase: Phase::Simple,
                text: &text,
                index,
                behind: index,
                parameters: None,
                earlier: None,
            };
            match done!(self.ask_verdict(held, subject, judge)) {
                Verdict::Permit(permit) => held.permits.push(permit),
                Verdict::Rewrite { text, .. } if J::analysis(&text).statements.len() != count => {
                    let message = "a policy rewrites this statement, which is not supported in a message with several statements";
                    return Stage::Refused(
                        Refusal::new("0A000", message)
                            .with_hint("Send the statement in a message of its own."),
                    );
                }
                Verdict::Rewrite { text, permit } => {
                    if let Err(refusal) = self.sendable(J::source(&text), held.certain) {
                        return Stage::Refused(refusal);
                    }
                    held.text = Some(text);
                    held.rewritten = true;
                    held.permits.push(permit);
                }
            }
        }
        Stage::Done(())
    }

    fn plan_query(&mut self, held: &mut Held<J>, judge: &mut J, output: &mut Output) -> Stage<()> {
        if held.plans.is_empty() && !held.certain && held.is_planned() {
            self.wait_for_certainty(output);
            return Stage::Hold;
        }
        while let Some(permit) = held.permits.get(held.plans.len()).cloned() {
            if !J::wants_plan(&permit) {
                held.plans.push(None);
                continue;
            }
            let fields = match &held.description {
                Description::Asked => return Stage::Hold,
                Description::NotAsked => return self.describe_query(held, &permit, output),
                Description::Told(fields) => fields.clone(),
            };
            let plan = match fields {
                None => None,
                Some(fields) => {
                    let plan = done!(self.ask_plan(held, &permit, &fields, judge));
                    if let Err(refusal) = self.check_rows_of_query(held, &plan) {
                        return Stage::Refused(refusal);
                    }
                    Some(plan)
                }
            };
            held.description = Description::NotAsked;
            held.plans.push(plan);
        }
        Stage::Done(())
    }

    /// The rows of the next statement come in an encoding that the statements before it may change, and for COPY also code that it runs
    /// itself.
    fn check_rows_of_query(&self, held: &Held<J>, plan: &Plan) -> Result<(), Refusal> {
        let Some(text) = &held.text else {
            return Ok(());
        };
        let statements = J::analysis(text).statements.get(..=held.plans.len());
        let Some([before @ .., sending]) = statements else {
            return Ok(());
        };
        let copy = sending.facts.copy_out();
        let keeps = |facts: &Facts| match copy {
            Some(_) => !facts.changes_reading() && !facts.is_dynamic(),
            None => !self.reading.may_leave_utf8(&facts.session),
        };
        let certain = held.certain
            && before.iter().all(|statement| keeps(&statement.facts))
            && keeps(&sending.facts);
        self.rows_are_editable(copy, plan, certain)
    }

    /// Has the server describe the next statement that policies want to see the columns of.
    fn describe_query(
        &mut self,
        held: &mut Held<J>,
        permit: &J::Permit,
        output: &mut Output,
    ) -> Stage<()> {
        held.description = Description::Asked;
        match self.ask_for_description(held, permit, output) {
            Ok(()) => Stage::Hold,
            Err(refusal) => Stage::Refused(refusal),
        }
    }

    fn send_query(&mut self, frame: Frame<'_>, held: Held<J>, output: &mut Output) {
        let pass = match held.text.as_ref().and_then(RunsNothing::in_text::<J>) {
            Some(proof) => Pass::RunsNothing(proof),
            None => Pass::Admitted(&held.admitted),
        };
        let mut bounds = held.admitted.iter().flatten().filter_map(J::bound_to);
        let bound = bounds.next();
        let sent = match bound {
            Some(_) => Sent::InParts,
            None => Sent::Whole,
        };
        let returning = self.compare_rows(bound, &held.form);
        match &held.text {
            Some(text) if sent == Sent::InParts => {
                let text = returning.as_ref().map_or(text, |showing| &showing.text);
                match self.reading.encoding.write(J::source(text)) {
                    Some(text) => output.to_server.run_in_parts::<J>(&text, &pass),
                    None => output.to_server.stand_in_parse(STAND_IN),
                }
            }
            Some(text) if held.rewritten => match self.reading.encoding.write(J::source(text)) {
                Some(text) => output.to_server.run_rewritten::<J>(&text, &pass),
                None => output.to_server.stand_in_query(),
            },
            _ => output.to_server.run(frame, &pass),
        }
        for statement in held
            .text
            .iter()
            .flat_map(|text| &J::analysis(text).statements)
        {
            self.note_sent(&statement.facts);
        }
        self.forget_unnamed();
        let run = Box::new(QueryRun {
            text: held.text,
            permits: held.permits,
            admitted: held.admitted,
            plans: held.plans,
            notices: held.notices,
            index: 0,
            refusal: None,
            silent_error: false,
            sent,
        });
        self.turn.stoppable += usize::from(run.can_stop());
        self.expect(Outstanding::Query(run));
    }
}

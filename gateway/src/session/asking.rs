//! The questions to the judge, in the order in which every message asks them: text, verdict, plan, admission. Each is asked once;
//! one that needs time leaves a ticket in [`Held`] and is resumed from there.

use std::borrow::Cow;
use std::rc::Rc;

use gatewright_sql::{Analysis, CopyFormat, CopyOut, SessionEffect, cuts_names_by_encoding};
use gatewright_wire::frontend;

use crate::session::doors::output::Output;
use crate::session::judge::{
    Answer, BoundParameters, Field, Judge, Judged, NameFacts, Phase, Plan, Question, Ticket,
    Verdict,
};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::name::Name;
use crate::session::state::names::InMessage;
use crate::session::state::rehearsal::Effect;
use crate::session::state::session::Session;

/// How one stage of dealing with a message ended.
pub(in crate::session) enum Stage<T> {
    Done(T),
    Hold,
    Refused(Refusal),
}

impl<T> From<Option<Result<T, Refusal>>> for Stage<T> {
    fn from(answer: Option<Result<T, Refusal>>) -> Self {
        match answer {
            Some(Ok(answer)) => Stage::Done(answer),
            Some(Err(refusal)) => Stage::Refused(refusal),
            None => Stage::Hold,
        }
    }
}

/// Passes on what is no result of this stage.
macro_rules! done {
    ($stage:expr) => {
        match $stage {
            $crate::session::asking::Stage::Done(answer) => answer,
            $crate::session::asking::Stage::Hold => {
                return $crate::session::asking::Stage::Hold;
            }
            $crate::session::asking::Stage::Refused(refusal) => {
                return $crate::session::asking::Stage::Refused(refusal);
            }
        }
    };
}
pub(in crate::session) use done;

/// One statement about which the judge is asked.
pub(in crate::session) struct Subject<'a, J: Judge> {
    pub phase: Phase,
    pub text: &'a J::Text,
    pub index: usize,
    /// How many statements of the same message run before it.
    pub behind: usize,
    pub parameters: Option<BoundParameters<'a>>,
    pub earlier: Option<&'a J::Permit>,
}

/// Asks, or resumes what was asked. `None`: the answer needs time. Whatever the judge answers under the ticket that is no answer to
/// this question is none, and the question is asked again: nothing passes unanswered.
pub(in crate::session) fn ask<J: Judge, T>(
    ticket: &mut Option<Ticket>,
    judge: &mut J,
    question: impl FnOnce(&mut J) -> Judged<T>,
    read: impl FnOnce(Answer<J>) -> Option<T>,
) -> Option<T> {
    let answer = match ticket.take() {
        None => question(judge),
        Some(known) => match judge.resume(known) {
            Judged::Pending(known) => Judged::Pending(known),
            Judged::Ready(answer) => match read(answer) {
                Some(answer) => Judged::Ready(answer),
                None => question(judge),
            },
        },
    };
    match answer {
        Judged::Ready(answer) => Some(answer),
        Judged::Pending(known) => {
            *ticket = Some(known);
            None
        }
    }
}

/// Has a text understood once more.
pub(in crate::session) fn ask_text_anew<J: Judge>(
    ticket: &mut Option<Ticket>,
    text: &J::Text,
    judge: &mut J,
) -> Stage<J::Text> {
    ask(
        ticket,
        judge,
        |judge| judge.analyze_anew(text),
        |answer| match answer {
            Answer::Text(text) => Some(text),
            _ => None,
        },
    )
    .into()
}

impl<J: Judge> Session<J> {
    /// Has the judge brought up to date for a message that it is asked about, once for each.
    pub(in crate::session) fn catch_up(&mut self, tag: u8, judge: &mut J) -> Stage<()> {
        if self.held.is_some() || !matches!(tag, b'Q' | b'P' | b'B' | b'E' | b'F') {
            return Stage::Done(());
        }
        let ticket = &mut self.pipeline.catching_up;
        ask(ticket, judge, J::catch_up, |answer| match answer {
            Answer::CaughtUp(outcome) => Some(outcome),
            _ => None,
        })
        .into()
    }

    /// The text of the message in hand in UTF-8, once it is certain how the server will read it.
    pub(in crate::session) fn read_text<'t>(
        &mut self,
        text: &'t [u8],
        output: &mut Output,
    ) -> Stage<Cow<'t, str>> {
        if !self.reading.is_certain_of(text) {
            self.wait_for_certainty(output);
            return Stage::Hold;
        }
        Some(self.reading.encoding.read(text)).into()
    }

    /// What is in doubt is certain after the next ReadyForQuery. Where none will come, as in a series of extended messages without Sync,
    /// the server is asked.
    pub(in crate::session) fn wait_for_certainty(&mut self, output: &mut Output) {
        if self.pipeline.unsynced || self.queue.is_empty() {
            self.ask_for_settings(output);
        } else {
            self.hold_for_replies(output);
        }
    }

    /// Has the text of the message in hand understood.
    pub(in crate::session) fn ask_text(
        &self,
        held: &mut Held<J>,
        text: &str,
        judge: &mut J,
    ) -> Stage<J::Text> {
        if let Some(known) = &held.text {
            return Stage::Done(known.clone());
        }
        let conforming = self.reading.standard_conforming_strings;
        if !self.reading.server_is_utf8() && cuts_names_by_encoding(text, conforming) {
            let message = "a name outside ASCII is longer than 63 bytes in UTF8, and the database, which has another encoding, may cut it elsewhere";
            return Stage::Refused(Refusal::new("0A000", message));
        }
        let answer = ask(
            &mut held.ticket,
            judge,
            |judge| judge.analyze(text, conforming, self.path.current()),
            |answer| match answer {
                Answer::Text(text) => Some(text),
                _ => None,
            },
        );
        if let Some(Ok(text)) = &answer {
            held.text = Some(text.clone());
        }
        answer.into()
    }

    /// Has one statement judged. The one place where a [`Question`] is made.
    pub(in crate::session) fn ask_verdict(
        &mut self,
        held: &mut Held<J>,
        subject: Subject<'_, J>,
        judge: &mut J,
    ) -> Stage<Verdict<J>> {
        if let Some(refusal) = self.needs_session(subject.text, subject.index) {
            return Stage::Refused(refusal);
        }
        done!(self.settle_names_of(held, subject.text, subject.index, judge));
        let names = InMessage {
            names: &self.names,
            text: subject.text,
            index: subject.behind,
        };
        let question = Question {
            phase: subject.phase,
            text: subject.text,
            index: subject.index,
            parameters: subject.parameters,
            earlier: subject.earlier,
            in_transaction: self.transaction.is_open(),
            in_block: self.is_in_block(),
            at_rest: self.is_at_rest(),
            names: &names,
            path: self.path.current(),
            path_value: self.path.value(),
            is_utf8: self.reading.encoding.is_utf8(),
        };
        let unknown = unmade(&names, J::analysis(subject.text), subject.index);
        let answer = ask(
            &mut held.ticket,
            judge,
            |judge| judge.judge(question),
            verdict,
        );
        match (answer, unknown) {
            // Of a name that nobody has made, all that can be said is that it is not there.
            (Some(Err(refusal)), Some(name)) => Stage::Refused(Refusal {
                counted: refusal.counted,
                ..Refusal::new(
                    "26000",
                    format!("prepared statement \"{name}\" does not exist"),
                )
            }),
            (answer, _) => answer.into(),
        }
    }

    /// Has a function call by message judged.
    pub(in crate::session) fn ask_call(
        &self,
        held: &mut Held<J>,
        call: &frontend::FunctionCall<'_>,
        judge: &mut J,
    ) -> Stage<Verdict<J>> {
        let open = self.is_in_block();
        ask(
            &mut held.ticket,
            judge,
            |judge| judge.judge_function_call(call, open),
            verdict,
        )
        .into()
    }

    /// Shows the columns of a statement to the policies that asked for them.
    pub(in crate::session) fn ask_plan(
        &self,
        held: &mut Held<J>,
        permit: &J::Permit,
        fields: &[Field],
        judge: &mut J,
    ) -> Stage<Rc<Plan>> {
        let answer = ask(
            &mut held.ticket,
            judge,
            |judge| judge.plan(permit, fields),
            |answer| match answer {
                Answer::Plan(plan) => Some(plan),
                _ => None,
            },
        );
        answer
            .map(|plan| plan.and_then(|plan| self.editable(plan)).map(Rc::new))
            .into()
    }

    /// Has the judge write down that these statements are about to be sent: `permits` one after the other, each once.
    pub(in crate::session) fn ask_admission(
        &self,
        held: &mut Held<J>,
        permits: &[J::Permit],
        judge: &mut J,
    ) -> Stage<Vec<Option<J::Admitted>>> {
        while let Some(permit) = permits.get(held.admitted.len()) {
            let admitted = done!(self.ask_one_admission(held, permit, judge));
            held.admitted.push(Some(admitted));
        }
        Stage::Done(std::mem::take(&mut held.admitted))
    }

    /// The same for one statement.
    pub(in crate::session) fn ask_one_admission(
        &self,
        held: &mut Held<J>,
        permit: &J::Permit,
        judge: &mut J,
    ) -> Stage<J::Admitted> {
        let effect = match &held.effect {
            Effect::Told(effect) => Some(effect),
            Effect::NotAsked | Effect::Asked => None,
        };
        ask(
            &mut held.ticket,
            judge,
            |judge| judge.admit(permit, effect),
            |answer| match answer {
                Answer::Admission(admitted) => Some(admitted),
                _ => None,
            },
        )
        .into()
    }

    /// EXECUTE and FETCH do what a name means when they run: every earlier message must have been answered first.
    pub(in crate::session) fn follows_pending_name(&self, text: &J::Text, index: usize) -> bool {
        self.queue.names_pending()
            && J::analysis(text)
                .statements
                .get(index)
                .is_some_and(|statement| statement.facts.is_dynamic())
    }

    /// A text that the gateway sends itself, in the client's encoding, if it is certain and has all of its characters.
    pub(in crate::session) fn sendable<'t>(
        &self,
        text: &'t str,
        certain: bool,
    ) -> Result<Cow<'t, [u8]>, Refusal> {
        let written = self.reading.encoding.write(text);
        written
            .filter(|_| certain || text.is_ascii())
            .ok_or_else(|| {
                let message = "a policy inspects this statement, which contains characters that the gateway cannot send in this client_encoding";
                Refusal::new("0A000", message).with_hint("SET client_encoding TO 'UTF8' first.")
            })
    }

    /// Values are edited as UTF-8 text, so the client must speak it.
    fn editable(&self, plan: Plan) -> Result<Plan, Refusal> {
        if plan.steps.is_empty() || self.reading.encoding.is_utf8() {
            return Ok(plan);
        }
        Err(delivered_in_utf8_only())
    }

    /// What a value is, and where the cells of COPY's rows begin and end, depends on the encoding that they are sent in: for COPY its
    /// option ENCODING tells, or `client_encoding` when it begins. `certain`: that is what it was told to be last.
    pub(in crate::session) fn rows_are_editable(
        &self,
        copy: Option<&CopyOut>,
        plan: &Plan,
        certain: bool,
    ) -> Result<(), Refusal> {
        let option = copy.and_then(|copy| copy.encoding.as_deref());
        let encoding = self.reading.of_rows(option);
        if plan.steps.is_empty() || encoding.is_utf8() && (certain || option.is_some()) {
            return Ok(());
        }
        if let (Some(_), Some(copy)) = (option, copy) {
            if encoding.is_converted() && copy.format != CopyFormat::Binary {
                return Ok(());
            }
            let message = match copy.format {
                CopyFormat::Binary => {
                    "masked columns are copied in binary format only with ENCODING 'UTF8'"
                }
                _ => "masked columns cannot be copied with this ENCODING",
            };
            let hint = "Copy with ENCODING 'UTF8'.";
            return Err(Refusal::new("0A000", message).with_hint(hint));
        }
        if !self.reading.encoding.is_utf8() {
            return Err(delivered_in_utf8_only());
        }
        let message = "a statement in front of this one may change the encoding of its rows";
        let hint = match copy {
            Some(_) => "Copy with ENCODING 'UTF8'.",
            None => "Send each statement in a message of its own.",
        };
        Err(Refusal::new("0A000", message).with_hint(hint))
    }
}

/// The name that the statement executes, if it was not made on this connection as far as is known.
fn unmade<J: Judge>(names: &InMessage<'_, J>, analysis: &Analysis, index: usize) -> Option<String> {
    match &analysis.statements.get(index)?.facts.session {
        SessionEffect::Execute { name }
            if names.statement(name).is_none()
                && names.names.prepared(&Name::new(name)).is_none() =>
        {
            Some(name.clone())
        }
        _ => None,
    }
}

fn delivered_in_utf8_only() -> Refusal {
    let message = "masked columns are delivered only with client_encoding UTF8";
    Refusal::new("0A000", message).with_hint("SET client_encoding TO 'UTF8' first.")
}

fn verdict<J: Judge>(answer: Answer<J>) -> Option<Result<Verdict<J>, Refusal>> {
    match answer {
        Answer::Verdict(verdict) => Some(verdict),
        _ => None,
    }
}

//! The simple Query: all of its statements are judged, and described where a policy wants to see columns, before any runs.

use std::rc::Rc;

use gatewright_sql::{Facts, SessionEffect, TransactionCommand};
use gatewright_wire::frame::Frame;
use gatewright_wire::{DecodeError, frontend};

use super::judge::{Field, Judge, Judged, Phase, Plan, Question, Verdict};
use super::names::InMessage;
use super::outgoing;
use super::owed::{Owed, QueryRun};
use super::refusal::Refusal;
use super::{Session, Taken, Violation, Wires};

/// A Query that is being judged. The client's message waits, and is offered again.
pub(super) struct QueryInHand<J: Judge> {
    pub text: J::Text,
    /// The text is no longer the client's own.
    rewritten: bool,
    permits: Vec<J::Permit>,
    plans: Vec<Option<Rc<Plan>>>,
    /// Set while the server describes the statement at this index.
    pub awaiting: Option<usize>,
    /// What the server said of it: no columns at all, or these.
    pub described: Option<Option<Vec<Field>>>,
    /// The client has its error already; the message only has to go.
    pub answered: bool,
}

impl<J: Judge> QueryInHand<J> {
    fn new(text: J::Text) -> Self {
        QueryInHand {
            text,
            rewritten: false,
            permits: Vec::new(),
            plans: Vec::new(),
            awaiting: None,
            described: None,
            answered: false,
        }
    }

    /// True when its first statement may end the transaction that there is.
    pub fn begins_with_end(&self) -> bool {
        let first = J::analysis(&self.text).statements.first();
        first.is_some_and(|first| match &first.facts.session {
            SessionEffect::Transaction(command) => !matches!(
                command,
                TransactionCommand::Begin
                    | TransactionCommand::Savepoint(_)
                    | TransactionCommand::Release(_)
            ),
            _ => false,
        })
    }

    pub fn statement_count(&self) -> usize {
        J::analysis(&self.text).statements.len()
    }
}

/// How one stage of dealing with a Query ended.
enum Stage {
    Done,
    Hold,
    Refused(Refusal),
}

impl<J: Judge> Session<J> {
    pub(super) fn query(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Result<Taken, Violation> {
        let mut in_hand = match self.in_hand.take() {
            Some(in_hand) => in_hand,
            None => {
                let query = match frontend::Query::decode(frame.body) {
                    Ok(query) => query,
                    Err(error) => return Ok(self.refuse_alone(frame, unreadable(&error), wires)),
                };
                let text = match self.encoding.read(query.text) {
                    Ok(text) => text,
                    Err(refusal) => return Ok(self.refuse_alone(frame, refusal, wires)),
                };
                match self.analyze(&text, judge) {
                    Judged::Later => return Ok(Taken::Hold),
                    Judged::Ready(Err(refusal)) => return Ok(self.refuse_query(refusal, wires)),
                    Judged::Ready(Ok(text)) => QueryInHand::new(text),
                }
            }
        };
        if in_hand.answered {
            return Ok(Taken::Yes);
        }
        let mut stage = self.judge_query(&mut in_hand, judge, wires);
        if matches!(stage, Stage::Done) {
            stage = self.describe_query(&mut in_hand, judge, wires);
        }
        match stage {
            Stage::Hold => {
                self.in_hand = Some(in_hand);
                Ok(Taken::Hold)
            }
            Stage::Refused(refusal) => Ok(self.refuse_query(refusal, wires)),
            Stage::Done => {
                self.send_query(frame, in_hand, wires);
                Ok(Taken::Yes)
            }
        }
    }

    pub(super) fn analyze(
        &mut self,
        text: &str,
        judge: &mut J,
    ) -> Judged<Result<J::Text, Refusal>> {
        judge.analyze(text, self.standard_conforming_strings)
    }

    fn judge_query(
        &mut self,
        in_hand: &mut QueryInHand<J>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Stage {
        let count = in_hand.statement_count();
        for index in in_hand.permits.len()..count {
            if self.follows_pending_name(&in_hand.text, index) {
                self.hold_for_replies(wires);
                return Stage::Hold;
            }
            let names = InMessage {
                names: &self.names,
                text: &in_hand.text,
                index,
            };
            let question = Question {
                phase: Phase::Simple,
                text: &in_hand.text,
                index,
                parameters: None,
                earlier: None,
                in_transaction: self.in_transaction(),
                at_rest: self.is_at_rest(),
                names: &names,
            };
            match judge.judge(question) {
                Judged::Later => return Stage::Hold,
                Judged::Ready(Err(refusal)) => return Stage::Refused(refusal),
                Judged::Ready(Ok(Verdict::Permit(permit))) => in_hand.permits.push(permit),
                Judged::Ready(Ok(Verdict::Rewrite { text, permit })) => {
                    if count > 1 {
                        return Stage::Refused(Refusal::new("0A000", "a policy rewrites this statement, which is not done among several in one message")
                            .with_hint("Send the statement in a message of its own."));
                    }
                    if let Err(refusal) = self.sendable(&text) {
                        return Stage::Refused(refusal);
                    }
                    in_hand.text = text;
                    in_hand.rewritten = true;
                    in_hand.permits.push(permit);
                }
            }
        }
        Stage::Done
    }

    /// EXECUTE and FETCH mean what a name means when they run: every earlier message must have told first.
    pub(super) fn follows_pending_name(&self, text: &J::Text, index: usize) -> bool {
        self.queue.names_pending()
            && J::analysis(text)
                .statements
                .get(index)
                .is_some_and(|statement| is_dynamic(&statement.facts))
    }

    fn describe_query(
        &mut self,
        in_hand: &mut QueryInHand<J>,
        judge: &mut J,
        wires: &mut Wires,
    ) -> Stage {
        while in_hand.plans.len() < in_hand.permits.len() {
            let index = in_hand.plans.len();
            let permit = &in_hand.permits[index];
            if !J::wants_plan(permit) {
                in_hand.plans.push(None);
                continue;
            }
            if in_hand.awaiting.is_none() {
                if let Err(refusal) = self.sendable(&in_hand.text) {
                    return Stage::Refused(refusal);
                }
                in_hand.awaiting = Some(index);
                self.close_unnamed(wires);
                self.ask_for_description(&in_hand.text, index, wires);
                return Stage::Hold;
            }
            let Some(described) = in_hand.described.take() else {
                return Stage::Hold;
            };
            in_hand.awaiting = None;
            match described {
                None => in_hand.plans.push(None),
                Some(fields) => match judge
                    .plan(permit, &fields)
                    .and_then(|plan| self.editable(plan))
                {
                    Ok(plan) => in_hand.plans.push(Some(Rc::new(plan))),
                    Err(refusal) => return Stage::Refused(refusal),
                },
            }
        }
        Stage::Done
    }

    /// What the gateway sends of its own is ASCII or UTF-8, so a text that it writes or asks about anew must be readable as such.
    pub(super) fn sendable(&self, text: &J::Text) -> Result<(), Refusal> {
        if self.encoding.is_utf8() || J::source(text).is_ascii() {
            return Ok(());
        }
        let message = "a policy looks into this statement, which is outside ASCII and not in UTF8";
        Err(Refusal::new("0A000", message).with_hint("SET client_encoding TO 'UTF8' first."))
    }

    /// Values are edited as UTF-8 text, so the client must speak it.
    pub(super) fn editable(&self, plan: Plan) -> Result<Plan, Refusal> {
        if plan.steps.is_empty() || self.encoding.is_utf8() {
            return Ok(plan);
        }
        Err(Refusal::new(
            "0A000",
            "masked columns are delivered only with client_encoding UTF8",
        )
        .with_hint("SET client_encoding TO 'UTF8' first."))
    }

    fn send_query(&mut self, frame: Frame<'_>, in_hand: QueryInHand<J>, wires: &mut Wires) {
        if in_hand.rewritten {
            outgoing::query(&mut wires.to_server, J::source(&in_hand.text));
        } else {
            wires.to_server.extend_from_slice(frame.bytes);
        }
        let run = QueryRun {
            text: Some(in_hand.text),
            permits: in_hand.permits,
            plans: in_hand.plans,
            index: 0,
            refusal: None,
            silent_error: false,
        };
        self.drain_first |= run.any(changes_reading);
        self.stoppable += usize::from(run.can_stop());
        self.owe(Owed::Query(run));
    }

    /// Sends what always fails in place of the Query; its error will wear the refusal's words.
    pub(super) fn refuse_query(&mut self, refusal: Refusal, wires: &mut Wires) -> Taken {
        outgoing::stand_in_query(&mut wires.to_server);
        self.owe(Owed::Query(QueryRun::stand_in(refusal)));
        Taken::Yes
    }
}

impl<J: Judge> QueryRun<J> {
    /// True when some statement of the message is of this kind.
    pub fn any(&self, kind: impl Fn(&Facts) -> bool) -> bool {
        self.text.as_ref().is_some_and(|text| {
            let statements = &J::analysis(text).statements;
            statements.iter().any(|statement| kind(&statement.facts))
        })
    }

    /// True when the result of some statement may be stopped on its way.
    pub fn can_stop(&self) -> bool {
        self.permits
            .iter()
            .zip(&self.plans)
            .any(|(permit, plan)| can_stop::<J>(permit, plan.as_deref()))
    }
}

/// True when a result under this permit and plan may be stopped before its end.
pub(super) fn can_stop<J: Judge>(permit: &J::Permit, plan: Option<&Plan>) -> bool {
    J::limits(permit).any() || plan.is_some_and(|plan| !plan.steps.is_empty())
}

/// True when later bytes of the client may have to be read in another way once this statement ran.
pub(super) fn changes_reading(facts: &Facts) -> bool {
    match &facts.session {
        SessionEffect::Set { name, .. } => [
            "client_encoding",
            "standard_conforming_strings",
            "names",
            "all",
        ]
        .contains(&name.as_str()),
        SessionEffect::DiscardAll => true,
        _ => !facts.opaque.is_empty(),
    }
}

/// True when what the statement does hangs on a name that may come to mean something else.
pub(super) fn is_dynamic(facts: &Facts) -> bool {
    matches!(
        facts.session,
        SessionEffect::Execute { .. }
            | SessionEffect::Fetch { .. }
            | SessionEffect::Explain {
                executes: Some(_),
                ..
            }
    )
}

/// The error of a message whose fields cannot be read, in PostgreSQL's words. What stands in for it at the server fails as it would have.
pub(super) fn unreadable(error: &DecodeError) -> Refusal {
    let (sqlstate, message) = match error {
        DecodeError::NotUtf8 { .. } => ("22021", "invalid byte sequence for encoding \"UTF8\""),
        DecodeError::Truncated { .. } | DecodeError::NegativeLength { .. } => {
            ("08P01", "insufficient data left in message")
        }
        DecodeError::Unterminated { .. } => ("08P01", "invalid string in message"),
        _ => ("08P01", "invalid message format"),
    };
    Refusal::new(sqlstate, message)
}

//! The gate as sessions know it.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_sql::{Analysis, SearchPath};
use gatewright_wire::frontend;

use super::{Admitted, AnalyzedText, Permit, SessionGate};
use super::{denial, editing};
use crate::recording::{self, RehearsalRecord};
use crate::results::Stop;
use crate::session::{
    Answer, Bound, Completion, Departure, Field, Judge, Judged, Limit, Limits, Notice, Plan,
    Question, Refusal, Rehearsal, Rehearsed, Showing, Ticket, Verdict,
};

impl Judge for SessionGate {
    type Text = Arc<AnalyzedText>;
    type Permit = Arc<Permit>;
    type Admitted = Admitted;

    fn catch_up(&mut self) -> Judged<Result<(), Refusal>> {
        self.catch_up_with_database()
    }

    fn analyze(
        &mut self,
        text: &str,
        standard_conforming_strings: bool,
        path: Option<&SearchPath>,
    ) -> Judged<Result<Self::Text, Refusal>> {
        let analysis = self.analyze_text(text, standard_conforming_strings, path);
        self.note_analysis(text, analysis)
    }

    fn analysis(text: &Self::Text) -> &Analysis {
        &text.analysis
    }

    fn source(text: &Self::Text) -> &str {
        &text.source
    }

    fn bytes(text: &Self::Text) -> usize {
        text.bytes()
    }

    fn client_position(text: &Self::Text, position: u32) -> Option<u32> {
        match &text.edited {
            Some(from) => editing::client_position(&from.client.source, &text.source, position),
            None => Some(position),
        }
    }

    fn is_settled(&self, text: &Self::Text) -> bool {
        SessionGate::is_settled(self, text)
    }

    fn analyze_anew(&mut self, text: &Self::Text) -> Judged<Result<Self::Text, Refusal>> {
        let analysis = SessionGate::analyze_anew(self, text);
        self.note_analysis(&text.source, analysis)
    }

    fn judge(&mut self, question: Question<'_, Self>) -> Judged<Result<Verdict<Self>, Refusal>> {
        let verdict = self.judge_statement(question);
        self.note_verdict(verdict)
    }

    fn judge_function_call(
        &mut self,
        call: &frontend::FunctionCall<'_>,
        in_transaction: bool,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        self.note_call(call);
        let verdict = self.judge_call(call.function, in_transaction);
        self.note_verdict(verdict)
    }

    fn is_current(&self, permit: &Self::Permit) -> bool {
        Arc::ptr_eq(&permit.set, &self.gate.policies.current()) && permit.view.active.hold()
    }

    fn messages(permit: &Self::Permit) -> contract::Messages {
        permit.messages()
    }

    fn wants_notifications(&self) -> bool {
        let set = self.gate.policies.current();
        let mut policies = set.policies.iter();
        !set.missing.is_empty()
            || policies.any(|policy| policy.hooks().contains(contract::Hooks::NOTIFICATION))
    }

    fn judge_notification(
        &mut self,
        channel: &str,
        payload: &str,
    ) -> Judged<contract::NotificationReply> {
        self.ask_of_notification(channel, payload)
    }

    fn wants_plan(permit: &Self::Permit) -> bool {
        !permit.planners.is_empty()
    }

    fn covers(planned_for: &Self::Permit, now: &Self::Permit) -> bool {
        Arc::ptr_eq(&planned_for.set, &now.set)
            && planned_for.planners == now.planners
            && Arc::ptr_eq(&planned_for.view.active, &now.view.active)
    }

    fn limits(permit: &Self::Permit) -> Limits {
        permit.limits
    }

    fn needs_approval(permit: &Self::Permit) -> bool {
        permit.needs_approval()
    }

    fn wants_parameters(&self) -> bool {
        self.gate.policies.current().wants_parameters()
    }

    fn plan(&mut self, permit: &Self::Permit, fields: &[Field]) -> Judged<Result<Plan, Refusal>> {
        self.plan_result(permit, fields)
    }

    fn follows_all(permit: &Self::Permit) -> bool {
        permit.is_reviewed_commit()
    }

    fn rehearsal(&self, permit: &Self::Permit) -> Option<Rehearsal> {
        self.rehearsal_of(permit)
    }

    fn showing(&mut self, permit: &Self::Permit) -> Judged<Result<Showing<Self>, String>> {
        self.showing_of(permit)
    }

    fn record_rehearsal(
        &mut self,
        permit: &Self::Permit,
        rehearsal: recording::Rehearsal,
    ) -> Judged<Result<RehearsalRecord, Refusal>> {
        self.write_rehearsal(permit, rehearsal)
    }

    fn bound_to(admitted: &Admitted) -> Option<Bound> {
        admitted.bound_to()
    }

    fn effect_differs(&mut self, admitted: &Admitted, changed: Option<u64>) -> Refusal {
        self.gate.metrics.decided("effect_mismatch");
        admitted.effect_differs(changed)
    }

    fn admit(
        &mut self,
        permit: &Self::Permit,
        effect: Option<&Rehearsed>,
    ) -> Judged<Result<Admitted, Refusal>> {
        self.admit_execution(permit, effect)
    }

    fn on_batch(
        &mut self,
        permit: &Self::Permit,
        step: usize,
        batch: &Arc<contract::Batch>,
    ) -> Judged<Result<contract::BatchReply, contract::Denial>> {
        self.ask_of_batch(permit, step, batch)
    }

    fn complete(&mut self, admitted: Admitted, done: Completion) -> Judged<()> {
        self.execution_ended(admitted, done)
    }

    fn resume(&mut self, ticket: Ticket) -> Judged<Answer<Self>> {
        let answer = self.resume_ticket(ticket);
        self.note_answer(answer)
    }

    fn is_under_way(&self, ticket: &Ticket) -> bool {
        self.is_ticket_under_way(ticket)
    }

    fn withdraw(&mut self, ticket: Ticket, why: Departure) {
        self.withdraw_ticket(&ticket, why);
    }

    fn notice(&mut self) -> Option<Notice> {
        self.waiting.take_notice()
    }

    fn stopped(&mut self, permit: &Self::Permit, stop: Stop) -> Refusal {
        self.count(permit.verb, "stop");
        denial::stopped(permit, stop)
    }

    fn limit_reached(&mut self, permit: &Self::Permit, limit: Limit) -> Refusal {
        self.count(permit.verb, "stop");
        denial::limit(permit, limit)
    }

    fn refused(&mut self, refusal: &Refusal) {
        self.session_refused(refusal);
    }
}

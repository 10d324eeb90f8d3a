//! The decisions that a page offers, the form that confirms one, and what became of it.

use super::sessions;
use super::visible::Visible;
use crate::approvals::{Approval, Entry, Request, State, Verdict};
use crate::identity::Identity;

/// A decision that is offered.
pub(super) struct Action {
    pub verdict: &'static str,
    pub label: &'static str,
    pub key: &'static str,
}

/// The form that confirms a decision.
pub(super) struct Form<S> {
    pub verdict: &'static str,
    pub title: &'static str,
    pub explanation: &'static str,
    pub button: &'static str,
    pub expected: S,
    /// What an approval is bound to.
    pub effect_digest: Option<String>,
    /// A form that is sent twice decides once.
    pub idempotency: String,
    pub reason: String,
    pub reason_required: bool,
}

/// What became of a decision.
pub(super) struct Notice {
    pub is_error: bool,
    pub title: String,
    pub text: Visible,
}

/// What whoever looks may decide.
pub(super) fn actions(entry: &Entry, viewer: &Identity, may_decide: bool) -> Vec<Verdict> {
    match entry.request.state {
        _ if !may_decide => Vec::new(),
        State::Pending if has_approved(&entry.approvals, viewer) => Vec::new(),
        State::Pending => vec![Verdict::Approve, Verdict::Reject],
        State::Approved => vec![Verdict::Revoke],
        _ if entry.request.is_to_review() => vec![Verdict::Review],
        _ => Vec::new(),
    }
}

impl From<Verdict> for Action {
    fn from(verdict: Verdict) -> Self {
        let (label, key) = match verdict {
            Verdict::Approve => ("Approve…", "a"),
            Verdict::Reject => ("Reject…", "r"),
            Verdict::Revoke => ("Revoke…", "r"),
            Verdict::Review => ("Mark as reviewed…", "a"),
        };
        Action {
            verdict: verdict.name(),
            label,
            key,
        }
    }
}

impl Form<State> {
    pub fn about_request(verdict: Verdict, request: &Request, reason_required: bool) -> Self {
        let (title, explanation, button) = match verdict {
            Verdict::Approve => (
                "Approve this statement?",
                "It runs once, exactly as this page shows it.",
                "Approve",
            ),
            Verdict::Reject => (
                "Reject this statement?",
                "Whoever sent it gets an error with your reason. Nothing runs.",
                "Reject",
            ),
            Verdict::Revoke => (
                "Take the approval back?",
                "It has not been used yet. The statement does not run.",
                "Revoke",
            ),
            Verdict::Review => (
                "Have you looked at this?",
                "The statement ran without waiting for reviewers. That you have looked at it is recorded with what you write here.",
                "Mark as reviewed",
            ),
        };
        Form {
            verdict: verdict.name(),
            title,
            explanation,
            button,
            expected: request.state,
            effect_digest: request.effect_digest.clone(),
            idempotency: sessions::random(),
            reason: String::new(),
            reason_required,
        }
    }
}

/// Whether whoever looks has approved it.
pub(super) fn has_approved(given: &[Approval], viewer: &Identity) -> bool {
    let mut given = given.iter();
    given.any(|approval| {
        approval.by.subject == viewer.subject && approval.by.issuer == viewer.issuer
    })
}

/// Whether whoever looks has decided something about it.
pub(super) fn has_acted(entry: &Entry, viewer: &Identity) -> bool {
    let mut actors = entry
        .history
        .iter()
        .filter_map(|event| event.actor.as_ref());
    actors.any(|actor| actor.subject == viewer.subject && actor.issuer == viewer.issuer)
}

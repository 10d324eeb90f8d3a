//! Who may see a request, and who may decide it.

use super::request::Parties;
use super::settings::ApprovalsSettings;
use crate::identity::Identity;

/// Why somebody may not decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barred {
    /// An agent's or a program's token.
    NotAPerson,
    /// Who sent the statement, or for whom it was sent.
    Requester,
    /// Whoever looks after others decides nothing.
    Auditor,
    NotAReviewer,
}

/// Only people decide: the token's issuer is one of people, it names no agent, and nothing in it says that it was issued to a
/// program.
pub(crate) fn is_person(identity: &Identity, settings: &ApprovalsSettings) -> bool {
    identity.agent.is_none() && !identity.program && settings.people.contains(&identity.issuer)
}

/// Whether this identity sees all that can be seen, and decides nothing.
pub(super) fn is_auditor(identity: &Identity, settings: &ApprovalsSettings) -> bool {
    let mut groups = settings.auditors.iter();
    is_person(identity, settings) && groups.any(|group| identity.groups.contains(group))
}

/// Whether this identity can have a statement run without waiting for reviewers.
pub(super) fn may_break_glass(identity: &Identity, settings: &ApprovalsSettings) -> bool {
    let mut groups = settings.break_glass.iter();
    is_person(identity, settings) && groups.any(|group| identity.groups.contains(group))
}

/// Whether this identity may decide about the request.
pub(crate) fn may_decide(
    request: &Parties,
    identity: &Identity,
    settings: &ApprovalsSettings,
) -> Result<(), Barred> {
    if !is_person(identity, settings) {
        return Err(Barred::NotAPerson);
    }
    // An agent's token has the subject of the person it acts for.
    if is_requester(request, identity) {
        return Err(Barred::Requester);
    }
    if is_auditor(identity, settings) {
        return Err(Barred::Auditor);
    }
    if !is_reviewer(request, identity, settings) {
        return Err(Barred::NotAReviewer);
    }
    Ok(())
}

/// Requests show statements and values, so they are shown to those who decide, to viewers and auditors, and to whoever sent them. An agent
/// sees its own requests only.
pub(crate) fn may_see(
    request: &Parties,
    identity: &Identity,
    settings: &ApprovalsSettings,
) -> bool {
    if is_requester(request, identity) {
        return identity.agent.is_none() || identity.agent == request.agent;
    }
    let views = || {
        let mut groups = settings.viewers.iter();
        groups.any(|group| identity.groups.contains(group))
    };
    is_auditor(identity, settings)
        || is_person(identity, settings) && (views() || is_reviewer(request, identity, settings))
}

/// Whether it is this identity's own, or that of one of its agents.
pub(crate) fn is_requester(request: &Parties, identity: &Identity) -> bool {
    request.issuer == identity.issuer && request.subject == identity.subject
}

/// A policy may name users and groups; the configuration names groups.
fn is_reviewer(request: &Parties, identity: &Identity, settings: &ApprovalsSettings) -> bool {
    let in_group = |name: &String| identity.groups.contains(name);
    if request.reviewers.is_empty() {
        return settings.reviewers.iter().any(in_group);
    }
    let mut names = request.reviewers.iter();
    names.any(|name| in_group(name) || *name == identity.subject)
}

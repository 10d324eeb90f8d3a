//! What pages show of access grants.

use super::moment::{Left, Moment};
use super::offers::{Action, Form, has_approved};
use super::sessions;
use super::view::{Clock, Fact, Step};
use super::visible::Visible;
use crate::access::{AccessGrant, Entry, Event, State, Verdict};
use crate::identity::Identity;

/// The characters of a reason in lists.
const SHORT: usize = 400;

/// An access grant in a list.
pub(super) struct GrantRow {
    pub id: String,
    pub state: State,
    pub label: &'static str,
    pub subject: Visible,
    pub agent: Option<Visible>,
    pub databases: Visible,
    /// What may be done to which table.
    pub access: Vec<Visible>,
    pub reason: Visible,
    /// A clock that runs.
    pub clock: Option<Clock>,
    pub rows: Option<String>,
    /// How long it lasts.
    pub lasts: Left,
    pub given: usize,
    pub needed: i64,
    pub may_decide: bool,
    pub is_own: bool,
    pub changed: Moment,
    pub decided_by: Option<Visible>,
}

/// Everything about an access grant.
pub(super) struct GrantDetail {
    pub row: GrantRow,
    pub reason: Visible,
    pub time: Vec<Fact>,
    pub facts: Vec<Fact>,
    pub history: Vec<Step<State>>,
    pub ended: Option<Visible>,
    /// Why there is nothing to decide for whoever looks.
    pub barred: Option<&'static str>,
}

pub(super) fn label(state: State) -> &'static str {
    match state {
        State::Pending => "Waiting",
        State::Approved => "Approved",
        State::Rejected => "Rejected",
        State::Withdrawn => "Withdrawn",
        State::Revoked => "Revoked",
        State::Expired => "Expired",
    }
}

impl GrantRow {
    pub fn new(entry: &Entry, viewer: &Identity, may_decide: bool, now: Moment) -> Self {
        let grant = &entry.grant;
        let access = grant.tables.iter();
        GrantRow {
            id: grant.id.to_string(),
            state: grant.state,
            label: label(grant.state),
            subject: Visible::line(&grant.subject),
            agent: grant.agent.as_deref().map(Visible::line),
            databases: Visible::line(&grant.databases.join(", ")),
            access: access
                .map(|table| Visible::line(&table.to_string()))
                .collect(),
            reason: Visible::beginning(&grant.reason, SHORT),
            clock: clock(grant, now),
            rows: grant
                .row_budget
                .map(|budget| format!("{} of {budget} rows used", grant.rows_used)),
            lasts: lasts(grant),
            given: entry.approvals.len(),
            needed: grant.needed,
            may_decide: may_decide && !grant.state.is_end(),
            is_own: is_own(grant, viewer),
            changed: Moment(grant.changed_at),
            decided_by: grant.decided_by.as_deref().map(Visible::line),
        }
    }
}

fn is_own(grant: &AccessGrant, viewer: &Identity) -> bool {
    grant.subject == viewer.subject && grant.issuer == viewer.issuer
}

fn clock(grant: &AccessGrant, now: Moment) -> Option<Clock> {
    let begins = grant.active_from.filter(|from| *from > now.0);
    let (label, end) = match (grant.state, begins) {
        (State::Pending, _) => ("decide within", grant.expires_at),
        (State::Approved, Some(from)) => ("begins in", from),
        (State::Approved, None) => ("ends in", grant.active_until?),
        _ => return None,
    };
    let end = Moment(end);
    Some(Clock {
        label,
        end,
        left: end.left(now),
    })
}

impl GrantDetail {
    pub fn new(entry: &Entry, viewer: &Identity, may_decide: bool, now: Moment) -> Self {
        let grant = &entry.grant;
        GrantDetail {
            row: GrantRow::new(entry, viewer, may_decide, now),
            reason: Visible::text(&grant.reason),
            time: time(grant),
            facts: facts(grant),
            history: entry.history.iter().map(step).collect(),
            ended: grant.ended.as_deref().map(Visible::line),
            barred: barred(entry, viewer, may_decide),
        }
    }
}

fn present(facts: Vec<(&'static str, String)>) -> Vec<Fact> {
    let given = facts.into_iter().filter(|(_, value)| !value.is_empty());
    given
        .map(|(name, value)| Fact {
            name,
            value: Visible::line(&value),
        })
        .collect()
}

fn lasts(grant: &AccessGrant) -> Left {
    Moment(grant.duration_ms).left(Moment(0))
}

fn time(grant: &AccessGrant) -> Vec<Fact> {
    let moment = |at: Option<i64>| at.map(|at| Moment(at).to_string()).unwrap_or_default();
    present(vec![
        ("Lasts", lasts(grant).to_string()),
        ("Not before", moment(grant.not_before)),
        ("From", moment(grant.active_from)),
        ("Until", moment(grant.active_until)),
    ])
}

fn facts(grant: &AccessGrant) -> Vec<Fact> {
    let asked_by = match &grant.asked_by_agent {
        Some(agent) => format!("the agent {agent}"),
        None => grant.subject.clone(),
    };
    present(vec![
        ("Person", grant.subject.clone()),
        ("Agent", grant.agent.clone().unwrap_or_default()),
        ("Issuer", grant.issuer.clone()),
        ("Asked by", asked_by),
        ("Groups", grant.groups.join(", ")),
        ("Databases", grant.databases.join(", ")),
        ("Statement", grant.statement_id.clone().unwrap_or_default()),
        ("Access grant", grant.id.to_string()),
    ])
}

fn barred(entry: &Entry, viewer: &Identity, may_decide: bool) -> Option<&'static str> {
    let grant = &entry.grant;
    match grant.state {
        State::Pending if is_own(grant, viewer) => {
            Some("This is access of your own, or of one of your agents. Somebody else decides.")
        }
        State::Pending | State::Approved if !may_decide && !is_own(grant, viewer) => {
            Some("You may see this access grant, but not decide about it.")
        }
        State::Pending if has_approved(&entry.approvals, viewer) => {
            Some("You have approved. More people have to agree.")
        }
        _ => None,
    }
}

/// What whoever looks may decide.
pub(super) fn verdicts(entry: &Entry, viewer: &Identity, may_decide: bool) -> Vec<Verdict> {
    let state = entry.grant.state;
    let is_own = is_own(&entry.grant, viewer);
    let has_approved = has_approved(&entry.approvals, viewer);
    Verdict::ALL
        .into_iter()
        .filter(|verdict| {
            verdict.fits(state)
                && match verdict {
                    Verdict::Withdraw => is_own,
                    Verdict::Revoke => may_decide,
                    Verdict::Approve | Verdict::Reject => may_decide && !has_approved,
                }
        })
        .collect()
}

impl From<Verdict> for Action {
    fn from(verdict: Verdict) -> Self {
        let (label, key) = match verdict {
            Verdict::Approve => ("Approve…", "a"),
            Verdict::Reject => ("Reject…", "r"),
            Verdict::Revoke => ("Revoke…", "r"),
            Verdict::Withdraw => ("Withdraw…", "r"),
        };
        Action {
            verdict: verdict.name(),
            label,
            key,
        }
    }
}

impl Form<State> {
    pub fn about_grant(verdict: Verdict, grant: &AccessGrant, reason_required: bool) -> Self {
        let (title, explanation, button) = match verdict {
            Verdict::Approve => (
                "Approve this access?",
                "Policies that accept access grants let these statements run until it ends, without asking for each.",
                "Approve",
            ),
            Verdict::Reject => (
                "Reject this access?",
                "Nothing changes for whoever asked.",
                "Reject",
            ),
            Verdict::Revoke => (
                "Take this access back?",
                "Statements that are sent from now on do not have it. What runs already goes on.",
                "Revoke",
            ),
            Verdict::Withdraw => (
                "Give this access up?",
                "You, or your agent, do not have it from then on.",
                "Withdraw",
            ),
        };
        Form {
            verdict: verdict.name(),
            title,
            explanation,
            button,
            expected: grant.state,
            effect_digest: None,
            idempotency: sessions::random(),
            reason: String::new(),
            reason_required: reason_required && verdict != Verdict::Withdraw,
        }
    }
}

fn step(event: &Event) -> Step<State> {
    let label = match (event.before, event.state) {
        (None, _) => "Asked",
        (Some(State::Pending), State::Pending) => "One approval",
        (_, state) => label(state),
    };
    Step::of(event, label)
}

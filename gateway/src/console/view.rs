//! What pages show of requests.

use gatewright_contract::ApprovalWait;

use super::changes::{Changes, Committed};
use super::moment::{Left, Moment};
use super::offers::has_approved;
use super::visible::Visible;
use crate::approvals::{Entry, Event, Happened, Parameter, ParameterValue, Request, State};
use crate::identity::Identity;

/// The characters of a statement and of a reason in lists.
const SHORT: usize = 400;

/// A request in a list.
pub(super) struct Row {
    pub id: String,
    pub state: State,
    pub label: &'static str,
    pub subject: Visible,
    pub agent: Option<Visible>,
    pub task: Option<Visible>,
    pub database: Visible,
    pub role: Visible,
    pub verb: Visible,
    pub statement: Visible,
    pub reason: Visible,
    /// A clock that runs.
    pub clock: Option<Clock>,
    pub holds: bool,
    pub given: usize,
    pub needed: i64,
    pub may_decide: bool,
    pub is_own: bool,
    pub changed: Moment,
    pub decided_by: Option<Visible>,
    /// It ran without waiting for reviewers.
    pub broke_glass: bool,
}

/// Until when something lasts.
pub(super) struct Clock {
    pub label: &'static str,
    pub end: Moment,
    pub left: Left,
}

/// Everything about a request.
pub(super) struct Detail {
    pub row: Row,
    pub statement: Visible,
    pub lines: usize,
    pub characters: usize,
    pub parameters: Vec<ParameterRow>,
    /// What the server has shown of it.
    pub effect: Option<Visible>,
    /// The rows.
    pub changes: Option<Changes>,
    pub effects: Vec<Visible>,
    pub tables: Vec<Visible>,
    /// What the transaction has changed that it commits.
    pub transaction: Vec<Committed>,
    pub policy: Visible,
    pub policy_version: Visible,
    pub code: Visible,
    pub reason: Visible,
    pub facts: Vec<Fact>,
    pub session: Vec<Fact>,
    pub reviewers: Vec<Visible>,
    pub history: Vec<Step<State>>,
    pub outcome: Option<Visible>,
    /// Why it ran without waiting for reviewers, and who has looked at it since.
    pub break_glass: Option<BrokenGlass>,
    /// Why there is nothing to decide for whoever looks.
    pub barred: Option<&'static str>,
}

/// A statement that ran without waiting for reviewers.
pub(super) struct BrokenGlass {
    pub justification: Visible,
    pub reviewed_by: Option<Visible>,
}

/// A name and a value. Without a value it is not shown.
pub(super) struct Fact {
    pub name: &'static str,
    pub value: Visible,
}

pub(super) struct ParameterRow {
    pub number: usize,
    pub value: Visible,
    /// NULL, or bytes that could not be decoded.
    pub note: Option<&'static str>,
    /// The type's name, or its OID.
    pub kind: String,
}

/// Something that happened.
pub(super) struct Step<S> {
    pub at: Moment,
    pub label: &'static str,
    pub state: S,
    pub by: Option<Visible>,
    pub reason: Option<Visible>,
}

pub(super) fn label(state: State) -> &'static str {
    match state {
        State::Pending => "Waiting",
        State::Approved => "Approved",
        State::Claimed => "Running",
        State::Executed => "Executed",
        State::Failed => "Failed",
        State::Rejected => "Rejected",
        State::Expired => "Expired",
        State::Withdrawn => "Withdrawn",
        State::Revoked => "Revoked",
        State::EffectMismatch => "Effect differed",
    }
}

impl Row {
    pub fn new(entry: &Entry, viewer: &Identity, may_decide: bool, now: Moment) -> Self {
        let request = &entry.request;
        Row {
            id: request.id.to_string(),
            state: request.state,
            label: label(request.state),
            subject: Visible::line(&request.subject),
            agent: request.agent.as_deref().map(Visible::line),
            task: request.shown.task.as_deref().map(Visible::line),
            database: Visible::line(&request.database),
            role: Visible::line(&request.role),
            verb: Visible::line(&request.shown.verb),
            statement: Visible::beginning(request.text.trim_start(), SHORT),
            reason: Visible::beginning(&request.reason, SHORT),
            clock: clock(request, now),
            holds: request.wait == ApprovalWait::Hold,
            given: entry.approvals.len(),
            needed: request.needed,
            may_decide: may_decide
                && (matches!(request.state, State::Pending | State::Approved)
                    || request.is_to_review()),
            is_own: is_own(request, viewer),
            changed: Moment(request.changed_at),
            decided_by: request.decided_by.as_deref().map(Visible::line),
            broke_glass: request.break_glass.is_some(),
        }
    }
}

fn is_own(request: &Request, viewer: &Identity) -> bool {
    request.subject == viewer.subject && request.issuer == viewer.issuer
}

fn clock(request: &Request, now: Moment) -> Option<Clock> {
    let (label, end) = match request.state {
        State::Pending => ("decide within", Some(request.expires_at)),
        State::Approved => ("to be used within", request.approved_until),
        _ => return None,
    };
    let end = Moment(end?);
    Some(Clock {
        label,
        end,
        left: end.left(now),
    })
}

impl Detail {
    pub fn new(entry: &Entry, viewer: &Identity, may_decide: bool, now: Moment) -> Self {
        let request = &entry.request;
        let row = Row::new(entry, viewer, may_decide, now);
        let lines = |texts: &[String]| texts.iter().map(|text| Visible::line(text)).collect();
        let parameters = request.parameters.iter().enumerate();
        Detail {
            statement: Visible::text(&request.text),
            lines: request.text.lines().count(),
            characters: request.text.chars().count(),
            parameters: parameters
                .map(|(at, parameter)| ParameterRow::new(at + 1, parameter))
                .collect(),
            effect: request
                .shown
                .effect
                .as_ref()
                .map(|effect| Visible::line(&effect.in_words())),
            changes: request.shown.effect.as_ref().and_then(Changes::of),
            effects: lines(&request.shown.effects),
            tables: lines(&request.shown.tables),
            transaction: request
                .shown
                .transaction
                .iter()
                .map(Committed::new)
                .collect(),
            policy: Visible::line(&request.policy),
            policy_version: Visible::line(&request.policy_version),
            code: Visible::line(&request.code),
            reason: Visible::text(&request.reason),
            facts: facts(request),
            session: session(request),
            reviewers: lines(&request.reviewers),
            history: entry.history.iter().map(step).collect(),
            outcome: outcome(request),
            break_glass: request
                .break_glass
                .as_deref()
                .map(|justification| BrokenGlass {
                    justification: Visible::text(justification),
                    reviewed_by: request.reviewed_by.as_deref().map(Visible::line),
                }),
            barred: barred(entry, viewer, may_decide),
            row,
        }
    }
}

fn fact(name: &'static str, value: &str) -> Fact {
    Fact {
        name,
        value: Visible::line(value),
    }
}

fn present(facts: Vec<Fact>) -> Vec<Fact> {
    let given = facts.into_iter().filter(|fact| !fact.value.is_empty());
    given.collect()
}

/// Who, and where.
fn facts(request: &Request) -> Vec<Fact> {
    let shown = &request.shown;
    present(vec![
        fact("Person", &request.subject),
        fact("Agent", request.agent.as_deref().unwrap_or_default()),
        fact("Task", shown.task.as_deref().unwrap_or_default()),
        fact("Groups", &shown.groups.join(", ")),
        fact("Issuer", &request.issuer),
        fact("Database", &request.database),
        fact("Role", &request.role),
        fact("Application", &shown.application),
        fact("Client address", &shown.client_address),
    ])
}

/// What an approval binds besides, and the ids in logs.
fn session(request: &Request) -> Vec<Fact> {
    let shown = &request.shown;
    let settings = request.settings.iter();
    let settings: Vec<_> = settings
        .map(|(name, value)| format!("{name} = {value}"))
        .collect();
    present(vec![
        fact("Search path", &request.search_path.join(", ")),
        fact("Settings", &settings.join(", ")),
        fact("Request", &request.id.to_string()),
        fact("Session", &shown.session_id),
        fact("Statement", &shown.statement_id),
        fact("Binding (SHA-256)", &request.digest),
        fact(
            "Effect (SHA-256)",
            request.effect_digest.as_deref().unwrap_or_default(),
        ),
    ])
}

fn outcome(request: &Request) -> Option<Visible> {
    let text = match (
        request.state,
        request.rows,
        &request.sqlstate,
        &request.ended,
    ) {
        (State::Executed, Some(1), ..) => "1 row".to_owned(),
        (State::Executed, Some(rows), ..) => format!("{rows} rows"),
        (state, _, Some(sqlstate), _) if state.is_end() => format!("SQLSTATE {sqlstate}"),
        (state, _, _, Some(ended)) if state.is_end() => ended.clone(),
        _ => return None,
    };
    Some(Visible::line(&text))
}

fn barred(entry: &Entry, viewer: &Identity, may_decide: bool) -> Option<&'static str> {
    let request = &entry.request;
    match request.state {
        State::Pending | State::Approved if is_own(request, viewer) => {
            Some("This is your own statement, or one of your agents'. Somebody else decides.")
        }
        State::Pending | State::Approved if !may_decide => {
            Some("You may see this request, but not decide about it.")
        }
        State::Pending if has_approved(&entry.approvals, viewer) => {
            Some("You have approved. More people have to agree.")
        }
        _ => None,
    }
}

impl ParameterRow {
    fn new(number: usize, parameter: &Parameter) -> Self {
        let (value, note) = match &parameter.value {
            ParameterValue::Null => (Visible::default(), Some("NULL")),
            ParameterValue::Text(text) if text.is_empty() => {
                (Visible::default(), Some("empty text"))
            }
            ParameterValue::Text(text) => (Visible::text(text), None),
            ParameterValue::Undecoded(digits) => {
                (Visible::line(digits), Some("bytes, in hexadecimal digits"))
            }
        };
        ParameterRow {
            number,
            value,
            note,
            kind: type_name(parameter.type_oid),
        }
    }
}

/// As pg_type has it, for the types that drivers send most.
fn type_name(oid: u32) -> String {
    let name = match oid {
        0 => "type left open",
        16 => "boolean",
        17 => "bytea",
        20 => "bigint",
        21 => "smallint",
        23 => "integer",
        25 => "text",
        114 => "json",
        700 => "real",
        701 => "double",
        1043 => "varchar",
        1082 => "date",
        1114 => "timestamp",
        1184 => "timestamptz",
        1700 => "numeric",
        2950 => "uuid",
        3802 => "jsonb",
        other => return format!("type {other}"),
    };
    name.to_owned()
}

impl<S: Copy> Step<S> {
    /// `label`: what happened.
    pub fn of<I>(event: &Happened<I, S>, label: &'static str) -> Self {
        Step {
            at: Moment(event.at),
            label,
            state: event.state,
            by: event
                .actor
                .as_ref()
                .map(|actor| Visible::line(&actor.subject)),
            reason: event.reason.as_deref().map(Visible::text),
        }
    }
}

fn step(event: &Event) -> Step<State> {
    let label = match (event.before, event.state) {
        (None, _) => "Asked",
        (Some(State::Pending), State::Pending) => "One approval",
        (Some(before), after) if before == after && event.actor.is_some() => "Reviewed",
        (_, state) => label(state),
    };
    Step::of(event, label)
}

//! What pages show of recorded sessions.

use super::moment::{Left, Moment};
use super::visible::Visible;
use crate::library::{
    Cell, Contents, Found, Missing, SessionEntry, StatementEntry, StatementPolicy, ViewedEntry,
};

/// The characters of a statement in lists.
const SHORT: usize = 400;

/// A recorded session.
pub(super) struct RecordedRow {
    pub id: String,
    pub subject: Visible,
    pub issuer: Visible,
    pub groups: Vec<Visible>,
    pub agent: Option<Visible>,
    pub task: Option<Visible>,
    pub database: Visible,
    pub role: Visible,
    pub application: Visible,
    pub address: Visible,
    pub began: Moment,
    pub ended: Option<Moment>,
    pub end: Option<Visible>,
    pub lasted: Left,
    pub statements: i64,
    /// `None`: they are encrypted.
    pub refused: Option<i64>,
    pub rows: i64,
    pub viewings: i64,
    pub is_sealed: bool,
    pub is_damaged: bool,
    /// What is recorded of it, where that is not everything.
    pub kept: Option<&'static str>,
    pub is_redacted: bool,
}

/// An execution or a refusal.
pub(super) struct StatementRow {
    pub number: i64,
    pub state: State,
    pub began: Moment,
    pub took: Option<String>,
    pub verb: Visible,
    /// `None`: it is encrypted, or its judgement is not recorded.
    pub short: Option<Visible>,
    pub text: Option<Visible>,
    pub is_cut: bool,
    pub instead: Option<Visible>,
    pub tables: Vec<Visible>,
    pub sqlstate: Option<Visible>,
    pub message: Option<Visible>,
    pub policies: Vec<PolicyAnswer>,
    pub approvals: Vec<String>,
    pub rows: i64,
    pub masked: i64,
    pub changed: Option<i64>,
    pub rehearsal: Option<&'static str>,
    pub is_execution: bool,
}

/// What became of it, with the class of the page's style.
pub(super) struct State {
    pub class: &'static str,
    pub label: &'static str,
}

pub(super) struct PolicyAnswer {
    pub name: Visible,
    pub version: Visible,
    pub answer: &'static str,
    pub shadow: Option<&'static str>,
}

/// A statement that was found.
pub(super) struct FoundRow {
    pub session: String,
    pub number: i64,
    pub subject: Visible,
    pub agent: Option<Visible>,
    pub database: Visible,
    pub state: State,
    pub began: Moment,
    pub pieces: Vec<Piece>,
    /// It was not found in the text.
    pub is_elsewhere: bool,
}

pub(super) struct Piece {
    pub text: Visible,
    pub is_found: bool,
}

pub(super) struct ViewedRow {
    pub at: Moment,
    pub subject: Visible,
    pub through: Visible,
    pub address: Visible,
    pub statement: Option<i64>,
    pub session: String,
}

/// Parameters and rows.
pub(super) struct ResultTable {
    pub parameters: Vec<(usize, Value)>,
    pub sent: Option<Visible>,
    pub columns: Vec<Visible>,
    pub rows: Vec<Vec<Value>>,
    pub first: u64,
    pub last: u64,
    pub notes: Vec<Visible>,
}

pub(super) struct Value {
    pub text: Visible,
    /// NULL, masked, or how much is recorded.
    pub note: Option<String>,
}

impl RecordedRow {
    pub fn new(entry: &SessionEntry, now: Moment) -> Self {
        let began = moment(entry.opened_at);
        let ended = entry.ended_at.map(moment);
        let optional = |text: &Option<String>| text.as_deref().map(Visible::line);
        RecordedRow {
            id: entry.id.clone(),
            subject: Visible::line(&entry.subject),
            issuer: Visible::line(&entry.issuer),
            groups: entry
                .groups
                .iter()
                .map(|group| Visible::line(group))
                .collect(),
            agent: optional(&entry.agent),
            task: optional(&entry.task),
            database: Visible::line(&entry.database),
            role: Visible::line(&entry.role),
            application: Visible::line(&entry.application),
            address: Visible::line(&entry.client_address),
            began,
            ended,
            end: optional(&entry.ended),
            lasted: began.ago(ended.unwrap_or(now)),
            statements: entry.executions,
            refused: (!entry.is_sealed).then_some(entry.refusals),
            rows: entry.rows,
            viewings: entry.viewings,
            is_sealed: entry.is_sealed,
            is_damaged: entry.damages > 0,
            kept: match entry.keep.as_str() {
                "nothing" => Some("only who was connected, and when"),
                "statements" => Some("statements without results"),
                _ => None,
            },
            is_redacted: entry.literals == "redact",
        }
    }
}

impl StatementRow {
    pub fn new(entry: &StatementEntry) -> Self {
        let optional = |text: &Option<String>| text.as_deref().map(Visible::line);
        let text = entry.text.as_deref();
        StatementRow {
            number: entry.number,
            state: State::of(entry),
            began: moment(entry.began_at),
            took: entry.elapsed_us.map(took),
            verb: Visible::line(&entry.verb),
            short: text.map(|text| Visible::beginning(text, SHORT)),
            text: text.map(Visible::text),
            is_cut: entry.is_cut,
            instead: entry.instead.as_deref().map(Visible::text),
            tables: entry
                .tables
                .iter()
                .map(|table| Visible::line(table))
                .collect(),
            sqlstate: optional(&entry.sqlstate.clone().filter(|code| code != "00000")),
            message: optional(&entry.message),
            policies: entry.policies.iter().map(PolicyAnswer::new).collect(),
            approvals: entry.approvals.clone(),
            rows: entry.rows,
            masked: entry.masked_values,
            changed: entry.changed,
            rehearsal: match entry.rehearsal.as_deref() {
                Some("estimate") => Some("planned for reviewers"),
                Some(_) => Some("rehearsed for reviewers and rolled back"),
                None => None,
            },
            is_execution: entry.execution.is_some(),
        }
    }
}

impl State {
    fn of(entry: &StatementEntry) -> Self {
        let (class, label) = match (entry.outcome.as_deref(), entry.decision.as_deref()) {
            (Some("completed"), _) => ("executed", "Completed"),
            (Some("suspended"), _) => ("claimed", "Suspended"),
            (Some("failed"), _) => ("failed", "Failed"),
            (Some("skipped"), _) => ("expired", "Skipped"),
            (Some(_), _) => ("failed", "Lost"),
            (None, Some("refused")) => ("rejected", "Refused"),
            (None, _) => ("pending", "Running"),
        };
        State { class, label }
    }
}

impl PolicyAnswer {
    fn new(policy: &StatementPolicy) -> Self {
        PolicyAnswer {
            name: Visible::line(&policy.name),
            version: Visible::line(&policy.version),
            answer: answer(&policy.answer),
            shadow: policy.shadow.as_deref().and_then(would),
        }
    }
}

fn answer(name: &str) -> &'static str {
    match name {
        "allowed" => "allowed it",
        "denied" => "refused it",
        "requires-approval" => "asked people",
        "rewrote" => "rewrote it",
        _ => "was not asked",
    }
}

/// What a policy in shadow mode would have done.
fn would(name: &str) -> Option<&'static str> {
    match name {
        "denied" => Some("it would have refused it"),
        "requires-approval" => Some("it would have asked people"),
        "rewrote" => Some("it would have rewritten it"),
        _ => None,
    }
}

impl FoundRow {
    pub fn new(found: &Found) -> Self {
        let (session, statement) = (&found.session, &found.statement);
        let mut pieces: Vec<Piece> = found
            .snippet
            .iter()
            .map(|piece| Piece {
                text: Visible::text(&piece.text),
                is_found: piece.is_found,
            })
            .collect();
        let is_elsewhere = pieces.is_empty();
        if is_elsewhere {
            let text = statement.text.as_deref().unwrap_or_default();
            pieces.push(Piece {
                text: Visible::beginning(text, SHORT),
                is_found: false,
            });
        }
        FoundRow {
            session: session.id.clone(),
            number: statement.number,
            subject: Visible::line(&session.subject),
            agent: session.agent.as_deref().map(Visible::line),
            database: Visible::line(&session.database),
            state: State::of(statement),
            began: moment(statement.began_at),
            pieces,
            is_elsewhere,
        }
    }
}

impl ViewedRow {
    pub fn new(viewed: &ViewedEntry) -> Self {
        let through = viewed.application.trim_start_matches("gatewright ");
        ViewedRow {
            at: moment(viewed.at),
            subject: Visible::line(&viewed.subject),
            through: Visible::line(through),
            address: Visible::line(&viewed.client_address),
            statement: viewed.statement,
            session: viewed.session.clone(),
        }
    }
}

impl ResultTable {
    pub fn new(contents: &Contents) -> Self {
        let parameters = (1..).zip(&contents.parameters);
        let parameters =
            parameters.map(|(number, parameter)| (number, Value::new(&parameter.value)));
        let rows = contents.rows.iter();
        let count = u64::try_from(contents.rows.len()).unwrap_or(u64::MAX);
        ResultTable {
            parameters: parameters.collect(),
            sent: contents.sent.as_deref().map(Visible::text),
            columns: contents
                .columns
                .iter()
                .map(|name| Visible::line(name))
                .collect(),
            rows: rows
                .map(|row| row.iter().map(Value::new).collect())
                .collect(),
            first: contents.first.saturating_add(1),
            last: contents.first.saturating_add(count),
            notes: contents
                .notes
                .iter()
                .map(|note| Visible::text(&note.text))
                .collect(),
        }
    }
}

impl Value {
    fn new(cell: &Cell) -> Self {
        let (text, note) = match cell {
            Cell::Null => ("", Some("NULL".to_owned())),
            Cell::Text(text) => (text.as_str(), None),
            Cell::Cut(text) => (text.as_str(), Some("… there is more".to_owned())),
            Cell::Withheld(length) => ("", Some(format!("{length} bytes, not recorded"))),
            Cell::Masked => ("", Some("masked for you".to_owned())),
        };
        Value {
            text: Visible::text(text),
            note,
        }
    }
}

/// Why something of a statement is not shown.
pub(super) fn why(missing: Missing) -> &'static str {
    match missing {
        Missing::Encrypted => {
            "What the statement was and what it returned is encrypted. The gateway cannot read it: use gatewright sessions show with --identity."
        }
        Missing::TooFar => {
            "These rows are too far into the result to be shown here: use gatewright export."
        }
        Missing::Elsewhere => {
            "This gateway does not have the files of this session: another gateway has them, or only the object store."
        }
        Missing::NotKept => "No results are recorded of this session.",
        Missing::Damaged => {
            "The record is damaged here. gatewright record verify says where, and what was done to it."
        }
        Missing::Running => "It runs: its result is here once it has ended.",
    }
}

fn moment(micros: i64) -> Moment {
    Moment(micros / 1000)
}

fn took(micros: i64) -> String {
    match micros {
        ..1000 => format!("{micros} µs"),
        1000..10_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{} s", micros / 1_000_000),
    }
}

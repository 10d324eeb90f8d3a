//! What the API shows of recorded sessions, as JSON.

use serde::Serialize;

use crate::api::time::rfc3339_micros;
use crate::library::{
    Cell, Contents, Found, Missing, SessionEntry, ShownParameter, StatementEntry, StatementPolicy,
    StatementShown, ViewedEntry,
};

#[derive(Debug, Serialize)]
pub(in crate::api) struct SessionView {
    id: String,
    began_at: String,
    /// Absent: it is open.
    ended_at: Option<String>,
    end: Option<String>,
    issuer: String,
    subject: String,
    groups: Vec<String>,
    agent: Option<String>,
    task: Option<String>,
    database: String,
    role: String,
    client_address: String,
    application: String,
    keep: String,
    literals: String,
    statements: i64,
    /// Of an encrypted session it is not known.
    refused: Option<i64>,
    rows: i64,
    viewings: i64,
    encrypted: bool,
    damaged_blocks: i64,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct SessionPageView {
    pub sessions: Vec<SessionView>,
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct SessionDetailView {
    #[serde(flatten)]
    pub session: SessionView,
    /// Who was shown something of it, the last first.
    pub viewed: Vec<ViewingView>,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct ViewingView {
    at: String,
    issuer: String,
    subject: String,
    client_address: String,
    application: String,
    statement: Option<i64>,
    session: String,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct StatementView {
    number: i64,
    /// Absent: it was refused.
    execution: Option<i64>,
    began_at: String,
    elapsed_us: Option<i64>,
    decision: Option<String>,
    outcome: Option<String>,
    sqlstate: Option<String>,
    message: Option<String>,
    verb: String,
    tables: Vec<String>,
    /// Absent: it is encrypted, or not recorded.
    text: Option<String>,
    ran_as: Option<String>,
    text_is_cut: bool,
    policies: Vec<StatementPolicy>,
    approvals: Vec<String>,
    rehearsal: Option<String>,
    rows: i64,
    masked_values: i64,
    rows_changed: Option<i64>,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct StatementPageView {
    pub statements: Vec<StatementView>,
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct StatementDetailView {
    #[serde(flatten)]
    statement: StatementView,
    parameters: Vec<ParameterView>,
    columns: Vec<String>,
    /// Of each value, its text, null, or an object that says why it is not shown.
    results: Vec<Vec<serde_json::Value>>,
    first_row: u64,
    more_rows: bool,
    notes: Vec<String>,
    /// Why something is not shown.
    missing: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct ParameterView {
    type_oid: u32,
    value: serde_json::Value,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct FoundPageView {
    pub found: Vec<FoundView>,
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize)]
pub(in crate::api) struct FoundView {
    session: SessionView,
    statement: StatementView,
    snippet: Vec<SnippetView>,
}

#[derive(Debug, Serialize)]
struct SnippetView {
    text: String,
    found: bool,
}

impl From<SessionEntry> for SessionView {
    fn from(session: SessionEntry) -> Self {
        SessionView {
            id: session.id,
            began_at: rfc3339_micros(session.opened_at),
            ended_at: session.ended_at.map(rfc3339_micros),
            end: session.ended,
            issuer: session.issuer,
            subject: session.subject,
            groups: session.groups,
            agent: session.agent,
            task: session.task,
            database: session.database,
            role: session.role,
            client_address: session.client_address,
            application: session.application,
            keep: session.keep,
            literals: session.literals,
            statements: session.executions,
            refused: (!session.is_sealed).then_some(session.refusals),
            rows: session.rows,
            viewings: session.viewings,
            encrypted: session.is_sealed,
            damaged_blocks: session.damages,
        }
    }
}

impl From<ViewedEntry> for ViewingView {
    fn from(viewed: ViewedEntry) -> Self {
        ViewingView {
            at: rfc3339_micros(viewed.at),
            issuer: viewed.issuer,
            subject: viewed.subject,
            client_address: viewed.client_address,
            application: viewed.application,
            statement: viewed.statement,
            session: viewed.session,
        }
    }
}

impl From<StatementEntry> for StatementView {
    fn from(entry: StatementEntry) -> Self {
        StatementView {
            number: entry.number,
            execution: entry.execution,
            began_at: rfc3339_micros(entry.began_at),
            elapsed_us: entry.elapsed_us,
            decision: entry.decision,
            outcome: entry.outcome,
            sqlstate: entry.sqlstate,
            message: entry.message,
            verb: entry.verb,
            tables: entry.tables,
            text: entry.text,
            ran_as: entry.instead,
            text_is_cut: entry.is_cut,
            policies: entry.policies,
            approvals: entry.approvals,
            rehearsal: entry.rehearsal,
            rows: entry.rows,
            masked_values: entry.masked_values,
            rows_changed: entry.changed,
        }
    }
}

impl From<StatementShown> for StatementDetailView {
    fn from(shown: StatementShown) -> Self {
        let Contents {
            parameters,
            columns,
            rows,
            first,
            has_more,
            notes,
            missing,
            sent: _,
        } = shown.contents;
        let row = |row: Vec<Cell>| row.into_iter().map(value).collect();
        StatementDetailView {
            statement: shown.statement.into(),
            parameters: parameters.into_iter().map(ParameterView::from).collect(),
            columns,
            results: rows.into_iter().map(row).collect(),
            first_row: first,
            more_rows: has_more,
            notes: notes.into_iter().map(|note| note.text).collect(),
            missing: missing.map(why),
        }
    }
}

impl From<ShownParameter> for ParameterView {
    fn from(parameter: ShownParameter) -> Self {
        ParameterView {
            type_oid: parameter.type_oid,
            value: value(parameter.value),
        }
    }
}

impl From<Found> for FoundView {
    fn from(found: Found) -> Self {
        let snippet = found.snippet.into_iter().map(|piece| SnippetView {
            text: piece.text,
            found: piece.is_found,
        });
        FoundView {
            session: found.session.into(),
            statement: found.statement.into(),
            snippet: snippet.collect(),
        }
    }
}

fn value(cell: Cell) -> serde_json::Value {
    match cell {
        Cell::Null => serde_json::Value::Null,
        Cell::Text(text) => text.into(),
        Cell::Cut(text) => serde_json::json!({ "cut": text }),
        Cell::Withheld(length) => serde_json::json!({ "withheld": length }),
        Cell::Masked => serde_json::json!({ "masked": true }),
    }
}

fn why(missing: Missing) -> &'static str {
    match missing {
        Missing::Encrypted => "encrypted",
        Missing::TooFar => "too-far",
        Missing::Elsewhere => "elsewhere",
        Missing::NotKept => "not-kept",
        Missing::Damaged => "damaged",
        Missing::Running => "running",
    }
}

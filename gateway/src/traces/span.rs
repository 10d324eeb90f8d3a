//! A span with the attributes of the semantic conventions (<https://opentelemetry.io/docs/specs/semconv/database/postgresql/>).

use gatewright_contract::{Outcome, Verb};
use gatewright_sql::redacted_as_parameters;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use rand::Rng;

use super::queue::Queued;
use super::settings::QueryTexts;
use crate::otlp::{attribute, text};
use crate::recording::{Decision, Judged, Withheld};

/// The longest summary, as the conventions have it.
const LONGEST_SUMMARY: usize = 255;

/// The longest text, in bytes.
const LONGEST_TEXT: usize = 16 << 10;

const DEFAULT_PORT: u16 = 5432;

/// Flags of a span whose parent is known to be elsewhere.
const PARENT_IS_REMOTE: u32 = 0x300;

pub(super) fn span(queued: &Queued, texts: QueryTexts) -> Span {
    let statement = &queued.statement;
    let judged = statement.judged.as_deref();
    let operation = judged.and_then(operation);
    let summary = judged.and_then(|judged| summary(operation.as_deref()?, judged));
    let (began, ended) = match &statement.execution {
        Some(execution) => (execution.began, execution.completed.at),
        None => {
            let at = judged.map_or(0, |judged| judged.at);
            (at, at)
        }
    };
    let failure = failure(queued);
    let mut attributes = vec![
        attribute("db.system.name", text("postgresql")),
        attribute("db.namespace", text(&statement.session.database)),
        attribute(
            "gatewright.session.id",
            text(&statement.session.session.to_string()),
        ),
        attribute("gatewright.decision", text(decision(judged))),
    ];
    let mut put = |key: &str, value: Option<AnyValue>| {
        attributes.extend(value.map(|value| attribute(key, value)));
    };
    put("db.operation.name", operation.as_deref().map(text));
    put("db.query.summary", summary.as_deref().map(text));
    put("db.collection.name", judged.and_then(collection).map(text));
    put(
        "db.query.text",
        judged
            .and_then(|judged| query_text(judged, texts))
            .as_deref()
            .map(text),
    );
    put("db.response.status_code", failure.map(text));
    put("error.type", failure.map(text));
    if let Some(server) = &queued.server {
        put("server.address", Some(text(&server.0)));
        let port = Some(server.1).filter(|port| *port != DEFAULT_PORT);
        put("server.port", port.map(|port| number(port.into())));
    }
    let mut random = rand::rng();
    Span {
        trace_id: match queued.parent {
            Some(parent) => parent.trace.to_vec(),
            None => random.random::<[u8; 16]>().to_vec(),
        },
        span_id: random.random::<[u8; 8]>().to_vec(),
        parent_span_id: queued
            .parent
            .map_or_else(Vec::new, |parent| parent.span.to_vec()),
        flags: queued
            .parent
            .map_or(1, |parent| u32::from(parent.flags) | PARENT_IS_REMOTE),
        name: summary
            .or(operation)
            .unwrap_or_else(|| "postgresql".to_owned()),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: began.saturating_mul(1000),
        end_time_unix_nano: ended.saturating_mul(1000),
        attributes,
        status: failure.map(|_| Status {
            code: StatusCode::Error.into(),
            ..Status::default()
        }),
        ..Span::default()
    }
}

/// The command. Names of what it is about are in the summary.
fn operation(judged: &Judged) -> Option<String> {
    let verb = Verb::ALL.iter().find(|verb| verb.name() == judged.verb)?;
    let name = match verb {
        Verb::Select
        | Verb::Insert
        | Verb::Update
        | Verb::Delete
        | Verb::Merge
        | Verb::Truncate
        | Verb::Call
        | Verb::Explain
        | Verb::Lock => verb.name().to_ascii_uppercase(),
        Verb::CopyIn | Verb::CopyOut => "COPY".to_owned(),
        Verb::DoBlock => "DO".to_owned(),
        Verb::Ddl
        | Verb::Grant
        | Verb::Transaction
        | Verb::Set
        | Verb::Cursor
        | Verb::Prepare
        | Verb::Listen
        | Verb::Maintenance
        | Verb::Utility => first_word(&judged.text)?,
        Verb::Unknown => return None,
    };
    Some(name)
}

/// A keyword, not a value: it consists of letters, and stands at the beginning.
fn first_word(text: &str) -> Option<String> {
    let word = text.split_ascii_whitespace().next()?.trim_end_matches(';');
    let is_word =
        !word.is_empty() && word.len() <= 16 && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_word.then(|| word.to_ascii_uppercase())
}

fn summary(operation: &str, judged: &Judged) -> Option<String> {
    let mut summary = operation.to_owned();
    for table in &judged.tables {
        if summary.len() + 1 + table.len() > LONGEST_SUMMARY {
            break;
        }
        summary.push(' ');
        summary.push_str(table);
    }
    Some(summary)
}

fn collection(judged: &Judged) -> Option<&str> {
    match judged.tables.as_slice() {
        [table] => Some(table),
        _ => None,
    }
}

fn query_text(judged: &Judged, texts: QueryTexts) -> Option<String> {
    let is_certain = !judged.text.is_empty() && !judged.text.contains('\\');
    let redacted = match (texts, &judged.withheld) {
        (QueryTexts::None, _) => return None,
        (QueryTexts::Redacted, Some(Withheld::Constants)) => Some(judged.text.clone()),
        // With the setting off, a backslash would hide where a string ends.
        (QueryTexts::Redacted, _) if is_certain => redacted_as_parameters(&judged.text),
        (QueryTexts::Redacted, _) => None,
    };
    redacted.filter(|text| !text.is_empty() && text.len() <= LONGEST_TEXT)
}

fn decision(judged: Option<&Judged>) -> &'static str {
    match judged.map(|judged| judged.decision) {
        Some(Decision::Permitted) => "permitted",
        Some(Decision::NeedsApproval) => "approved",
        Some(Decision::Refused) => "refused",
        None => "unknown",
    }
}

/// Why it failed: an SQLSTATE, or what became of it where there is none.
fn failure(queued: &Queued) -> Option<&str> {
    let Some(execution) = &queued.statement.execution else {
        let judged = queued.statement.judged.as_deref();
        return judged
            .and_then(|judged| judged.sqlstate.as_deref())
            .or(Some("refused"));
    };
    let completed = &execution.completed;
    match completed.outcome {
        Outcome::Completed | Outcome::Suspended => None,
        Outcome::Failed | Outcome::Skipped | Outcome::Lost if completed.sqlstate.is_empty() => {
            Some(completed.outcome.name())
        }
        Outcome::Failed | Outcome::Skipped | Outcome::Lost => Some(&completed.sqlstate),
    }
}

fn number(value: i64) -> AnyValue {
    AnyValue {
        value: Some(any_value::Value::IntValue(value)),
    }
}

//! One row for each execution or refusal, for formats that are tables.

use std::io;

use anyhow::Result;
use gatewright_contract::SessionId;
use gatewright_record::Event;
use gatewright_record::directory::Segments;
use gatewright_record::event::{Judged, Opened, Parameter, Time};
use gatewright_record::segment::Scan;

use super::executions::{Executions, Over};
use crate::cli::record::Record;
use crate::cli::sessions::text;

/// An execution or a refusal.
#[derive(Default)]
pub(super) struct Row {
    pub session: String,
    pub subject: String,
    pub agent: Option<String>,
    pub database: String,
    pub role: String,
    pub at: Time,
    pub execution: Option<u64>,
    pub outcome: String,
    pub sqlstate: Option<String>,
    pub rows: Option<u64>,
    pub bytes: Option<u64>,
    pub masked_values: Option<u64>,
    pub rows_changed: Option<u64>,
    pub elapsed_us: Option<u64>,
    pub verb: Option<String>,
    /// With spaces between them.
    pub tables: Option<String>,
    pub text: Option<String>,
    pub ran_as: Option<String>,
    /// As JSON.
    pub parameters: Option<String>,
}

impl Row {
    pub fn of(session: SessionId, opened: &Opened, over: &Over<'_>) -> Self {
        let row = Row {
            session: session.to_string(),
            subject: opened.subject.clone(),
            agent: opened.agent.clone(),
            database: opened.database.clone(),
            role: opened.role.clone(),
            ..Row::default()
        };
        match over {
            Over::Refused(judged) => Row {
                at: judged.at,
                outcome: "refused".to_owned(),
                sqlstate: judged.sqlstate.clone(),
                parameters: judged.parameters.as_deref().map(in_json),
                ..row
            }
            .saying(judged),
            Over::Executed {
                judged,
                attempted,
                completed,
            } => {
                let outcome = completed.outcome.name();
                let is_rehearsal = attempted.is_some_and(|event| event.rehearsal.is_some());
                let parameters = attempted.map(|attempted| in_json(&attempted.parameters));
                let row = Row {
                    at: attempted.map_or(completed.at, |event| event.at),
                    execution: Some(completed.execution),
                    outcome: match is_rehearsal {
                        true => format!("rehearsal {outcome}"),
                        false => outcome.to_owned(),
                    },
                    sqlstate: Some(completed.sqlstate.clone()),
                    rows: Some(completed.rows),
                    bytes: Some(completed.bytes),
                    masked_values: Some(completed.masked_cells),
                    rows_changed: completed.changed,
                    elapsed_us: Some(completed.elapsed_us),
                    parameters,
                    ..row
                };
                match judged {
                    Some(judged) => row.saying(judged),
                    None => row,
                }
            }
        }
    }

    fn saying(self, judged: &Judged) -> Self {
        Row {
            verb: Some(judged.verb.clone()),
            tables: Some(judged.tables.join(" ")),
            text: Some(text::text(judged)),
            ran_as: judged.instead.clone(),
            ..self
        }
    }
}

/// The rows of a session, one after the other.
pub(super) fn each(
    record: &Record,
    segments: &Segments,
    session: SessionId,
    mut take: impl FnMut(Row) -> io::Result<()>,
) -> Result<Vec<(u32, Scan)>> {
    let mut opened = Opened::default();
    let mut executions = Executions::default();
    let mut taken = Ok(());
    let scans = record.read(segments, &mut |event| {
        if let Event::Opened(event) = &event {
            opened = (**event).clone();
        }
        if taken.is_ok() {
            taken = executions.take(&event, |over| take(Row::of(session, &opened, &over)));
        }
    })?;
    taken?;
    Ok(scans)
}

fn in_json(parameters: &[Parameter]) -> String {
    let values = parameters.iter().map(text::parameter);
    serde_json::Value::from(values.collect::<Vec<_>>()).to_string()
}

//! CSV (RFC 4180): one line per execution or refusal.

use std::io::{self, Write};

use anyhow::Result;
use gatewright_contract::SessionId;
use gatewright_record::Event;
use gatewright_record::directory::Segments;
use gatewright_record::event::Opened;
use gatewright_record::segment::Scan;

use super::executions::{Executions, Over};
use crate::cli::record::Record;
use crate::cli::sessions::text;

const COLUMNS: [&str; 19] = [
    "session",
    "subject",
    "agent",
    "database",
    "role",
    "at",
    "execution",
    "outcome",
    "sqlstate",
    "rows",
    "bytes",
    "masked_values",
    "rows_changed",
    "elapsed_us",
    "verb",
    "tables",
    "text",
    "ran_as",
    "parameters",
];

pub(super) fn heading(out: &mut impl Write) -> io::Result<()> {
    line(out, &COLUMNS.map(str::to_owned))
}

pub(super) fn export(
    record: &Record,
    segments: &Segments,
    session: SessionId,
    out: &mut impl Write,
) -> Result<Vec<(u32, Scan)>> {
    let mut opened = Opened::default();
    let mut executions = Executions::default();
    let mut written = Ok(());
    let scans = record.read(segments, &mut |event| {
        if let Event::Opened(event) = &event {
            opened = (**event).clone();
        }
        if written.is_ok() {
            written = executions.take(&event, |over| line(out, &fields(session, &opened, &over)));
        }
    })?;
    written?;
    Ok(scans)
}

fn fields(session: SessionId, opened: &Opened, over: &Over<'_>) -> Vec<String> {
    let mut fields = vec![
        session.to_string(),
        opened.subject.clone(),
        opened.agent.clone().unwrap_or_default(),
        opened.database.clone(),
        opened.role.clone(),
    ];
    let (judged, attempted) = match over {
        Over::Refused(judged) => {
            fields.push(text::precise_time(judged.at));
            fields.extend([String::new(), "refused".to_owned()]);
            fields.push(judged.sqlstate.clone().unwrap_or_default());
            fields.extend(std::iter::repeat_n(String::new(), 5));
            (Some(*judged), None)
        }
        Over::Executed {
            judged,
            attempted,
            completed,
        } => {
            let at = attempted.map_or(completed.at, |event| event.at);
            let changed = completed.changed.map(|changed| changed.to_string());
            fields.push(text::precise_time(at));
            fields.push(completed.execution.to_string());
            let outcome = completed.outcome.name();
            fields.push(
                match attempted.is_some_and(|event| event.rehearsal.is_some()) {
                    true => format!("rehearsal {outcome}"),
                    false => outcome.to_owned(),
                },
            );
            fields.push(completed.sqlstate.clone());
            fields.push(completed.rows.to_string());
            fields.push(completed.bytes.to_string());
            fields.push(completed.masked_cells.to_string());
            fields.push(changed.unwrap_or_default());
            fields.push(completed.elapsed_us.to_string());
            (*judged, *attempted)
        }
    };
    fields.push(judged.map(|judged| judged.verb.clone()).unwrap_or_default());
    let tables = judged.map(|judged| judged.tables.join(" "));
    fields.push(tables.unwrap_or_default());
    fields.push(judged.map(text::text).unwrap_or_default());
    let instead = judged.and_then(|judged| judged.instead.clone());
    fields.push(instead.unwrap_or_default());
    let refused = judged.and_then(|judged| judged.parameters.as_ref());
    let parameters = attempted.map(|attempted| &attempted.parameters).or(refused);
    let parameters = parameters.map(|parameters| {
        let values = parameters.iter().map(text::parameter);
        serde_json::Value::from(values.collect::<Vec<_>>()).to_string()
    });
    fields.push(parameters.unwrap_or_default());
    fields
}

fn line(out: &mut impl Write, fields: &[String]) -> io::Result<()> {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    write!(out, "{}\r\n", fields.join(","))
}

fn quoted(field: &str) -> String {
    match field.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}

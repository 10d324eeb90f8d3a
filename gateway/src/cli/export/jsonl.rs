//! One JSON object per event. What was delivered is one per message.

use std::io::{self, Write};

use anyhow::Result;
use gatewright_contract::SessionId;
use gatewright_record::Event;
use gatewright_record::directory::Segments;
use gatewright_record::event::{
    Attempted, Completed, Decision, Judged, Opened, Parameter, PolicyAnswer, RehearsalWay, Stage,
    Viewed, Withheld,
};
use gatewright_record::segment::Scan;
use gatewright_wire::ErrorFields;
use gatewright_wire::backend::{CommandComplete, DataRow, NotificationResponse, RowDescription};
use gatewright_wire::frame::Frame;
use serde_json::{Map, Value, json};

use crate::cli::record::Record;
use crate::cli::sessions::text;
use crate::library::frames::Frames;

pub(super) fn export(
    record: &Record,
    segments: &Segments,
    session: SessionId,
    out: &mut impl Write,
) -> Result<Vec<(u32, Scan)>> {
    let mut lines = Lines {
        out,
        session,
        frames: Frames::default(),
        columns: Vec::new(),
    };
    let mut written = Ok(());
    let scans = record.read(segments, &mut |event| {
        if written.is_ok() {
            written = lines.take(event);
        }
    })?;
    written?;
    Ok(scans)
}

struct Lines<'a, W> {
    out: &'a mut W,
    session: SessionId,
    frames: Frames,
    /// Types and formats of the result that is delivered.
    columns: Vec<(u32, i16)>,
}

impl<W: Write> Lines<'_, W> {
    fn take(&mut self, event: Event<'_>) -> io::Result<()> {
        let at = event.at();
        let (name, fields) = match event {
            Event::Opened(event) => ("opened", opened(&event)),
            Event::Judged(event) => ("judged", judged(&event)),
            Event::Attempted(event) => ("attempted", attempted(&event)),
            Event::Completed(event) => ("completed", completed(&event)),
            Event::Delivered(event) => return self.delivered(at, &event.bytes),
            Event::Received(event) => {
                let withheld = event.withheld.unwrap_or_default();
                let length = withheld.saturating_add(event.bytes.len() as u64);
                ("received", json!({ "bytes": length }))
            }
            Event::Truncated(event) => {
                self.frames = Frames::default();
                let kept = event.keep.map(text::keep);
                ("truncated", json!({ "why": event.why, "keep": kept }))
            }
            Event::Continued(event) => ("continued", json!({ "segment": event.segment })),
            Event::Ended(event) => ("ended", json!({ "why": event.why })),
            Event::Viewed(event) => ("viewed", viewed(&event)),
            Event::Sealed(event) => ("encrypted", json!({ "execution": event.execution })),
        };
        self.line(name, at, fields)
    }

    fn delivered(&mut self, at: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        let mut frames = std::mem::take(&mut self.frames);
        let damage = frames.take(bytes, &mut |frame| match self.message(frame) {
            Some((name, fields)) => self.line(name, at, fields),
            None => Ok(()),
        })?;
        self.frames = frames;
        match damage {
            Some(error) => self.line("unreadable", at, json!({ "why": error.to_string() })),
            None => Ok(()),
        }
    }

    fn message(&mut self, frame: Frame<'_>) -> Option<(&'static str, Value)> {
        match frame.tag {
            b'T' => {
                let description = RowDescription::decode(frame.body).ok()?;
                let columns = description.fields();
                self.columns = columns
                    .map(|field| (field.type_oid, field.format))
                    .collect();
                let names = description.fields().map(|field| {
                    json!({
                        "name": String::from_utf8_lossy(field.name),
                        "type_oid": field.type_oid,
                    })
                });
                Some(("columns", json!({ "columns": names.collect::<Vec<_>>() })))
            }
            b'D' => {
                let row = DataRow::decode(frame.body).ok()?;
                let cells = row.cells().zip(
                    self.columns
                        .iter()
                        .copied()
                        .chain(std::iter::repeat((0, 0))),
                );
                let values = cells.map(|(cell, (type_oid, format))| {
                    let cell = cell.ok().flatten();
                    cell.map(|value| text::value_text(type_oid, format, value))
                });
                Some(("row", json!({ "values": values.collect::<Vec<_>>() })))
            }
            b'C' => {
                let complete = CommandComplete::decode(frame.body).ok()?;
                Some(("command_complete", json!({ "tag": complete.tag })))
            }
            b'E' | b'N' => {
                let fields = ErrorFields::decode(frame.body).ok()?;
                let fields = fields
                    .iter()
                    .map(|(code, text)| (char::from(code).to_string(), Value::from(text)));
                let name = if frame.tag == b'E' { "error" } else { "notice" };
                let fields: Map<String, Value> = fields.collect();
                Some((name, json!({ "fields": fields })))
            }
            b'A' => {
                let told = NotificationResponse::decode(frame.body).ok()?;
                let channel = String::from_utf8_lossy(told.channel);
                let payload = String::from_utf8_lossy(told.payload);
                Some((
                    "notification",
                    json!({ "channel": channel, "payload": payload }),
                ))
            }
            b'd' => Some((
                "copy_data",
                json!({ "text": String::from_utf8_lossy(frame.body) }),
            )),
            b'V' => Some(("function_result", json!({ "bytes": frame.body.len() }))),
            // The others carry nothing that somebody asked for.
            _ => None,
        }
    }

    fn line(&mut self, name: &str, at: Option<u64>, fields: Value) -> io::Result<()> {
        let mut line = Map::new();
        line.insert("session".to_owned(), json!(self.session));
        line.insert("at".to_owned(), json!(at.map(text::precise_time)));
        line.insert("event".to_owned(), json!(name));
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        writeln!(self.out, "{}", Value::Object(line))
    }
}

fn viewed(viewed: &Viewed) -> Value {
    json!({
        "what": text::view(viewed.what),
        "sessions": viewed.sessions,
        "statement": viewed.statement,
        "search": viewed.search,
    })
}

fn opened(event: &Opened) -> Value {
    json!({
        "gateway": event.gateway,
        "database": event.database,
        "role": event.role,
        "issuer": event.issuer,
        "subject": event.subject,
        "groups": event.groups,
        "agent": event.agent,
        "task": event.task,
        "client_address": event.client_address,
        "application": event.application,
        "keep": text::keep(event.keep),
    })
}

fn judged(event: &Judged) -> Value {
    let policies = event.policies.iter().map(|policy| {
        let named = |answer| match answer {
            PolicyAnswer::Allowed => "allowed",
            PolicyAnswer::Denied => "denied",
            PolicyAnswer::RequiresApproval => "requires_approval",
            PolicyAnswer::Rewrote => "rewrote",
            PolicyAnswer::NotAsked => "not_asked",
        };
        json!({
            "name": policy.name,
            "version": policy.version,
            "hash": policy.hash,
            "answer": named(policy.answer),
            "shadow": policy.shadow.map(named),
        })
    });
    json!({
        "statement": event.statement,
        "message": match event.when {
            Stage::Query => "Query",
            Stage::Parse => "Parse",
            Stage::Bind => "Bind",
            Stage::FunctionCall => "FunctionCall",
        },
        "text": event.text,
        "instead": event.instead,
        "withheld": event.withheld.as_ref().map(|withheld| match withheld {
            Withheld::Constants => json!("constants"),
            Withheld::Passwords => json!("passwords"),
            Withheld::Text(text) => json!({
                "length": text.length,
                "sha256": text.sha256.map(hex::encode),
            }),
        }),
        "decision": match event.decision {
            Decision::Permitted => "permitted",
            Decision::NeedsApproval => "needs_approval",
            Decision::Refused => "refused",
        },
        "sqlstate": event.sqlstate,
        "refusal": event.message,
        "policies": policies.collect::<Vec<_>>(),
        "verb": event.verb,
        "tables": event.tables,
        "parameters": event.parameters.as_deref().map(parameters),
    })
}

fn parameters(parameters: &[Parameter]) -> Vec<Value> {
    let parameters = parameters.iter().map(|parameter| {
        json!({
            "type_oid": parameter.type_oid,
            "value": text::parameter(parameter),
            "withheld_bytes": parameter.withheld,
        })
    });
    parameters.collect()
}

fn attempted(event: &Attempted) -> Value {
    json!({
        "execution": event.execution,
        "statement": event.statement,
        "parameters": parameters(&event.parameters),
        "approvals": event.approvals,
        "function_oid": event.function,
        "rehearsal": event.rehearsal.as_ref().map(|rehearsal| json!({
            "way": match rehearsal.way {
                RehearsalWay::Estimate => "estimate",
                RehearsalWay::Run => "run",
            },
            "text": rehearsal.text,
            "before": rehearsal.before,
            "after": rehearsal.after,
        })),
    })
}

fn completed(event: &Completed) -> Value {
    json!({
        "execution": event.execution,
        "outcome": event.outcome.name(),
        "rows": event.rows,
        "bytes": event.bytes,
        "masked_values": event.masked_cells,
        "rows_changed": event.changed,
        "sqlstate": event.sqlstate,
        "elapsed_us": event.elapsed_us,
    })
}

//! `gatewright sessions`: what the record has of sessions.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use chrono::{DateTime, SecondsFormat};
use clap::{Args, Subcommand};
use gatewright_contract::{Outcome, SessionId, StatementId};
use gatewright_record::directory::{Directory, Segments};
use gatewright_record::event::{
    Attempted, Completed, Decision, Ended, Judged, Keep, Opened, Parameter, Time,
};
use gatewright_record::{Event, session};
use serde_json::json;

use super::record::RecordPlace;
use crate::gate::printable;
use crate::results::{Format, types};

/// Stands for a text that is not recorded.
pub(super) const UNJUDGED: &str = "(a statement whose judgement is not recorded)";

/// Arguments of `gatewright sessions`.
#[derive(Debug, Args)]
pub struct SessionsArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List recorded sessions, the oldest first
    List {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: RecordPlace,
    },
    /// Show the statements of a session: what was decided about them, and how they ended
    Show {
        session: SessionId,
        #[command(flatten)]
        place: RecordPlace,
    },
}

pub(super) fn run(arguments: &SessionsArguments) -> ExitCode {
    super::finish(match &arguments.command {
        Command::List { json, place } => place.open().and_then(|record| list(&record, *json)),
        Command::Show { session, place } => place.open().and_then(|record| show(&record, *session)),
    })
}

/// What is listed of a session.
#[derive(Default)]
struct Listed {
    opened: Opened,
    statements: u64,
    refused: u64,
    rows: u64,
    ended: Option<Ended>,
    damages: usize,
}

fn list(record: &Directory, as_json: bool) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for (id, segments) in record.list()? {
        let listed = listed(&segments)?;
        let line = match as_json {
            true => listed.json(id).to_string(),
            false => listed.line(id),
        };
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

fn listed(segments: &Segments) -> Result<Listed> {
    let mut listed = Listed::default();
    let scans = session::read(segments, &mut |event| match event {
        Event::Opened(event) => listed.opened = *event,
        Event::Judged(event) => {
            listed.refused += u64::from(event.decision == Decision::Refused);
        }
        Event::Attempted(_) => listed.statements += 1,
        Event::Completed(event) => listed.rows = listed.rows.saturating_add(event.rows),
        Event::Ended(event) => listed.ended = Some(event),
        Event::Delivered(_) | Event::Received(_) | Event::Truncated(_) | Event::Continued(_) => {}
    })?;
    listed.damages = scans.iter().map(|(_, scan)| scan.damages.len()).sum();
    Ok(listed)
}

impl Listed {
    fn line(&self, id: SessionId) -> String {
        let Opened {
            subject,
            agent,
            database,
            role,
            at,
            ..
        } = &self.opened;
        let who = match agent {
            Some(agent) => format!("{subject} ({agent})"),
            None => subject.clone(),
        };
        let end = match &self.ended {
            Some(ended) => ended.why.as_str(),
            None => "open",
        };
        let mut line = format!(
            "{id}  {}  {who}  {database} as {role}  {} run, {} refused, {} rows  {end}",
            time(*at),
            self.statements,
            self.refused,
            self.rows
        );
        if self.damages > 0 {
            line.push_str("  DAMAGED: see gatewright record verify");
        }
        printable(line)
    }

    fn json(&self, id: SessionId) -> serde_json::Value {
        let opened = &self.opened;
        json!({
            "session": id,
            "began": time(opened.at),
            "ended": self.ended.as_ref().map(|ended| time(ended.at)),
            "end": self.ended.as_ref().map(|ended| &ended.why),
            "issuer": opened.issuer,
            "subject": opened.subject,
            "groups": opened.groups,
            "agent": opened.agent,
            "task": opened.task,
            "database": opened.database,
            "role": opened.role,
            "client_address": opened.client_address,
            "application": opened.application,
            "keep": keep(opened.keep),
            "statements": self.statements,
            "refused": self.refused,
            "rows": self.rows,
            "damaged_blocks": self.damages,
        })
    }
}

fn show(record: &Directory, id: SessionId) -> Result<()> {
    let segments = record.of(id)?;
    ensure!(
        !segments.is_empty(),
        "there is no session {id} in the record"
    );
    let mut out = std::io::stdout().lock();
    let mut shown = Shown::default();
    let mut written = Ok(());
    let scans = session::read(&segments, &mut |event| {
        if let Some(text) = shown.text(event)
            && written.is_ok()
        {
            written = writeln!(out, "{}", printable(text));
        }
    })?;
    written?;
    for damage in scans.iter().flat_map(|(_, scan)| &scan.damages) {
        writeln!(out, "DAMAGED: {damage}")?;
    }
    Ok(out.flush()?)
}

/// Statements of a session that were judged or are running.
#[derive(Default)]
struct Shown {
    judged: HashMap<StatementId, Box<Judged>>,
    running: HashMap<u64, Attempted>,
}

impl Shown {
    /// What is printed of an event.
    fn text(&mut self, event: Event<'_>) -> Option<String> {
        match event {
            Event::Opened(event) => Some(beginning(&event)),
            Event::Judged(event) => {
                let refused = (event.decision == Decision::Refused).then(|| refusal(&event));
                self.judged.insert(event.statement, event);
                refused
            }
            Event::Attempted(event) => {
                self.running.insert(event.execution, event);
                None
            }
            Event::Completed(event) => {
                let attempted = self.running.remove(&event.execution);
                let judged = attempted
                    .as_ref()
                    .and_then(|attempted| self.judged.get(&attempted.statement));
                Some(execution(
                    judged.map(|judged| &**judged),
                    attempted.as_ref(),
                    &event,
                ))
            }
            Event::Truncated(event) => {
                Some(format!("{}  TRUNCATED: {}", time(event.at), event.why))
            }
            Event::Ended(event) => Some(format!("{}  ended: {}", time(event.at), event.why)),
            Event::Delivered(_) | Event::Received(_) | Event::Continued(_) => None,
        }
    }
}

/// Who was connected to what.
pub(super) fn beginning(opened: &Opened) -> String {
    let mut text = format!(
        "{}  {} of {} connected to {} as {} from {}",
        time(opened.at),
        opened.subject,
        opened.issuer,
        opened.database,
        opened.role,
        opened.client_address,
    );
    if let Some(agent) = &opened.agent {
        // Writing to a string does not fail.
        let _ = write!(text, ", agent {agent}");
    }
    if opened.keep != Keep::Rows {
        let _ = write!(text, "; kept: {}", keep(opened.keep));
    }
    text
}

fn keep(keep: Keep) -> &'static str {
    match keep {
        Keep::Nothing => "nothing",
        Keep::Statements => "statements",
        Keep::Rows => "rows",
    }
}

pub(super) fn refusal(judged: &Judged) -> String {
    format!(
        "{}  REFUSED {}: {}\n    {}",
        time(judged.at),
        judged.sqlstate.as_deref().unwrap_or_default(),
        judged.message.as_deref().unwrap_or_default(),
        judged.text
    )
}

fn execution(
    judged: Option<&Judged>,
    attempted: Option<&Attempted>,
    completed: &Completed,
) -> String {
    let mut text = format!("{}  #{}", time(completed.at), completed.execution);
    let outcome = match completed.outcome {
        Outcome::Completed => "completed",
        Outcome::Suspended => "suspended",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Lost => "lost",
    };
    let _ = write!(text, "  {outcome}");
    if !matches!(completed.sqlstate.as_str(), "" | "00000") {
        let _ = write!(text, " with {}", completed.sqlstate);
    }
    let ms = completed.elapsed_us / 1000;
    let _ = write!(text, ", {} rows, {ms} ms", completed.rows);
    if completed.masked_cells > 0 {
        let _ = write!(text, ", {} values masked", completed.masked_cells);
    }
    if let Some(changed) = completed.changed {
        let _ = write!(text, ", {changed} rows changed");
    }
    let _ = write!(text, "\n    {}", statement(judged));
    if let Some(attempted) = attempted {
        text.push_str(&parameters(&attempted.parameters));
    }
    text
}

/// The text of a statement, and what ran in its place.
fn statement(judged: Option<&Judged>) -> String {
    match judged {
        None => UNJUDGED.to_owned(),
        Some(judged) => match &judged.instead {
            Some(instead) => format!("{}\n    ran as: {instead}", judged.text),
            None => judged.text.clone(),
        },
    }
}

pub(super) fn parameters(parameters: &[Parameter]) -> String {
    let mut text = String::new();
    for (number, parameter) in (1..).zip(parameters) {
        let value = match &parameter.value {
            None => "NULL".to_owned(),
            Some(value) => value_text(parameter.type_oid, parameter.format, value),
        };
        let _ = write!(text, "\n    ${number} = {value}");
    }
    text
}

/// A value as text; of a binary one whose type is not known, its bytes in hexadecimal.
pub(super) fn value_text(type_oid: u32, format: i16, value: &[u8]) -> String {
    if format == 0 {
        return String::from_utf8_lossy(value).into_owned();
    }
    let known = types::text_of(type_oid, Format::Binary, value);
    known.unwrap_or_else(|| format!("\\x{}", hex::encode(value)))
}

pub(super) fn time(at: Time) -> String {
    let micros = i64::try_from(at).unwrap_or(i64::MAX);
    let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

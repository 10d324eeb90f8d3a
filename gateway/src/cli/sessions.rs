//! `gatewright sessions`: what the record has of sessions.

mod filter;
mod search;
mod tail;
pub(super) mod text;

use std::collections::HashMap;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use gatewright_contract::{SessionId, StatementId};
use gatewright_record::Event;
use gatewright_record::directory::Segments;
use gatewright_record::event::{Attempted, Decision, Ended, Judged, Opened};
use serde_json::json;

use super::record::{Record, RecordPlace};
use crate::gate::printable;
use crate::library::{SessionEntry, values};
use filter::Filter;
use text::{beginning, execution, keep, literals, refusal, time, truncation};

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
        #[command(flatten)]
        filter: Filter,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: RecordPlace,
    },
    /// Find statements by their words, tables, verdicts and results, the last indexed first
    Search(search::SearchArguments),
    /// Print what open sessions do
    Tail(tail::TailArguments),
    /// Show the statements of a session: what was decided about them, and how they ended
    Show {
        session: SessionId,
        #[command(flatten)]
        place: RecordPlace,
    },
}

pub(super) fn run(arguments: &SessionsArguments) -> ExitCode {
    super::finish(match &arguments.command {
        Command::List {
            filter,
            json,
            place,
        } => list(filter, *json, place),
        Command::Search(arguments) => search::search(arguments),
        Command::Tail(arguments) => tail::tail(arguments),
        Command::Show { session, place } => place
            .open_for(&[*session])
            .and_then(|record| show(&record, *session)),
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
    /// Events that are encrypted for somebody else.
    sealed: u64,
    /// How often its client was shown something of the record.
    viewings: u64,
}

fn list(filter: &Filter, as_json: bool, place: &RecordPlace) -> Result<()> {
    let indexed = match place.index()? {
        Some(index) => Some(filter.in_index(&index)?),
        None => None,
    };
    let listed = match indexed {
        Some(entries) => entries.into_iter().map(Listed::from).collect(),
        None => filter.in_files(&place.open()?)?,
    };
    let mut out = std::io::stdout().lock();
    for listed in listed {
        let id = listed.opened.session;
        let line = match as_json {
            true => listed.json(id).to_string(),
            false => listed.line(id),
        };
        writeln!(out, "{line}")?;
    }
    Ok(out.flush()?)
}

impl From<SessionEntry> for Listed {
    fn from(entry: SessionEntry) -> Self {
        let number = |number: i64| u64::try_from(number).unwrap_or_default();
        let ended = entry.ended_at.map(|at| Ended {
            at: number(at),
            why: entry.ended.unwrap_or_default(),
        });
        Listed {
            opened: Opened {
                session: entry.id.parse().unwrap_or_default(),
                at: number(entry.opened_at),
                gateway: entry.gateway,
                database: entry.database,
                role: entry.role,
                issuer: entry.issuer,
                subject: entry.subject,
                groups: entry.groups,
                agent: entry.agent,
                task: entry.task,
                client_address: entry.client_address,
                application: entry.application,
                keep: values::kept(&entry.keep),
                literals: values::literals_of(&entry.literals),
            },
            statements: number(entry.executions),
            refused: number(entry.refusals),
            rows: number(entry.rows),
            ended,
            damages: usize::try_from(entry.damages).unwrap_or_default(),
            sealed: u64::from(entry.is_sealed),
            viewings: number(entry.viewings),
        }
    }
}

fn listed(record: &Record, segments: &Segments) -> Result<Listed> {
    let mut listed = Listed::default();
    let scans = record.read(segments, &mut |event| match event {
        Event::Opened(event) => listed.opened = *event,
        Event::Judged(event) => {
            listed.refused += u64::from(event.decision == Decision::Refused);
        }
        Event::Attempted(_) => listed.statements += 1,
        Event::Sealed(event) => {
            listed.sealed += 1;
            listed.statements += u64::from(event.execution.is_some());
        }
        Event::Completed(event) => listed.rows = listed.rows.saturating_add(event.rows),
        Event::Ended(event) => listed.ended = Some(event),
        Event::Viewed(_) => listed.viewings += 1,
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
            self.refused_if_known()
                .map_or("?".to_owned(), |refused| refused.to_string()),
            self.rows
        );
        if self.viewings > 0 {
            line.push_str(&format!("  {} viewings of the record", self.viewings));
        }
        if self.sealed > 0 {
            line.push_str("  encrypted");
        }
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
            "literals": literals(opened.literals.unwrap_or_default()),
            "statements": self.statements,
            "refused": self.refused_if_known(),
            "rows": self.rows,
            "damaged_blocks": self.damages,
            "viewings": self.viewings,
            "encrypted": self.sealed > 0,
        })
    }

    /// Decisions are encrypted with the statements.
    fn refused_if_known(&self) -> Option<u64> {
        (self.sealed == 0).then_some(self.refused)
    }
}

fn show(record: &Record, id: SessionId) -> Result<()> {
    let segments = record.segments(id)?;
    let mut out = std::io::stdout().lock();
    let mut shown = Shown::default();
    let mut written = Ok(());
    let scans = record.read(&segments, &mut |event| {
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
    if shown.sealed > 0 {
        writeln!(out, "{}", text::sealed(shown.sealed))?;
    }
    Ok(out.flush()?)
}

/// Statements of a session that were judged or are running.
#[derive(Default)]
struct Shown {
    judged: HashMap<StatementId, Box<Judged>>,
    running: HashMap<u64, Attempted>,
    /// Events that are encrypted for somebody else.
    sealed: u64,
}

impl Shown {
    /// What is printed of an execution that begins.
    fn beginning(&self, attempted: &Attempted) -> String {
        let judged = self.judged.get(&attempted.statement);
        format!(
            "{}  #{}  runs\n    {}",
            time(attempted.at),
            attempted.execution,
            text::as_sent(judged.map(|judged| &**judged))
        )
    }

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
            Event::Truncated(event) => Some(truncation(&event)),
            Event::Ended(event) => Some(format!("{}  ended: {}", time(event.at), event.why)),
            Event::Viewed(event) => Some(text::viewing(&event)),
            Event::Sealed(_) => {
                self.sealed += 1;
                None
            }
            Event::Delivered(_) | Event::Received(_) | Event::Continued(_) => None,
        }
    }
}

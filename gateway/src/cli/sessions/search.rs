//! `gatewright sessions search`.

use std::io::Write;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::text::time;
use crate::app;
use crate::cli::record::RecordPlace;
use crate::gate::printable;
use crate::library::{Found, Search};

#[derive(Debug, Args)]
pub(super) struct SearchArguments {
    /// Words, "phrases in quotes", word*, and subject:, agent:, database:, role:, session:, table:, verdict:, outcome:, sqlstate:, verb:
    /// or result: with a value. All of them have to be found in one statement
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
    /// The last so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: RecordPlace,
}

pub(super) fn search(arguments: &SearchArguments) -> Result<()> {
    let search = Search::parse(&arguments.text.join(" ")).context("the search")?;
    let index = match arguments.place.index()? {
        Some(index) => index,
        None => arguments.place.open()?.indexed()?,
    };
    let found = index.search(search, None, arguments.limit);
    let page = app::runtime()?.block_on(found)?;
    let mut out = std::io::stdout().lock();
    for found in &page.entries {
        match arguments.json {
            true => writeln!(out, "{}", as_json(found))?,
            false => writeln!(out, "{}", printable(as_text(found)))?,
        }
    }
    if page.has_more {
        eprintln!("There is more: --limit");
    }
    Ok(out.flush()?)
}

fn as_text(found: &Found) -> String {
    let (session, statement) = (&found.session, &found.statement);
    let at = u64::try_from(statement.began_at).unwrap_or_default();
    let became = match (&statement.outcome, &statement.decision) {
        (Some(outcome), _) => outcome.as_str(),
        (None, Some(decision)) if decision == "refused" => "REFUSED",
        (None, _) => "running",
    };
    let mut text: String = found
        .snippet
        .iter()
        .map(|piece| piece.text.as_str())
        .collect();
    if text.is_empty() {
        text = statement.text.clone().unwrap_or_default();
        text = text.chars().take(160).collect();
    }
    format!(
        "{}  {}  number {}  {} on {}  {became}\n    {}",
        session.id,
        time(at),
        statement.number,
        session.subject,
        session.database,
        text.replace('\n', " ")
    )
}

fn as_json(found: &Found) -> serde_json::Value {
    let (session, statement) = (&found.session, &found.statement);
    let at = u64::try_from(statement.began_at).unwrap_or_default();
    json!({
        "session": session.id,
        "subject": session.subject,
        "agent": session.agent,
        "database": session.database,
        "number": statement.number,
        "execution": statement.execution,
        "at": time(at),
        "decision": statement.decision,
        "outcome": statement.outcome,
        "sqlstate": statement.sqlstate,
        "tables": statement.tables,
        "rows": statement.rows,
        "text": statement.text,
        "snippet": found.snippet.iter().map(|piece| piece.text.as_str()).collect::<String>(),
    })
}

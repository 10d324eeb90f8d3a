//! `gatewright explain`: prints the facts about a statement and, with a server and policies, the verdicts.

mod preview;
mod setup;

use std::io::{self, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use gatewright_sql::{Analysis, Catalog, Settings, render};

/// Arguments of `gatewright explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The SQL statements, or - to read them from standard input
    sql: String,
    /// Print a JSON array with one object per statement
    #[arg(long)]
    json: bool,
    /// A server to read the catalog from and to describe results; nothing is executed
    #[arg(long, value_name = "DSN", group = "source")]
    upstream: Option<String>,
    /// Use the database, grant and policies of this configuration file
    #[arg(long, value_name = "FILE", group = "source", requires_all = ["database", "identity"])]
    config: Option<PathBuf>,
    /// The database that the client connects to
    #[arg(long, value_name = "NAME", requires = "config")]
    database: Option<String>,
    /// A directory of policies (.wasm)
    #[arg(long, value_name = "DIR", requires = "upstream")]
    policies: Option<PathBuf>,
    /// A TOML file with policy settings, one table per policy
    #[arg(long, value_name = "FILE", requires = "policies")]
    settings: Option<PathBuf>,
    /// The client's subject and groups, the groups separated by commas; for a subject with a slash, use --subject
    #[arg(
        long = "as",
        value_name = "USER/GROUPS",
        requires = "source",
        group = "identity",
        conflicts_with = "groups"
    )]
    person: Option<Person>,
    /// The client's subject
    #[arg(long, value_name = "SUBJECT", requires = "source", group = "identity")]
    subject: Option<String>,
    /// The client's groups, separated by commas
    #[arg(
        long,
        value_name = "GROUPS",
        value_delimiter = ',',
        requires = "source"
    )]
    groups: Vec<String>,
    /// The issuer of the client's token, if the configuration has several; `certificate` for a client certificate
    #[arg(long, value_name = "URL", requires = "config")]
    issuer: Option<String>,
    /// The agent acting for the subject
    #[arg(long, value_name = "AGENT", requires = "source")]
    agent: Option<String>,
    /// The task that the agent is working on
    #[arg(long, value_name = "TASK", requires = "source")]
    task: Option<String>,
}

/// A subject and its groups.
#[derive(Debug, Clone)]
struct Person {
    subject: String,
    groups: Vec<String>,
}

impl FromStr for Person {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (subject, groups) = text.split_once('/').unwrap_or((text, ""));
        if subject.is_empty() {
            return Err("expected USER/GROUPS, with the groups separated by commas");
        }
        let groups = groups.split(',').filter(|group| !group.is_empty());
        Ok(Person {
            subject: subject.to_owned(),
            groups: groups.map(str::to_owned).collect(),
        })
    }
}

/// Exit status if a statement is refused or no grant matches.
const REFUSED: u8 = 3;

pub(super) fn run(arguments: &ExplainArguments) -> ExitCode {
    match explain(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(REFUSED),
        Err(error) => {
            let _ = writeln!(io::stderr(), "gatewright explain: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all statements are permitted.
fn explain(arguments: &ExplainArguments) -> Result<bool> {
    let sql = match arguments.sql.as_str() {
        "-" => {
            let mut text = String::new();
            io::stdin()
                .read_to_string(&mut text)
                .context("standard input")?;
            text
        }
        text => text.to_owned(),
    };
    let no_thread = || anyhow!("no thread could be started to analyse the statement");
    if arguments.upstream.is_some() || arguments.config.is_some() {
        return gatewright_sql::on_big_stack(|| preview::explain(arguments, &sql))
            .ok_or_else(no_thread)?;
    }
    let text = sql.clone();
    let analysis = gatewright_sql::on_big_stack(move || {
        gatewright_sql::analyze(&text, &Catalog::default(), &Settings::default())
    });
    let analysis = analysis.ok_or_else(no_thread)??;
    print(&analysis, &sql, arguments.json)?;
    Ok(true)
}

fn print(analysis: &Analysis, sql: &str, json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if json {
        let all: Vec<_> = analysis
            .statements
            .iter()
            .map(|statement| &*statement.facts)
            .collect();
        return writeln!(out, "{}", serde_json::to_string_pretty(&all)?);
    }
    if analysis.statements.is_empty() {
        return writeln!(out, "no statement");
    }
    let several = analysis.statements.len() > 1;
    for (index, statement) in analysis.statements.iter().enumerate() {
        if several {
            let blank = if index > 0 { "\n" } else { "" };
            let own = sql.get(statement.span.clone());
            writeln!(out, "{blank}-- {}", one_line(own.unwrap_or_default()))?;
        }
        out.write_all(render::text(&statement.facts).as_bytes())?;
    }
    Ok(())
}

/// The statement as a heading: on one line, truncated to the width of a terminal.
pub(super) fn one_line(sql: &str) -> String {
    const WIDTH: usize = 72;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    line.chars().take(WIDTH).chain(['…']).collect()
}

/// Whether to print colours (<https://no-color.org>).
fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

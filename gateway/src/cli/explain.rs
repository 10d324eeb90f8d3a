//! `gatewright explain`: the facts of a statement; with a server and policies, what they would make of it.

mod front;
mod judged;

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
    /// The SQL text, or - to read it from standard input; several statements are explained one after the other
    sql: String,
    /// Print a JSON array, one object a statement
    #[arg(long)]
    json: bool,
    /// Ask this server what tables, columns, views and functions it has, and to describe results; nothing is run
    #[arg(long, value_name = "DSN", group = "front")]
    upstream: Option<String>,
    /// Ask as the gateway with this configuration file would: its database, grant and policies
    #[arg(long, value_name = "FILE", group = "front", requires_all = ["database", "whoever"])]
    config: Option<PathBuf>,
    /// The database that the client would ask for
    #[arg(long, value_name = "NAME", requires = "config")]
    database: Option<String>,
    /// Ask the policies (.wasm) in this folder
    #[arg(long, value_name = "DIR", requires = "upstream")]
    policies: Option<PathBuf>,
    /// A TOML file with one table of settings a policy
    #[arg(long, value_name = "FILE", requires = "policies")]
    settings: Option<PathBuf>,
    /// Who would send the statement, and the groups they would be in, separated by commas; a name with a slash goes into --subject
    #[arg(
        long = "as",
        value_name = "USER/GROUPS",
        requires = "front",
        group = "whoever",
        conflicts_with = "groups"
    )]
    person: Option<Person>,
    /// Who would send the statement
    #[arg(long, value_name = "SUBJECT", requires = "front", group = "whoever")]
    subject: Option<String>,
    /// The groups they would be in, separated by commas
    #[arg(long, value_name = "GROUPS", value_delimiter = ',', requires = "front")]
    groups: Vec<String>,
    /// Whose token they would log in with, where the configuration trusts several issuers; `certificate` for a client certificate
    #[arg(long, value_name = "URL", requires = "config")]
    issuer: Option<String>,
    /// The agent that would act for them
    #[arg(long, value_name = "AGENT", requires = "front")]
    agent: Option<String>,
    /// The task it would work on
    #[arg(long, value_name = "TASK", requires = "front")]
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
            return Err("write it as USER/GROUPS, the groups separated by commas");
        }
        let groups = groups.split(',').filter(|group| !group.is_empty());
        Ok(Person {
            subject: subject.to_owned(),
            groups: groups.map(str::to_owned).collect(),
        })
    }
}

/// A statement would be refused.
const REFUSED: u8 = 3;

pub(super) fn run(arguments: &ExplainArguments) -> ExitCode {
    match explain(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(REFUSED),
        Err(error) => {
            // For the person at the terminal: the statement is theirs.
            let _ = writeln!(io::stderr(), "gatewright explain: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all statements would run.
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
    let no_thread = || anyhow!("no thread could be started to read the statement");
    if arguments.upstream.is_some() || arguments.config.is_some() {
        return gatewright_sql::on_big_stack(|| judged::explain(arguments, &sql))
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

/// The statement as a heading: white space run together, cut to the width of a terminal.
fn one_line(sql: &str) -> String {
    const WIDTH: usize = 72;
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= WIDTH {
        return line;
    }
    line.chars().take(WIDTH).chain(['…']).collect()
}

/// Whether colours are wanted (<https://no-color.org>).
fn colours() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

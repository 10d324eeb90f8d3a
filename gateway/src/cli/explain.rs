//! `gatewright explain`: the facts of a statement.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use gatewright_sql::{Analysis, Catalog, Settings, render};

/// Arguments of `gatewright explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The SQL text; several statements are explained one after the other
    sql: String,
    /// Print a JSON array, one object a statement
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &ExplainArguments) -> ExitCode {
    let text = arguments.sql.clone();
    let analysis = gatewright_sql::on_big_stack(move || {
        gatewright_sql::analyze(&text, &Catalog::default(), &Settings::default())
    });
    let outcome = match analysis {
        None => {
            eprintln!("gatewright explain: no thread could be started to read the statement");
            return ExitCode::FAILURE;
        }
        Some(Ok(analysis)) => print(&analysis, arguments),
        Some(Err(error)) => {
            // Both are for the person at the terminal: the statement is theirs.
            let _ = writeln!(io::stderr(), "gatewright explain: {error}");
            return ExitCode::FAILURE;
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn print(analysis: &Analysis, arguments: &ExplainArguments) -> io::Result<()> {
    let mut out = io::stdout().lock();
    if arguments.json {
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
            let own = arguments.sql.get(statement.span.clone());
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

//! `gatewright explain`: the facts of a statement.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;
use gatewright_sql::{Analysis, Catalog, Settings};

/// Arguments of `gatewright explain`.
#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// The SQL text; several statements are explained one after the other
    sql: String,
    /// Print JSON, one object a statement
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
    for (index, statement) in analysis.statements.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&*statement.facts)?)?;
    }
    Ok(())
}

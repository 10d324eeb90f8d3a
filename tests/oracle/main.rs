//! PostgreSQL as the oracle: it stores its own analysed tree of a statement, with names resolved and stars expanded. What
//! the gateway says of the statement must be at least what that tree says, column by column.
//!
//! `GATEWRIGHT_SOAK_SEED=10000 GATEWRIGHT_SOAK_CASES=50000` generates other statements than the default ones.

mod carried;
mod compare;
mod corpora;
mod counts;
mod edited;
mod generate;
mod generated;
mod keywords;
mod known;
mod node;
mod regression;
mod server;
mod templates;
mod uses;
mod volatile;

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::Version;
use gatewright_sql::{Settings, analyze, on_big_stack};

use counts::Counts;
use server::{Server, Stored};

/// The versions to compare with: all, or the one that `GATEWRIGHT_ORACLE_SERVER` names, `installed` or `18`.
fn versions() -> Result<Vec<Version>> {
    let wanted = std::env::var("GATEWRIGHT_ORACLE_SERVER").ok();
    Ok(match wanted.as_deref() {
        None => Version::ALL.to_vec(),
        Some("installed") => vec![Version::Installed],
        Some("18") => vec![Version::Eighteen],
        Some(other) => bail!("GATEWRIGHT_ORACLE_SERVER is installed or 18, not {other}"),
    })
}

/// A statement, and what names it in messages.
#[derive(Clone)]
struct Case {
    name: String,
    text: String,
}

/// Compares the statements, and returns the disagreements.
async fn judge(server: &Server, cases: Vec<Case>, counts: &mut Counts) -> Result<Vec<String>> {
    let mut accepted: Vec<(Case, Stored)> = Vec::new();
    for case in cases {
        counts.statements += 1;
        match server.analysed(&case.text).await? {
            Ok(stored) => accepted.push((case, stored)),
            Err(message) => {
                counts.rejected += 1;
                if std::env::var_os("GATEWRIGHT_ORACLE_SHOW").is_some() {
                    println!("{}: {message}\n    {}", case.name, case.text);
                }
            }
        }
    }
    let catalog = server.catalog();
    let disagreements = on_big_stack(|| {
        let mut failures = Vec::new();
        for (case, stored) in &accepted {
            let Ok(analysis) = analyze(&case.text, &catalog, &Settings::default()) else {
                // Refused.
                counts.opaque += 1;
                continue;
            };
            let Some(statement) = analysis.statements.first() else {
                continue;
            };
            let found = compare::compare(&statement.facts, stored, server, &catalog, counts);
            if !found.is_empty() {
                failures.push(format!(
                    "{}: {}\n    {}",
                    case.name,
                    case.text,
                    found.join("\n    ")
                ));
            }
        }
        failures
    });
    disagreements.context("the analysis panicked")
}

/// Fails with what differs, if anything does.
fn none_differ(failures: &[String]) -> Result<()> {
    ensure!(
        failures.is_empty(),
        "{} differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
    Ok(())
}

fn report(what: &str, counts: &Counts, failures: &[String]) -> Result<()> {
    println!("{what}: {counts}");
    ensure!(
        failures.is_empty(),
        "{what}: {} disagreements:\n{}",
        failures.len(),
        failures.join("\n")
    );
    Ok(())
}

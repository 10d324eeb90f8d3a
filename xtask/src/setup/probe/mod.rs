//! Checks whether what is on this machine works. Each check uses the program, since a file of the right name proves
//! nothing, and has a time limit, since a broken program may hang.

mod compilers;
mod libclang;
mod programs;

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use gatewright_harness::limited;

use super::Need;

pub use libclang::load as load_libclang;

/// Long enough for a cold disk and a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// The result that every script computes. An empty or unrelated program does not print it.
const ANSWER: &str = "42";

/// # Errors
/// When `need` is missing or does not work; the message says what happened.
pub fn check(need: Need) -> Result<()> {
    match need {
        Need::CCompiler => compilers::c(),
        Need::Libclang => compilers::libclang(),
        Need::WasmTarget => compilers::wasm(),
        Need::PostgresServer => programs::postgres_server(),
        Need::Psql => programs::psql(),
        Need::Pgbench => programs::pgbench(),
        Need::PgBouncer => programs::pgbouncer(),
        Need::PythonDrivers => programs::python_drivers(),
        Need::Node => programs::node(),
        Need::Npm => programs::npm(),
        Need::NodeDrivers => programs::node_drivers(),
        Need::SqlxDriver => programs::sqlx_driver(),
        Need::OidcProvider => programs::oidc_provider(),
        Need::Chromium => programs::chromium(),
        Need::BrowserDriver => programs::browser_driver(),
        Need::Valgrind => programs::valgrind(),
        Need::Postgres18 => programs::postgres18(),
        Need::Receivers => programs::receivers(),
    }
}

/// Runs a program that must succeed, and returns its output.
fn answer(command: &mut Command, limit: Duration) -> Result<String> {
    // Without a backtrace, a panic of our own program ends with its message.
    let output = limited::output(command.env("RUST_BACKTRACE", "0"), limit)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{} failed ({}): {}",
            command.get_program().display(),
            output.status,
            gist(&said)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn expect_answer(command: &mut Command, limit: Duration) -> Result<()> {
    let said = answer(command, limit)?;
    if said != ANSWER {
        bail!(
            "{} ran, but printed `{}`",
            command.get_program().display(),
            gist(&said)
        );
    }
    Ok(())
}

/// The relevant part of a program's output on one line: the first line with an error, or else the last lines.
fn gist(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    match lines.iter().find(|line| line.contains("rror: ")) {
        Some(line) => (*line).to_owned(),
        None => lines[lines.len().saturating_sub(4)..].join(" | "),
    }
}

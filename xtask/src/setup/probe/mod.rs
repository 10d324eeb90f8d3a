//! Whether what is on this machine works. Each check uses the thing, for a file of the right name proves nothing, and
//! ends it after a while, for a broken one may hang.

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

/// What every script computes: an empty or foreign program does not answer this.
const ANSWER: &str = "42";

/// # Errors
/// When `need` is missing or does not work; says what happened.
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
        Need::Postgres18 => programs::postgres18(),
    }
}

/// Runs a program that must succeed, and returns what it printed.
fn answer(command: &mut Command, limit: Duration) -> Result<String> {
    // A panic of ours must end with its message.
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

/// What to show of a program's words, on one line: the first that speaks of an error, else the last ones.
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

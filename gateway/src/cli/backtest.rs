//! `gatewright backtest`: what a policy would have said of recorded statements.

mod compare;
mod recorded;
mod report;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;

use super::policy;
use super::record::{Record, RecordPlace};
use crate::app::{self, Backtest};
use crate::config::{self, Limits};
use crate::upstream::Target;
use compare::Comparison;
use recorded::RecordedSession;

/// Arguments of `gatewright backtest`.
#[derive(Debug, Args)]
pub struct BacktestArguments {
    /// The policy: its .wasm file
    policy: PathBuf,
    /// A TOML file with policy settings, one table per policy
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// A server to read the catalog from: what names in the statements mean. Nothing is executed
    #[arg(long, value_name = "DSN")]
    upstream: String,
    /// Only sessions with this database, as clients name it [default: the database of --upstream]
    #[arg(long, value_name = "NAME")]
    database: Option<String>,
    /// Only what was judged in this time until now
    #[arg(long, value_name = "DURATION", value_parser = config::parse_duration, default_value = "30d")]
    since: Duration,
    /// Print JSON: one object for each changed decision, and one with the totals
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: RecordPlace,
}

/// Exit status if a decision would be another one.
const CHANGED: u8 = 3;

pub(super) fn run(arguments: &BacktestArguments) -> ExitCode {
    let outcome = gatewright_sql::on_big_stack(|| backtest(arguments));
    let outcome = outcome.unwrap_or_else(|| Err(anyhow!("no thread could be started")));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(CHANGED),
        Err(error) => super::finish(Err(error)),
    }
}

/// Returns whether every decision would be the same.
fn backtest(arguments: &BacktestArguments) -> Result<bool> {
    let target: Target = arguments.upstream.parse().context("--upstream")?;
    let database = arguments
        .database
        .as_ref()
        .unwrap_or(&target.dbname)
        .clone();
    let record = arguments.place.open()?;
    let since = SystemTime::now()
        .checked_sub(arguments.since)
        .and_then(|begin| begin.duration_since(UNIX_EPOCH).ok());
    let since = since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    });
    let comparison = app::runtime()?.block_on(async {
        let metrics = app::metrics()?;
        let max_statement = Limits::default().max_statement;
        let source = policy::source(&arguments.policy, arguments.settings.as_deref())?;
        let backtest = Backtest::open(source, &target, max_statement, &metrics).await?;
        let comparison = compared(&backtest, &record, &database, since).await;
        backtest.close().await;
        comparison
    })?;
    report::print(&comparison, arguments.json)?;
    Ok(comparison.changes.is_empty())
}

async fn compared(
    backtest: &Backtest,
    record: &Record,
    database: &str,
    since: u64,
) -> Result<Comparison> {
    let (policies, missing) = backtest.policies();
    ensure!(missing.is_empty(), "{}", missing.join("; "));
    let (name, version) = policies.into_iter().next().context("no policy is loaded")?;
    let mut comparison = Comparison::of(name, version);
    let sessions = record.directory.list()?;
    let progress = Progress::of(sessions.len());
    for (done, (id, segments)) in sessions.into_iter().enumerate() {
        progress.show(done);
        let Some(session) = RecordedSession::read(record, id, &segments, since)? else {
            continue;
        };
        if session.opened.database == database {
            comparison.session(backtest, &session).await;
        }
    }
    progress.end();
    comparison.calls = backtest.calls();
    Ok(comparison)
}

/// How far it is, on a terminal.
struct Progress {
    sessions: Option<usize>,
}

impl Progress {
    fn of(sessions: usize) -> Self {
        Progress {
            sessions: io::stderr().is_terminal().then_some(sessions),
        }
    }

    fn show(&self, done: usize) {
        const WIDTH: usize = 30;
        let Some(sessions) = self.sessions else {
            return;
        };
        let filled = done * WIDTH / sessions.max(1);
        let (full, left) = ("#".repeat(filled), ".".repeat(WIDTH - filled));
        eprint!("\r[{full}{left}] {done} of {sessions} sessions");
    }

    fn end(&self) {
        if self.sessions.is_some() {
            eprint!("\r\u{1b}[K");
        }
    }
}

//! `gatewright record`: whether the record is what was written.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::{Args, Subcommand};
use gatewright_contract::SessionId;
use gatewright_record::directory::Directory;
use gatewright_record::log::PublicKey;
use gatewright_record::verify::{self, Problem, Report, Trust};

use crate::config;

/// A running gateway logs a segment shortly after it is finished.
const LOGGED_AFTER: Duration = Duration::from_secs(3);

/// Arguments of `gatewright record`.
#[derive(Debug, Args)]
pub struct RecordArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that nothing was edited, cut, moved, removed or added since it was recorded
    Verify(Verify),
}

#[derive(Debug, Args)]
struct Verify {
    /// Only this session
    session: Option<SessionId>,
    #[command(flatten)]
    place: RecordPlace,
    /// The public key of the log [default: log/key.pub in the record, which proves nothing against somebody who replaced it]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A checkpoint of the log that was kept elsewhere: the log must still have all that it had then
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

/// Where the record is.
#[derive(Debug, Args)]
pub(super) struct RecordPlace {
    /// The configuration file of the gateway
    #[arg(
        long,
        value_name = "FILE",
        default_value = "gatewright.toml",
        conflicts_with = "directory"
    )]
    config: PathBuf,
    /// The directory of the record
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

impl RecordPlace {
    pub fn open(&self) -> Result<Directory> {
        let root = match &self.directory {
            Some(directory) => directory.clone(),
            None => {
                let config = config::load(&self.config).map_err(|report| anyhow!("{report}"))?;
                let record = config.record.with_context(|| {
                    let file = self.config.display();
                    format!("{file} has no [record]; pass --directory for another record")
                })?;
                record.directory
            }
        };
        Ok(Directory::new(root))
    }
}

pub(super) fn run(arguments: &RecordArguments) -> ExitCode {
    let Command::Verify(arguments) = &arguments.command;
    match verified(arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => super::finish(Err(error)),
    }
}

/// Prints what is found. True: nothing is wrong.
fn verified(arguments: &Verify) -> Result<bool> {
    let directory = arguments.place.open()?;
    let known = arguments.key.clone();
    let key = read(&known.unwrap_or_else(|| directory.log().join("key.pub")))?;
    let key = PublicKey::from_text(&key).context("the public key cannot be read")?;
    let older = arguments.checkpoint.as_deref().map(|path| {
        let note = read(path)?;
        let opened = key.open(note.as_bytes());
        opened.with_context(|| format!("{}", path.display()))
    });
    let trust = Trust {
        older: older.transpose()?,
        key,
    };
    let verify = || match arguments.session {
        Some(session) => verify::one(&directory, session, &trust),
        None => verify::all(&directory, &trust),
    };
    let mut report = verify()?;
    let not_logged = |report: &Report| {
        let mut findings = report.findings.iter();
        findings.any(|finding| matches!(finding.problem, Problem::NotLogged))
    };
    if not_logged(&report) {
        std::thread::sleep(LOGGED_AFTER);
        report = verify()?;
    }
    print(&report)?;
    Ok(report.is_good())
}

fn print(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for finding in &report.findings {
        writeln!(out, "{finding}")?;
    }
    for session in &report.open {
        writeln!(
            out,
            "session {session}: still open, its last segment is not in the log yet"
        )?;
    }
    let Report {
        sessions,
        proven,
        log,
        ..
    } = report;
    writeln!(
        out,
        "{sessions} sessions verified: {proven} segments as they were logged, {} problems; the log has {log} entries",
        report.findings.len()
    )?;
    Ok(out.flush()?)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

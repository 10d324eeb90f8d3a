//! `gatewright record verify`: whether the record is what was written.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use gatewright_contract::SessionId;
use gatewright_record::log::{Entry, PublicKey, Reason};
use gatewright_record::verify::{self, Problem, Report, Trust};

use super::checkpoints;
use super::place::{RecordPlace, read};
use crate::cli::sessions::text::time;

/// A running gateway logs a segment shortly after it is finished.
const LOGGED_AFTER: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Only this session
    session: Option<SessionId>,
    #[command(flatten)]
    place: RecordPlace,
    /// The public key of the log [default: log/key.pub in the record, which proves nothing against somebody who replaced it]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A checkpoint of the log that was kept elsewhere, or the place where the gateway keeps them (a directory, or the URL of an object
    /// store): the log must still have all that it had then
    #[arg(long, value_name = "PLACE")]
    checkpoint: Option<String>,
}

/// Prints what is found. True: nothing is wrong.
pub(super) fn verified(arguments: &Verify) -> Result<bool> {
    let mut record = match arguments.session {
        Some(session) => arguments.place.open_for(&[session])?,
        None => arguments.place.open()?,
    };
    let directory = record.directory.clone();
    let known = arguments.key.clone();
    let key = read(&known.unwrap_or_else(|| directory.log().join("key.pub")))?;
    let key = PublicKey::from_text(&key).context("the public key cannot be read")?;
    let older = arguments.checkpoint.as_deref();
    let older = older.map(|place| checkpoints::kept(place, &key));
    let trust = Trust {
        older: older.transpose()?.unwrap_or_default(),
        identities: std::mem::take(&mut record.identities),
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
    for entry in &report.deleted {
        writeln!(out, "{}", deletion(entry))?;
    }
    for session in &report.deleting {
        writeln!(
            out,
            "session {session}: the log says that it is deleted, and files of it are still there"
        )?;
    }
    let Report {
        sessions,
        proven,
        sealed,
        deleted,
        log,
        ..
    } = report;
    writeln!(
        out,
        "{sessions} sessions verified: {proven} segments as they were logged, {} problems; the log has {log} entries",
        report.findings.len()
    )?;
    if !deleted.is_empty() {
        writeln!(
            out,
            "{} sessions were deleted, and the log says so",
            deleted.len()
        )?;
    }
    if *sealed > 0 {
        writeln!(
            out,
            "{sealed} segments are encrypted and were verified as they are: what is in them was not read (--identity)"
        )?;
    }
    Ok(out.flush()?)
}

fn deletion(entry: &Entry) -> String {
    let mut text = format!("session {}: deleted {}", entry.session, time(entry.at));
    if let Some(deleted) = &entry.deleted {
        let Reason::Retention = deleted.reason;
        let days = deleted.retention.unwrap_or_default() as f64 / 86_400.0;
        let ended = time(deleted.ended);
        text = format!("{text}, {days:.1} days of retention after its end {ended}");
    }
    format!(
        "{text}; {} segments, {} bytes",
        u64::from(entry.segment) + 1,
        entry.length
    )
}

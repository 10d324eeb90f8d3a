//! A session with more results than fit in memory. `GATEWRIGHT_RECORD_MIB` says how many MiB, 200 without it.

use anyhow::{Context, Result, ensure};
use gatewright_contract::Outcome;
use gatewright_harness::{GatewayCommand, Version};
use gatewright_record::Event;
use gatewright_record::directory::Directory;
use gatewright_record::session;

use super::fixture::Recorded;
use crate::world::eventually;

const MIB: u64 = 1 << 20;

/// What the gateway may need more than before.
const MOST: u64 = 96 * MIB;

/// What the commands that read it may need.
const MOST_TO_READ: u64 = 160 * MIB;

#[test]
fn a_large_session_is_recorded_verified_and_shown_in_bounded_memory() -> Result<()> {
    let wanted = std::env::var("GATEWRIGHT_RECORD_MIB").ok();
    let wanted: u64 = wanted.map_or(Ok(200), |text| text.parse())?;
    let recorded = Recorded::start(
        Version::Installed,
        "record_large",
        "durability = \"interval\"",
    )?;
    let mut client = recorded.served.client("ada")?;
    // 32 KiB that do not compress well in each row.
    let sql = format!(
        "SELECT n, (SELECT string_agg(md5((n * 1024 + m)::text), '') FROM generate_series(1, 1024) m)
         FROM generate_series(1, {}) n",
        wanted * 32
    );
    client.query("SELECT 1")?;
    let before = recorded.served.gateway.process().resident_bytes()?;
    let (rows, bytes) = client.scan(&sql)?;
    ensure!(bytes >= wanted * MIB, "{bytes} bytes in {rows} rows");
    let now = recorded.served.gateway.process().resident_bytes()?;
    ensure!(
        now < before + MOST,
        "{now} bytes resident after {before}, with {bytes} delivered"
    );
    drop(client);
    let directory = Directory::new(&recorded.directory);
    let mut kept = 0;
    eventually("the session is recorded", || {
        kept = 0;
        let mut has_ended = false;
        let sessions = directory.list()?;
        let (_, segments) = sessions.first_key_value().context("a session")?;
        session::read(segments, &mut |event| match event {
            Event::Delivered(event) => kept += event.bytes.len() as u64,
            Event::Completed(event) => assert_eq!(event.outcome, Outcome::Completed),
            Event::Ended(_) => has_ended = true,
            _ => {}
        })?;
        Ok(has_ended)
    })?;
    ensure!(kept > bytes, "{kept} of {bytes} bytes are recorded");
    let sessions = directory.list()?;
    let (id, segments) = sessions.first_key_value().context("a session")?;
    ensure!(
        segments.len() as u64 >= wanted / 200,
        "{} segments",
        segments.len()
    );
    limited(&recorded, &["record", "verify"])?;
    limited(&recorded, &["sessions", "show", &id.to_string()])
}

/// Runs a command that must not need more memory for a longer record.
fn limited(recorded: &Recorded, arguments: &[&str]) -> Result<()> {
    let (verb, rest) = arguments.split_first().context("a command")?;
    let mut command = GatewayCommand::verb(verb);
    for argument in rest {
        command = command.argument(argument);
    }
    let directory = recorded.directory.display().to_string();
    let command = command.arguments(["--directory", &directory]);
    let (status, peak) = command.status_and_peak()?;
    ensure!(status.success(), "{arguments:?}: {status}");
    ensure!(peak < MOST_TO_READ, "{arguments:?} needed {peak} bytes");
    Ok(())
}

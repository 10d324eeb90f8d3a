//! Events that cannot be written hold nothing back, and are written once they can be.

use anyhow::{Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::error;

use super::fixture::{Streaming, assert_no_gap};
use crate::recording::SmallDisk;
use crate::world::eventually;

#[test]
fn statements_run_while_the_disk_of_the_streams_is_full() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("disk");
    let Some(_disk) = SmallDisk::mount(&place)? else {
        eprintln!("skipped: a small file system cannot be mounted here");
        return Ok(());
    };
    let streams = format!(
        "[streams]\ndirectory = \"{}/spool\"\n[[stream]]\nname = \"siem\"\nto = \"file\"\npath = \"@/events.jsonl\"",
        place.display()
    );
    let streaming = Streaming::start(Version::Installed, "streams_full", &streams)?;
    let mut client = streaming.served.client("ada")?;
    client.query("SELECT 1")?;
    streaming.events("events.jsonl", 1)?;
    let ballast = place.join("ballast");
    let filled = std::fs::write(&ballast, vec![1; 16 << 20]);
    ensure!(
        filled.is_err(),
        "the file system is larger than it should be"
    );
    let log = || streaming.served.gateway.log();
    for _ in 0..50 {
        let answer = client.query("SELECT 2")?;
        ensure!(error(&answer).is_none(), "{answer:?}");
    }
    eventually("the log says so", || {
        Ok(log()?.contains("cannot be written for the streams"))
    })?;
    std::fs::remove_file(ballast)?;
    let events = streaming.events("events.jsonl", 51)?;
    assert_no_gap(&events)?;
    ensure!(streaming.metric("gatewright_stream_lost_total")? == 0.0);
    let said = log()?.matches("cannot be written for the streams").count();
    ensure!(said == 1, "said {said} times");
    Ok(())
}

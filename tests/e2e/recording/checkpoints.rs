//! Checkpoints of the log in a second place: they are put there while the gateway runs and when it stops, and a log that was written anew does
//! not pass for the one they are of.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{ObjectStore, Version};

use super::fixture::Recorded;
use crate::world::eventually;

/// A gateway that keeps checkpoints in this place every 50 ms.
fn start(test: &str, place: &str, environment: Vec<(String, String)>) -> Result<Recorded> {
    let keys = format!("checkpoints = \"{place}\"\ncheckpoint_interval = \"50ms\"");
    Recorded::start_reaching(Version::Installed, test, &keys, "", environment)
}

fn run_session(recorded: &Recorded) -> Result<()> {
    let mut client = recorded.served.client("ada")?;
    client.query("SELECT 1")?;
    Ok(())
}

fn verify(recorded: &Recorded, place: &str) -> Result<(String, Option<i32>)> {
    recorded.command(&["record", "verify", "--checkpoint", place])
}

fn kept(recorded: &Recorded, outcome: &str) -> Result<u64> {
    let metrics = recorded.served.metrics()?;
    let name = format!("gatewright_record_checkpoints_total{{outcome=\"{outcome}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&name));
    Ok(line.map_or(Ok(0), str::parse)?)
}

/// Forgets what was logged, as somebody with the key and the directory can.
fn forget(directory: &Path) -> Result<()> {
    for folder in ["log", "sessions"] {
        fs::remove_dir_all(directory.join(folder))?;
    }
    Ok(())
}

fn a_log_that_was_rewritten_shows(mut recorded: Recorded, place: &str) -> Result<()> {
    for session in 1..=3 {
        run_session(&recorded)?;
        eventually("a checkpoint is kept", || {
            Ok(kept(&recorded, "kept")? >= session)
        })?;
    }
    let (text, code) = verify(&recorded, place)?;
    ensure!(code == Some(0), "{text}");
    recorded.served.gateway.process().signal("TERM")?;
    recorded
        .served
        .gateway
        .process_mut()
        .wait(std::time::Duration::from_secs(20))?;
    forget(&recorded.directory)?;
    recorded.served.start_again()?;
    // As many as before: only what they were shows.
    for _ in 0..4 {
        run_session(&recorded)?;
    }
    recorded.sessions(4)?;
    eventually("the new log is as long", || {
        Ok(kept(&recorded, "kept")? >= 1)
    })?;
    let (text, code) = verify(&recorded, place)?;
    ensure!(
        code == Some(1) && text.contains("it was rewritten"),
        "{text}"
    );
    Ok(())
}

#[test]
fn checkpoints_in_another_directory_show_that_the_log_was_rewritten() -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let place = elsewhere.path().join("checkpoints").display().to_string();
    let recorded = start("checkpoints_directory", &place, Vec::new())?;
    a_log_that_was_rewritten_shows(recorded, &place)
}

#[test]
fn checkpoints_in_an_object_store_show_that_the_log_was_rewritten() -> Result<()> {
    let store = ObjectStore::start()?;
    let place = "s3://record/of/checkpoints";
    let recorded = start("checkpoints_store", place, store.environment())?;
    a_log_that_was_rewritten_shows(recorded, place)
}

#[test]
fn the_last_checkpoint_is_kept_when_the_gateway_stops() -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let place = elsewhere.path().display().to_string();
    let keys = format!("checkpoints = \"{place}\"\ncheckpoint_interval = \"1h\"");
    let mut recorded = Recorded::start(Version::Installed, "checkpoints_last", &keys)?;
    run_session(&recorded)?;
    recorded.served.gateway.process().signal("TERM")?;
    recorded
        .served
        .gateway
        .process_mut()
        .wait(std::time::Duration::from_secs(20))?;
    let log = fs::read_dir(&place)?.next().context("a log")??;
    let kept: Vec<_> = fs::read_dir(log.path())?.collect::<Result<_, _>>()?;
    ensure!(kept.len() == 1, "{kept:?}");
    let newest = fs::read(recorded.directory.join("log/checkpoint"))?;
    ensure!(fs::read(kept[0].path())? == newest);
    Ok(())
}

/// What cannot be put there is counted, said once, and put there later; statements run meanwhile.
#[test]
fn a_place_that_is_away_does_not_hold_statements_back() -> Result<()> {
    let elsewhere = tempfile::tempdir()?;
    let place = elsewhere.path().join("checkpoints");
    let recorded = start("checkpoints_away", &place.display().to_string(), Vec::new())?;
    // A file is in the way.
    fs::remove_dir(&place)?;
    fs::write(&place, "")?;
    run_session(&recorded)?;
    eventually("attempts fail", || Ok(kept(&recorded, "failed")? >= 3))?;
    run_session(&recorded)?;
    let log = recorded.served.gateway.log()?;
    let said = log.matches("could not be put in its second place").count();
    ensure!(said == 1, "said {said} times: {log}");
    fs::remove_file(&place)?;
    fs::create_dir(&place)?;
    eventually("a checkpoint is kept", || Ok(kept(&recorded, "kept")? >= 1))?;
    ensure!(recorded.served.gateway.log()?.contains("kept again"));
    let (text, code) = verify(&recorded, &place.display().to_string())?;
    ensure!(code == Some(0), "{text}");
    Ok(())
}

//! The record in an object store: what was finished gets there whatever happens in between, is read and verified from there, and is deleted there.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_contract::SessionId;
use gatewright_harness::{GatewayCommand, ObjectStore, Version, free_port};
use gatewright_record::directory::Directory;
use gatewright_tests::raw;
use tempfile::TempDir;

use super::fixture::Recorded;
use crate::world::eventually;

const STORE: &str = "s3://record/of/sessions";

fn start(test: &str, keys: &str, environment: Vec<(String, String)>) -> Result<Recorded> {
    let keys = format!("store = \"{STORE}\"\n{keys}");
    Recorded::start_reaching(Version::Installed, test, &keys, "", environment)
}

fn metric(recorded: &Recorded, series: &str) -> Result<f64> {
    let metrics = recorded.served.metrics()?;
    let mut lines = metrics.lines();
    let value = lines.find_map(|line| line.strip_prefix(&format!("{series} ")));
    Ok(value.map_or(Ok(0.0), str::parse)?)
}

fn failed(recorded: &Recorded) -> Result<f64> {
    metric(
        recorded,
        "gatewright_record_uploads_total{outcome=\"failed\"}",
    )
}

fn backlog(recorded: &Recorded) -> Result<f64> {
    metric(recorded, "gatewright_record_backlog_bytes")
}

fn run_sessions(recorded: &Recorded, count: usize) -> Result<()> {
    for _ in 0..count {
        let mut client = recorded.served.client("ada")?;
        client.query("SELECT name, email FROM customers WHERE id < 5")?;
    }
    Ok(())
}

/// The output and the exit code of a command that reads what this option says.
fn read(
    recorded: &Recorded,
    place: [&str; 2],
    arguments: &[&str],
) -> Result<(String, Option<i32>)> {
    let (verb, rest) = arguments.split_first().context("a command")?;
    let mut command = GatewayCommand::verb(verb);
    for (name, value) in recorded.served.environment() {
        command = command.environment(name, value);
    }
    for argument in rest {
        command = command.argument(argument);
    }
    let output = command.arguments(place).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout)? + &errors;
    Ok((text, output.status.code()))
}

/// The whole record is in the store, and is what was logged.
fn assert_uploaded(recorded: &Recorded, sessions: usize) -> Result<()> {
    let expected = format!("{sessions} sessions verified: {sessions} segments");
    let mut said = String::new();
    eventually("everything is uploaded", || {
        let (text, code) = read(recorded, ["--directory", STORE], &["record", "verify"])?;
        said = text;
        Ok(code == Some(0) && said.contains(&expected))
    })
    .with_context(|| said.clone())
}

#[test]
fn what_is_uploaded_is_read_and_verified_from_the_store() -> Result<()> {
    let store = ObjectStore::start()?;
    let recorded = start("store_read", "", store.environment())?;
    run_sessions(&recorded, 3)?;
    assert_uploaded(&recorded, 3)?;
    let place = ["--directory", STORE];
    let local = recorded.command(&["sessions", "list"])?;
    ensure!(local.0.lines().count() == 3, "{local:?}");
    assert_eq!(read(&recorded, place, &["sessions", "list"])?, local);
    let sessions = Directory::new(&recorded.directory).list()?;
    let session = sessions.keys().next().context("a session")?.to_string();
    for command in [
        &["sessions", "show", &session][..],
        &["replay", &session, "--at-once"],
        &["export", &session, "--format", "jsonl"],
        &["record", "verify", &session],
    ] {
        let from_store = read(&recorded, place, command)?;
        assert_eq!(from_store, recorded.command(command)?, "{command:?}");
        ensure!(from_store.1 == Some(0), "{from_store:?}");
    }
    let (text, code) = read(&recorded, place, &["record", "hold", "list"])?;
    ensure!(
        code == Some(1) && text.contains("in the directory of a gateway"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_store_that_is_down_gets_everything_once_it_is_back() -> Result<()> {
    let port = free_port()?;
    let recorded = start("store_down", "", ObjectStore::environment_at(port))?;
    run_sessions(&recorded, 2)?;
    eventually("uploads fail", || Ok(failed(&recorded)? >= 1.0))?;
    run_sessions(&recorded, 2)?;
    eventually("the backlog shows", || Ok(backlog(&recorded)? > 0.0))?;
    let _store = ObjectStore::start_at(port)?;
    assert_uploaded(&recorded, 4)?;
    eventually("nothing waits", || Ok(backlog(&recorded)? == 0.0))?;
    let log = recorded.served.gateway.log()?;
    ensure!(log.matches("could not be uploaded").count() == 1, "{log}");
    ensure!(log.contains("is uploaded again"), "{log}");
    Ok(())
}

/// The gateway is killed while the store holds its requests, and goes on with the next start.
#[test]
fn a_kill_in_the_middle_of_an_upload_loses_nothing() -> Result<()> {
    let store = ObjectStore::start()?;
    let mut recorded = start("store_kill", "", store.environment())?;
    run_sessions(&recorded, 1)?;
    assert_uploaded(&recorded, 1)?;
    store.pause()?;
    run_sessions(&recorded, 3)?;
    recorded.sessions(4)?;
    eventually("an upload has begun", || Ok(backlog(&recorded)? > 0.0))?;
    let process = recorded.served.gateway.process_mut();
    process.signal("KILL")?;
    process.wait(Duration::from_secs(30))?;
    recorded.served.start_again()?;
    store.resume()?;
    run_sessions(&recorded, 1)?;
    assert_uploaded(&recorded, 5)
}

#[test]
fn with_too_much_that_waits_nothing_runs_until_it_is_uploaded() -> Result<()> {
    let port = free_port()?;
    let keys = "upload_backlog = \"1MiB\"\nmax_segment = \"1MiB\"";
    let recorded = start("store_backlog", keys, ObjectStore::environment_at(port))?;
    let mut client = recorded.served.client("ada")?;
    // Random text, which does not compress to nothing.
    let select = "SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 100000)";
    // Until it is refused, or the session ends for it.
    while client
        .query(select)
        .is_ok_and(|messages| raw::error(&messages).is_none())
    {}
    let refusal = recorded.served.refusal("ada")?;
    ensure!(refusal.contains("waits to be uploaded"), "{refusal}");
    let log = recorded.served.gateway.log()?;
    ensure!(log.contains("waits to be uploaded; nothing runs"), "{log}");
    let _store = ObjectStore::start_at(port)?;
    eventually("statements run again", || {
        let client = recorded.served.client("ada");
        Ok(client.is_ok_and(|mut client| client.query("SELECT 1").is_ok()))
    })
}

/// With a directory as the store, it can be seen what is where.
fn in_directory(test: &str, keys: &str) -> Result<(Recorded, TempDir)> {
    let elsewhere = tempfile::tempdir()?;
    let keys = format!("store = \"{}\"\n{keys}", elsewhere.path().display());
    Ok((Recorded::start(Version::Installed, test, &keys)?, elsewhere))
}

fn sessions_of(directory: &Path) -> Result<Vec<SessionId>> {
    match fs::exists(directory.join("sessions"))? {
        true => Ok(Directory::new(directory).list()?.into_keys().collect()),
        false => Ok(Vec::new()),
    }
}

/// Sessions that are only in the store.
fn two_sessions_away(recorded: &Recorded, elsewhere: &TempDir) -> Result<Vec<SessionId>> {
    run_sessions(recorded, 2)?;
    eventually("both are only in the store", || {
        let is_away = sessions_of(&recorded.directory)?.is_empty();
        Ok(is_away && sessions_of(elsewhere.path())?.len() == 2)
    })?;
    sessions_of(elsewhere.path())
}

#[test]
fn local_copies_go_and_the_record_is_whole() -> Result<()> {
    let (recorded, elsewhere) = in_directory("store_local", "keep_local = \"1s\"")?;
    let sessions = two_sessions_away(&recorded, &elsewhere)?;
    let mut open = recorded.served.client("ada")?;
    open.query("SELECT 1")?;
    let config = recorded.served.config().display().to_string();
    let place = ["--config", config.as_str()];
    eventually("the open session is read, too", || {
        let (text, code) = read(&recorded, place, &["record", "verify"])?;
        Ok(code == Some(0) && text.contains("3 sessions verified: 2 segments"))
    })?;
    let session = sessions[0].to_string();
    let (text, code) = read(&recorded, place, &["sessions", "show", &session])?;
    ensure!(
        code == Some(0) && text.contains("SELECT name, email"),
        "{text}"
    );
    // A segment that somebody has taken out of the store is missing.
    fs::remove_file(Directory::new(elsewhere.path()).segment(sessions[0], 0))?;
    let (text, code) = read(&recorded, place, &["record", "verify"])?;
    ensure!(code == Some(1) && text.contains("missing"), "{text}");
    Ok(())
}

#[test]
fn what_is_deleted_is_deleted_in_the_store_unless_a_hold_keeps_it() -> Result<()> {
    let (mut recorded, elsewhere) = in_directory("store_retention", "keep_local = \"1s\"")?;
    let sessions = two_sessions_away(&recorded, &elsewhere)?;
    let held = sessions[0].to_string();
    let hold = [
        "record",
        "hold",
        "add",
        "--why",
        "a test",
        "--session",
        &held,
    ];
    let (text, code) = recorded.command(&hold)?;
    ensure!(code == Some(0), "{text}");
    let process = recorded.served.gateway.process_mut();
    process.signal("TERM")?;
    process.wait(Duration::from_secs(30))?;
    let config = recorded.served.config();
    let text = fs::read_to_string(&config)?;
    let text = text.replace("keep_local", "retention = \"1s\"\nkeep_local");
    fs::write(&config, text)?;
    recorded.served.start_again()?;
    eventually("one is deleted in the store", || {
        Ok(sessions_of(elsewhere.path())? == sessions[..1])
    })?;
    let place = elsewhere.path().display().to_string();
    let deleted = format!("session {}: deleted", sessions[1]);
    eventually("the log in the store says so", || {
        let place = ["--directory", place.as_str()];
        let (text, code) = read(&recorded, place, &["record", "verify"])?;
        Ok(code == Some(0) && text.contains(&deleted))
    })
}

/// Segments are uploaded, and the log cannot be: it is uploaded once it can, although nothing new is logged.
#[test]
fn a_log_that_could_not_be_uploaded_is_uploaded_later() -> Result<()> {
    let (recorded, elsewhere) = in_directory("store_log", "")?;
    fs::write(elsewhere.path().join("log"), "in the way")?;
    run_sessions(&recorded, 2)?;
    eventually("the log cannot be uploaded", || {
        Ok(failed(&recorded)? >= 1.0 && sessions_of(elsewhere.path())?.len() == 2)
    })?;
    eventually("it is tried again", || Ok(failed(&recorded)? >= 2.0))?;
    fs::remove_file(elsewhere.path().join("log"))?;
    let place = elsewhere.path().display().to_string();
    eventually("the log is uploaded", || {
        let (text, code) = read(&recorded, ["--directory", &place], &["record", "verify"])?;
        Ok(code == Some(0) && text.contains("2 sessions verified: 2 segments"))
    })
}

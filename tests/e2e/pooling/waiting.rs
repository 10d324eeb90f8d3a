//! Clients in line for a connection: they may cancel and leave, and they wait no longer than `pool_wait`.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, error, tags};

use super::{backend, in_line, pooled, value};
use crate::startup::startup;

on_each_version!(
    a_statement_in_line_can_be_cancelled,
    who_leaves_the_line_takes_no_connection,
);

const ONE: &str = "pool = \"transaction\"\npool_size = 1\npool_wait = \"10m\"";

fn a_statement_in_line_can_be_cancelled(version: Version) -> Result<()> {
    let served = pooled(version, "line_cancel", ONE)?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    ada.query("BEGIN")?;
    let messages = [
        raw::query("SELECT 1"),
        [raw::extended("SELECT 1", &[], 0), raw::sync()].concat(),
    ];
    for message in messages {
        grace.send(&message)?;
        in_line(&served, 1)?;
        raw::cancel(&served.dsn("grace")?, &grace.key)?;
        let messages = grace.until_ready()?;
        assert_eq!(tags(&messages), "EZ");
        let fields = error(&messages).context("an error")?;
        assert_eq!(
            (fields[&'C'].as_str(), fields[&'M'].as_str()),
            ("57014", "canceling statement due to user request")
        );
        in_line(&served, 0)?;
    }
    ada.query("COMMIT")?;
    assert_eq!(value(&mut grace, "SELECT 1")?.as_deref(), Some("1"));
    // It cancelled what waited, and nothing else.
    assert_eq!(value(&mut ada, "SELECT 2")?.as_deref(), Some("2"));
    Ok(())
}

fn who_leaves_the_line_takes_no_connection(version: Version) -> Result<()> {
    let served = pooled(version, "line_leave", ONE)?;
    let direct = Psql::new(&served.direct)?;
    direct.query("CREATE TABLE kept (i int)")?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    ada.query("BEGIN")?;
    let insert = raw::query("INSERT INTO kept VALUES (1)");
    // More than is read ahead hides the end of the stream.
    for behind in [Vec::new(), raw::query("SELECT 1").repeat(8000)] {
        let mut leaves = served.client("joan")?;
        leaves.send(&insert)?;
        in_line(&served, 1)?;
        leaves.send(&behind)?;
        drop(leaves);
        in_line(&served, 0)?;
    }
    grace.send(&raw::query("SELECT count(*) FROM kept"))?;
    in_line(&served, 1)?;
    ada.query("COMMIT")?;
    assert_eq!(
        super::first_value(&grace.until_ready()?)?.as_deref(),
        Some("0")
    );
    Ok(())
}

#[test]
fn who_leaves_the_line_at_login_takes_no_connection() -> Result<()> {
    let keys = "pool = \"session\"\npool_size = 1\npool_wait = \"10m\"";
    let served = pooled(Version::Installed, "line_login", keys)?;
    let ada = served.client("ada")?;
    let dsn = served.dsn("grace")?;
    let mut grace = TcpStream::connect((dsn.host.as_str(), dsn.port))?;
    grace.write_all(&startup(
        (3, 0),
        &[("user", &dsn.user), ("database", &dsn.database)],
    ))?;
    // AuthenticationCleartextPassword.
    let mut asked = [0; 9];
    grace.read_exact(&mut asked)?;
    ensure!(asked == *b"R\0\0\0\x08\0\0\0\x03", "{asked:?}");
    grace.write_all(&raw::message(b'p', &[dsn.password.as_bytes(), b"\0"]))?;
    in_line(&served, 1)?;
    drop(grace);
    in_line(&served, 0)?;
    drop(ada);
    served.client("grace")?;
    Ok(())
}

/// A server process that does nothing until this is dropped.
struct Stopped(String);

impl Stopped {
    fn new(pid: String) -> Result<Self> {
        signal("-STOP", &pid)?;
        Ok(Stopped(pid))
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = signal("-CONT", &self.0);
    }
}

fn signal(name: &str, pid: &str) -> Result<()> {
    let status = Command::new("kill").args([name, pid]).status()?;
    ensure!(status.success(), "kill {name} {pid}: {status}");
    Ok(())
}

/// The server does not answer to the reset that lies between two identities.
#[test]
fn a_reset_takes_no_longer_than_a_client_may_wait() -> Result<()> {
    let keys = "pool = \"transaction\"\npool_size = 1\npool_wait = \"1s\"";
    let served = pooled(Version::Installed, "line_reset", keys)?;
    let (mut ada, mut grace) = (served.client("ada")?, served.client("grace")?);
    let stopped = Stopped::new(backend(&mut ada)?)?;
    let messages = grace.query("SELECT 1")?;
    let fields = error(&messages).context("there is no connection")?;
    assert_eq!(fields[&'C'], "53300");
    // The connection is in a state that nobody knows, so another one takes its place.
    assert_ne!(backend(&mut grace)?, stopped.0);
    Ok(())
}

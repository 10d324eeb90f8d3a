//! Sessions that have been kept long enough are deleted, unless a hold keeps them.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;

use super::fixture::Recorded;
use crate::world::eventually;

#[test]
fn sessions_are_deleted_after_their_retention_but_for_those_that_are_held() -> Result<()> {
    let mut recorded = Recorded::start(
        Version::Installed,
        "record_retention",
        "retention = \"1ms\"",
    )?;
    for subject in ["ada", "grace"] {
        recorded.served.client(subject)?.query("SELECT 1")?;
    }
    let sessions = recorded.sessions(2)?;
    recorded.assert_verifies()?;
    let (id, code) = recorded.command(&[
        "record",
        "hold",
        "add",
        "--subject",
        "grace",
        "--why",
        "case 7",
    ])?;
    ensure!(code == Some(0), "{id}");
    let (list, _) = recorded.command(&["record", "hold", "list"])?;
    ensure!(list.contains("subject grace  case 7"), "{list}");
    let restart = |recorded: &mut Recorded| -> Result<()> {
        recorded.served.gateway.process().signal("KILL")?;
        recorded.served.start_again()
    };
    restart(&mut recorded)?;
    let listed = |recorded: &Recorded| recorded.command(&["sessions", "list"]);
    eventually("one session is deleted", || {
        Ok(listed(&recorded)?.0.lines().count() == 1)
    })?;
    let (list, _) = listed(&recorded)?;
    ensure!(list.contains("grace"), "{list}");
    let (text, code) = recorded.command(&["record", "verify"])?;
    ensure!(
        code == Some(0) && text.contains("1 sessions were deleted, and the log says so"),
        "{text}"
    );
    let deleted = sessions
        .iter()
        .map(|(id, _)| id.to_string())
        .find(|id| !list.contains(id))
        .context("the deleted session")?;
    let (text, code) = recorded.command(&["record", "verify", &deleted])?;
    ensure!(
        code == Some(0) && text.contains(&format!("session {deleted}: deleted ")),
        "{text}"
    );
    let metrics = recorded.served.metrics()?;
    ensure!(
        metrics.contains("gatewright_record_deleted_total 1"),
        "{metrics}"
    );

    let (text, code) = recorded.command(&["record", "hold", "remove", id.trim()])?;
    ensure!(code == Some(0), "{text}");
    restart(&mut recorded)?;
    eventually("the other session is deleted", || {
        Ok(listed(&recorded)?.0.is_empty())
    })?;
    recorded.assert_verifies()
}

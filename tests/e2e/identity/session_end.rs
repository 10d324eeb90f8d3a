//! A session ends when the token, grant or issuer that opened it does.

use std::time::Duration;

use anyhow::{Context, Result};
use gatewright_harness::{Provider, Psql};
use gatewright_tests::raw::{Client, query};
use serde_json::json;

use super::stage::{Plan, Stage};
use crate::world::eventually;

/// The documented delay, and a margin for a loaded machine.
const SOON: Duration = Duration::from_secs(30);

fn stage(test: &str, more: &str) -> Result<(Stage, Provider)> {
    let provider = Provider::start(&json!({ "ada": { "groups": ["staff"] } }))?;
    let plan = Plan {
        issuer: provider.url(),
        more,
        ..Plan::default()
    };
    Ok((Stage::start(test, tempfile::tempdir()?, &plan)?, provider))
}

/// SQLSTATE and message of the error that ends the session; it must arrive soon.
fn final_error(client: &mut Client) -> Result<(String, String)> {
    client.set_patience(SOON)?;
    loop {
        let message = client.receive()?;
        if message.tag == b'E' {
            let fields = message.fields();
            assert_eq!(fields[&'S'], "FATAL");
            assert!(client.receive().is_err(), "the connection is still open");
            return Ok((fields[&'C'].clone(), fields[&'M'].clone()));
        }
    }
}

fn reload(stage: &Stage, change: impl Fn(&str) -> String) -> Result<()> {
    stage.edit(change)?;
    stage.gateway.process().signal("HUP")
}

#[test]
fn idle_and_busy_sessions_end_with_the_token() -> Result<()> {
    let (stage, provider) = stage("end_expiry", "")?;
    let token = provider.access_token_for("ada", "gatewright", 10)?;
    let mut idle = stage.client(&token)?;
    idle.query("SELECT 1")?;
    let mut busy = stage.client(&token)?;
    busy.send(&query("SELECT pg_sleep(600)"))?;
    for client in [&mut idle, &mut busy] {
        let (_, text) = final_error(client)?;
        assert!(text.contains("token has expired"), "{text}");
    }
    // The statement running on the server ends with the session.
    let direct = Psql::new(&stage.direct)?;
    eventually("the server stops the statement", || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()";
        Ok(direct.query(sql)? == "0")
    })
}

/// The issuer's clock may be behind: a token accepted within the clock skew opens a session that does not end at once.
#[test]
fn a_token_within_the_clock_skew_opens_a_session_that_lasts() -> Result<()> {
    let (stage, provider) = stage("end_skew", "")?;
    let token = provider.access_token_for("ada", "gatewright", 1)?;
    std::thread::sleep(Duration::from_secs(2));
    let mut client = stage.client(&token)?;
    for _ in 0..3 {
        client.query("SELECT 1")?;
        std::thread::sleep(Duration::from_millis(300));
    }
    // The default skew is 30 s.
    client.set_patience(SOON * 2)?;
    let message = client.receive()?;
    assert!(message.fields()[&'M'].contains("token has expired"));
    Ok(())
}

#[test]
fn a_grace_period_extends_a_session_until_a_reload_removes_it() -> Result<()> {
    let (stage, provider) = stage("end_grace", "[tokens]\ngrace = \"1h\"")?;
    let token = provider.access_token_for("ada", "gatewright", 8)?;
    let mut client = stage.client(&token)?;
    std::thread::sleep(Duration::from_secs(10));
    client.query("SELECT 1")?;
    reload(&stage, |text| {
        text.replace("grace = \"1h\"", "grace = \"0s\"")
    })?;
    assert!(final_error(&mut client)?.1.contains("token has expired"));
    Ok(())
}

#[test]
fn a_withdrawn_or_changed_grant_ends_only_its_sessions() -> Result<()> {
    let (stage, provider) = stage("end_grant", "")?;
    let token = provider.access_token("ada")?;

    // A reload that removes nothing does not affect sessions.
    let mut first = stage.client(&token)?;
    reload(&stage, |text| format!("{text}\n[log]\nlevel = \"info\"\n"))?;
    eventually("the file is reloaded", || {
        Ok(stage.gateway.log()?.contains("configuration reloaded"))
    })?;
    first.query("SELECT 1")?;

    // The grant now names another role.
    let other = format!("{}_other", stage.role);
    Psql::new(&stage.direct)?.query(&format!(
        "CREATE ROLE {other} LOGIN PASSWORD '{}'",
        stage.password
    ))?;
    let role = |name: &str| format!("role = \"{name}\"");
    reload(&stage, |text| {
        text.replace(&role(&stage.role), &role(&other))
    })?;
    let (sqlstate, text) = final_error(&mut first)?;
    assert_eq!(sqlstate, "57P01");
    assert!(text.contains("another role"), "{text}");
    assert_eq!(stage.role_of(&token)?, other);

    // The grant is removed while the session is in a transaction.
    let mut second = stage.client(&token)?;
    second.query("BEGIN")?;
    reload(&stage, |text| {
        text.replace("groups = [\"staff\"]", "groups = [\"nobody\"]")
    })?;
    let (sqlstate, text) = final_error(&mut second)?;
    assert_eq!(sqlstate, "57P01");
    assert!(text.contains("withdrawn"), "{text}");
    assert!(stage.refusal(&token)?.contains("no grant"));
    Ok(())
}

#[test]
fn removing_groups_or_trust_ends_sessions() -> Result<()> {
    let provider = Provider::start(&json!({ "bo": {} }))?;
    let plan = Plan {
        issuer: provider.url(),
        issuer_keys: "[issuer.subject_groups]\nbo = [\"staff\"]",
        ..Plan::default()
    };
    let stage = Stage::start("end_groups", tempfile::tempdir()?, &plan)?;
    let token = provider.access_token("bo")?;
    let mut client = stage.client(&token)?;
    reload(&stage, |text| {
        text.replace("bo = [\"staff\"]", "bo = [\"guests\"]")
    })?;
    assert!(final_error(&mut client)?.1.contains("withdrawn"));

    reload(&stage, |text| {
        text.replace("bo = [\"guests\"]", "bo = [\"staff\"]")
    })?;
    eventually("the group is in force again", || {
        Ok(stage.psql(&token)?.script("SELECT 1;")?.code == Some(0))
    })?;
    let mut client = stage.client(&token)?;
    reload(&stage, |text| {
        text.replace(provider.url(), "http://127.0.0.1:1")
    })?;
    let (sqlstate, text) = final_error(&mut client).context("after the issuer was removed")?;
    assert_eq!(sqlstate, "57P01");
    assert!(text.contains("issuer"), "{text}");
    Ok(())
}

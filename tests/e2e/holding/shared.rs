//! Held statements and the store: on SQLite and PostgreSQL, with two gateways, and while the store is away.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_harness::Psql;
use gatewright_tests::raw::{self, Client, error, tags};

use super::stage::{detail, until_held};
use crate::grants::stage::{Stage, Store};
use crate::world::{self, eventually};

fn stage(test: &str, store: Store, count: usize) -> Result<Stage> {
    Stage::with(test, store, count, &["approve-destructive"], "")
}

fn held(client: &mut Client) -> Result<String> {
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(client)?;
    Ok(held)
}

fn rows(stage: &Stage) -> Result<String> {
    let counted = Psql::new(&stage.direct)?.query("SELECT count(*) FROM t")?;
    Ok(counted.trim().to_owned())
}

#[test]
fn a_statement_waits_and_goes_on_with_sqlite() -> Result<()> {
    goes_on(&stage("shared_sqlite", Store::Sqlite, 1)?, 0)
}

/// Somebody decides at the other gateway.
#[test]
fn a_statement_waits_and_goes_on_with_postgresql() -> Result<()> {
    goes_on(&stage("shared_postgresql", Store::Postgresql, 2)?, 1)
}

/// `other`: the gateway at which people decide.
fn goes_on(stage: &Stage, other: usize) -> Result<()> {
    let api = stage.api_of(other, stage.issuer.token("bob", &["dba"])?);
    let mut client = stage.ada()?;
    for (what, state, left) in [("reject", "rejected", "9"), ("approve", "executed", "0")] {
        let held = held(&mut client)?;
        api.decide_about(&held, what)?;
        let answered = client.until_ready()?;
        ensure!(error(&answered).is_some() == (what == "reject"), "{what}");
        api.state(&held, state)?;
        ensure!(rows(stage)? == left, "{what}");
    }
    Ok(())
}

#[test]
fn another_gateway_withdraws_what_a_killed_one_held() -> Result<()> {
    let mut stage = stage("shared_killed", Store::Postgresql, 2)?;
    let api = stage.api_of(1, stage.issuer.token("bob", &["dba"])?);
    let mut client = stage.ada()?;
    let held = held(&mut client)?;
    let killed = stage.gateway(0);
    killed.process().signal("KILL")?;
    killed.process_mut().wait(Duration::from_secs(30))?;
    let request = api.state(&held, "withdrawn")?;
    ensure!(request["outcome"]["ended"].is_string(), "{request}");
    let late = api.decide_about(&held, "approve");
    late.err().context("it can still be approved")?;
    ensure!(client.receive().is_err());
    ensure!(rows(&stage)? == "9");
    Ok(())
}

#[test]
fn what_is_held_outlasts_the_store() -> Result<()> {
    let stage = stage("shared_outage", Store::Postgresql, 1)?;
    let api = stage.api_of(0, stage.issuer.token("bob", &["dba"])?);
    let mut client = stage.ada()?;
    let held = held(&mut client)?;
    let server = Psql::new(&world::postgres()?.dsn())?;
    let store = server
        .query("SELECT datname FROM pg_database WHERE datname LIKE 'shared_outage_store%'")?;
    let store = store.trim();
    server.query(&format!("ALTER DATABASE {store} ALLOW_CONNECTIONS false"))?;
    server.query(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{store}'"
    ))?;
    let mut other = stage.ada()?;
    let refused = error(&other.query("DELETE FROM t")?).context("it is not refused")?;
    ensure!(refused[&'C'] == "57P03", "{refused:?}");
    let done = other.query("INSERT INTO t VALUES (10)")?;
    ensure!(tags(&done) == "CZ", "{done:?}");
    ensure!(api.decide_about(&held, "approve").is_err());
    server.query(&format!("ALTER DATABASE {store} ALLOW_CONNECTIONS true"))?;
    eventually("the store is back", || {
        Ok(api.decide_about(&held, "approve").is_ok())
    })?;
    let done = client.until_ready()?;
    ensure!(error(&done).is_none(), "{done:?}");
    api.state(&held, "executed")?;
    ensure!(rows(&stage)? == "0");
    let again = self::held(&mut other)?;
    api.decide_about(&again, "reject")?;
    let refused = error(&other.until_ready()?).context("it is not refused")?;
    ensure!(detail(&refused)?["decision"] == "rejected", "{refused:?}");
    Ok(())
}

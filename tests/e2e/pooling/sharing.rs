//! Which clients share a connection, and what happens where there are more clients than connections.

use std::collections::BTreeSet;
use std::thread;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, Client, error};

use super::{backend, in_line, pooled, server_connections, value};
use crate::world::eventually;

on_each_version!(
    a_connection_serves_one_client_after_the_other,
    a_dead_connection_is_noticed,
);

fn a_connection_serves_one_client_after_the_other(version: Version) -> Result<()> {
    let served = pooled(version, "pool_again", "pool = \"session\"\npool_size = 2")?;
    let mut ada = served.client("ada")?;
    let mut grace = served.client("grace")?;
    let first = BTreeSet::from([backend(&mut ada)?, backend(&mut grace)?]);
    assert_eq!(first.len(), 2);
    drop((ada, grace));
    for subject in ["joan", "ada", "grace"] {
        let mut client = served.client(subject)?;
        assert!(first.contains(&backend(&mut client)?), "{subject}");
        assert_eq!(value(&mut client, "SELECT 1")?.as_deref(), Some("1"));
    }
    Ok(())
}

/// Values of a session's settings go back to those of its startup packet, so they must be the same.
#[test]
fn clients_with_other_startup_parameters_share_nothing() -> Result<()> {
    let served = pooled(
        Version::Installed,
        "pool_startup",
        "pool = \"session\"\npool_size = 1",
    )?;
    let named =
        |name: &str| Client::connect_with(&served.dsn("ada")?, &[("application_name", name)]);
    let mut one = named("one")?;
    let first = backend(&mut one)?;
    drop(one);
    let mut other = named("other")?;
    assert_ne!(backend(&mut other)?, first);
    assert_eq!(
        value(&mut other, "SHOW application_name")?.as_deref(),
        Some("other")
    );
    // There was room for one. The server may need a moment to end the other.
    eventually("one connection is left", || {
        Ok(server_connections(&served)? == 1)
    })?;
    drop(other);
    let mut again = named("one")?;
    assert_eq!(
        value(&mut again, "SHOW application_name")?.as_deref(),
        Some("one")
    );
    Ok(())
}

#[test]
fn who_waits_too_long_for_a_connection_is_told_so() -> Result<()> {
    let keys = "pool = \"session\"\npool_size = 1\npool_wait = \"200ms\"";
    let served = pooled(Version::Installed, "pool_wait", keys)?;
    let ada = served.client("ada")?;
    let refused = served.refusal("grace")?;
    ensure!(
        refused.contains("53300") && refused.contains("pool_wait"),
        "{refused}"
    );
    drop(ada);
    // The connection may take longer to come back than a client waits here.
    eventually("there is a connection again", || {
        Ok(served.client("grace").is_ok())
    })
}

#[test]
fn who_waits_gets_the_connection_that_comes_free() -> Result<()> {
    let served = pooled(
        Version::Installed,
        "pool_turn",
        "pool = \"session\"\npool_size = 1\npool_wait = \"60s\"",
    )?;
    let mut first = served.client("ada")?;
    let pid = backend(&mut first)?;
    let dsn = served.dsn("grace")?;
    let waiting = thread::spawn(move || -> Result<String> { backend(&mut Client::connect(&dsn)?) });
    in_line(&served, 1)?;
    drop(first);
    let served_by = waiting
        .join()
        .map_err(|_| anyhow::anyhow!("the client failed"))??;
    assert_eq!(served_by, pid);
    Ok(())
}

#[test]
fn connections_are_closed_when_nobody_uses_them_for_long() -> Result<()> {
    let served = pooled(
        Version::Installed,
        "pool_idle",
        "pool = \"session\"\npool_idle = \"1s\"",
    )?;
    drop(served.client("ada")?);
    eventually("the idle connection is closed", || {
        Ok(server_connections(&served)? == 0)
    })?;
    let served = pooled(
        Version::Installed,
        "pool_age",
        "pool = \"session\"\npool_max_age = \"1s\"",
    )?;
    let mut ada = served.client("ada")?;
    backend(&mut ada)?;
    drop(ada);
    eventually("the old connection is closed", || {
        Ok(server_connections(&served)? == 0)
    })
}

fn a_dead_connection_is_noticed(version: Version) -> Result<()> {
    let served = pooled(version, "pool_dead", "pool = \"session\"\npool_size = 1")?;
    let mut ada = served.client("ada")?;
    let first = backend(&mut ada)?;
    drop(ada);
    let direct = Psql::new(&served.direct)?;
    eventually("the connection is idle", || {
        let idle = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {first} AND query LIKE '%current_setting%' AND state = 'idle'"
        );
        Ok(direct.query(&idle)?.trim() == "1")
    })?;
    direct.query(&format!("SELECT pg_terminate_backend({first}, 10000)"))?;
    let mut grace = served.client("grace")?;
    assert_ne!(backend(&mut grace)?, first);
    Ok(())
}

#[test]
fn a_reload_replaces_the_pool() -> Result<()> {
    let served = pooled(
        Version::Installed,
        "pool_reload",
        "pool = \"session\"\npool_size = 1\npool_wait = \"300ms\"",
    )?;
    let mut ada = served.client("ada")?;
    let first = backend(&mut ada)?;
    served.refusal("grace")?;
    served.reconfigure("pool_size = 1", "pool_size = 2")?;
    let mut grace = None;
    eventually("there is room for two", || {
        grace = served.client("grace").ok();
        Ok(grace.is_some())
    })?;
    drop(ada);
    let direct = Psql::new(&served.direct)?;
    eventually("the connection of the former pool is closed", || {
        let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {first}");
        Ok(direct.query(&left)?.trim() == "0")
    })
}

#[test]
fn the_pool_is_counted() -> Result<()> {
    let keys = "pool = \"session\"\npool_size = 1";
    let served = pooled(Version::Installed, "pool_counted", keys)?;
    for subject in ["ada", "grace"] {
        drop(served.client(subject)?);
    }
    eventually("the connection is idle again", || {
        let metrics = served.metrics()?;
        Ok(metrics.contains("gatewright_pool_idle_connections{database=\"here\"} 1\n"))
    })?;
    let metrics = served.metrics()?;
    for line in [
        "gatewright_pool_connections{database=\"here\"} 1\n",
        "gatewright_pool_handed_out_total{database=\"here\",how=\"new\"} 1\n",
        "gatewright_pool_handed_out_total{database=\"here\",how=\"kept\"} 1\n",
    ] {
        ensure!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    Ok(())
}

#[test]
fn the_gateway_leaves_no_connection_behind() -> Result<()> {
    let mut served = pooled(Version::Installed, "pool_stop", "pool = \"session\"")?;
    let mut ada = served.client("ada")?;
    drop(served.client("grace")?);
    ada.send(&raw::query("SELECT 1"))?;
    ada.until_ready()?;
    served.gateway.process().signal("TERM")?;
    let last = ada.receive()?;
    let fields = error(&[last]).context("a farewell")?;
    assert_eq!(fields[&'C'], "57P01");
    served
        .gateway
        .process_mut()
        .wait(std::time::Duration::from_secs(20))?;
    eventually("all server connections are closed", || {
        Ok(server_connections(&served)? == 0)
    })
}

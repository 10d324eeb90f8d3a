//! Many statements are held at one time, and others go on.

use anyhow::{Result, ensure};
use gatewright_harness::free_port;
use gatewright_tests::raw::{self, Client, error, tags};

use crate::site::http_get;

use super::stage::{DELETE, Stage, until_held};

/// Of each identity: more wait at no time.
const EACH: usize = 100;

#[test]
fn two_hundred_are_held_while_others_go_on() -> Result<()> {
    let port = free_port()?;
    let admin = format!("127.0.0.1:{port}");
    let stage = Stage::with_arguments(
        "holding_many",
        &[DELETE],
        (0, 0),
        &["--admin", admin.as_str()],
    )?;
    let counted = |sample: &str| {
        let (_, metrics) = http_get(port, "/metrics")?;
        ensure!(
            metrics.contains(&format!("\n{sample}\n")),
            "{sample}: {metrics}"
        );
        Ok::<_, anyhow::Error>(())
    };
    let mut held: Vec<(Client, String)> = Vec::new();
    for dsn in [stage.dsn()?, stage.reviewers_dsn()?] {
        for number in 0..EACH {
            let mut client = Client::connect(&dsn)?;
            client.send(&raw::query(&format!(
                "DELETE FROM t WHERE n = {}",
                number + 100
            )))?;
            let (_, id) = until_held(&mut client)?;
            held.push((client, id));
        }
    }
    let refused = {
        let mut client = stage.client()?;
        client.query("BEGIN")?;
        let answered = client.query("DELETE FROM t")?;
        error(&answered)
    };
    ensure!(refused.is_some_and(|refused| refused[&'C'] == "53400"));
    counted("gatewright_approvals_held 200")?;
    // The trial has one entry for all databases.
    counted("gatewright_database_held{database=\"*\"} 200")?;
    let mut other = stage.client()?;
    for _ in 0..20 {
        ensure!(error(&other.query("INSERT INTO t VALUES (50)")?).is_none());
    }
    ensure!(stage.rows()? == "29");
    // Those of the reviewer nobody here may approve.
    for (client, id) in held.iter_mut().take(EACH) {
        stage.api().decide_about(id, "approve")?;
        let answered = client.until_ready()?;
        // They may have been told again that they wait.
        ensure!(tags(&answered).trim_start_matches('N') == "CZ");
    }
    counted("gatewright_approvals_held 100")?;
    counted("gatewright_approvals_total{outcome=\"approved\"} 100")?;
    counted("gatewright_database_statements_total{database=\"*\",verdict=\"ask\"} 201")?;
    Ok(())
}

/// A pooled connection is lent to others while a statement waits for a decision.
#[test]
fn what_is_held_takes_no_connection_of_a_pool() -> Result<()> {
    let arguments = ["--pool", "transaction", "--pool-size", "1"];
    let stage = Stage::with_arguments("holding_pool", &[DELETE], (0, 0), &arguments)?;
    let mut held = Vec::new();
    for number in 1..=5 {
        let mut client = stage.client()?;
        client.send(&raw::query(&format!("DELETE FROM t WHERE n = {number}")))?;
        let (_, id) = until_held(&mut client)?;
        held.push((client, id));
    }
    let mut other = stage.client()?;
    ensure!(error(&other.query("BEGIN; INSERT INTO t VALUES (50)")?).is_none());
    // The one connection is taken: what is decided now waits for it like everybody.
    let (client, id) = &mut held[0];
    stage.api().decide_about(id, "approve")?;
    stage.api().state(id, "claimed")?;
    ensure!(error(&other.query("COMMIT")?).is_none());
    ensure!(tags(&client.until_ready()?) == "CZ");
    stage.api().state(id, "executed")?;
    for (client, id) in &mut held[1..] {
        stage.api().decide_about(id, "reject")?;
        let answered = client.until_ready()?;
        ensure!(error(&answered).is_some_and(|error| error[&'C'] == "42501"));
    }
    ensure!(stage.rows()? == "9");
    Ok(())
}

//! A receiver is told what becomes of a statement that is held, whatever happens to it and to the gateway.

use std::sync::atomic::Ordering;

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, error};
use serde_json::Value;

use super::deployed::Deployed;
use super::stage::until_held;
use crate::receiver::{Receiver, SECRET};
use crate::world::eventually;

fn kinds(messages: &[Value]) -> Vec<&str> {
    let kinds = messages
        .iter()
        .filter_map(|message| message["type"].as_str());
    kinds.collect()
}

#[test]
fn a_receiver_is_told_what_becomes_of_a_statement() -> Result<()> {
    let receiver = Receiver::start(2)?;
    let deployed = Deployed::start("webhooks_told", &receiver.table(""))?;
    let mut client = deployed.ada()?;
    client.send(&raw::query(
        "DELETE FROM t WHERE n = 4711 OR 'canary' = 'x' -- canary",
    ))?;
    let (_, held) = until_held(&mut client)?;
    receiver.taken(1)?;
    deployed.api()?.decide_about(&held, "approve")?;
    ensure!(error(&client.until_ready()?).is_none());
    let told = receiver.taken(4)?;
    let expected =
        ["requested", "approved", "claimed", "executed"].map(|kind| format!("approval.{kind}"));
    ensure!(kinds(&told) == expected, "{told:?}");
    ensure!(
        told.iter()
            .all(|message| message["request"]["id"] == held.as_str())
    );
    let text = "DELETE FROM t WHERE n = ? OR ? = ?";
    ensure!(
        told[0]["request"]["statement"]["text"] == text,
        "{}",
        told[0]
    );
    ensure!(told[1]["by"]["subject"] == "bob" && told[3]["request"]["decided_by"] == "bob");
    for message in receiver.seen() {
        ensure!(message.is_signed()?, "{message:?}");
        let mut changed = message.clone();
        changed.body.push(' ');
        ensure!(!changed.is_signed()?, "{message:?}");
        for value in ["4711", "canary", "ticket"] {
            ensure!(!message.body.contains(value), "{message:?}");
        }
    }
    // Neither the URL, which may be a secret, nor the key is logged.
    let log = deployed.gateway.log()?;
    ensure!(log.contains("the webhook could not be delivered"), "{log}");
    for secret in ["canary-path", SECRET.trim_start_matches("whsec_")] {
        ensure!(!log.contains(secret), "{log}");
    }
    Ok(())
}

/// Nothing was delivered before it was killed.
#[test]
fn what_a_killed_gateway_did_not_deliver_is_delivered_by_the_next() -> Result<()> {
    let receiver = Receiver::start(usize::MAX)?;
    let mut deployed = Deployed::start("webhooks_killed", &receiver.table("timeout = \"1s\""))?;
    let mut client = deployed.ada()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    deployed.api()?.decide_about(&held, "reject")?;
    ensure!(error(&client.until_ready()?).is_some());
    eventually("an attempt fails", || Ok(!receiver.seen().is_empty()))?;
    ensure!(receiver.seen().iter().all(|message| !message.taken));
    deployed.restart()?;
    receiver.refusals.store(0, Ordering::SeqCst);
    let told = receiver.taken(2)?;
    ensure!(
        kinds(&told) == ["approval.requested", "approval.rejected"],
        "{told:?}"
    );
    ensure!(told[1]["request"]["id"] == held.as_str() && told[1]["request"]["decided_by"] == "bob");
    Ok(())
}

/// The link to approve is there only because all of the statement is.
#[test]
fn a_chat_shows_a_whole_statement_where_it_may() -> Result<()> {
    let receiver = Receiver::start(0)?;
    let keys = "format = \"slack\"\nstatement = \"whole\"\nevents = [\"pending\", \"rejected\"]";
    let deployed = Deployed::start("webhooks_slack", &receiver.table(keys))?;
    let mut client = deployed.ada()?;
    for (sql, shown, approve) in [
        (
            "DELETE FROM t WHERE n = 4711",
            "DELETE FROM t WHERE n = 4711",
            true,
        ),
        (
            "DELETE FROM t -- <!channel> ```",
            "DELETE FROM t -- &lt;!channel&gt; [U+0060]",
            false,
        ),
    ] {
        let before = receiver.seen().len();
        client.send(&raw::query(sql))?;
        let (_, held) = until_held(&mut client)?;
        deployed.api()?.decide_about(&held, "reject")?;
        client.until_ready()?;
        let told = receiver.taken(before + 2)?;
        let asked = told[before].to_string();
        ensure!(asked.contains(shown), "{asked}");
        let link = format!("/requests/{held}?decide=approve");
        ensure!(asked.contains(&link) == approve, "{asked}");
        let ended = told[before + 1]["text"].as_str().context("a text")?;
        ensure!(ended.starts_with("*Rejected* by `bob`"), "{ended}");
    }
    ensure!(deployed.rows()? == "9");
    Ok(())
}

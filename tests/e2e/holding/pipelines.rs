//! A held statement keeps its place: what stands before it has run, and what stands behind it waits.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, error, tags};

use super::stage::{DELETE, Stage, run, until_held};

#[test]
fn what_stands_before_has_run_and_what_stands_behind_waits() -> Result<()> {
    let stage = Stage::start("holding_pipeline", &[DELETE])?;
    let mut client = stage.client()?;
    let pipeline = [
        run("INSERT INTO t VALUES (100)"),
        run("DELETE FROM t WHERE n < 100"),
        run("INSERT INTO t VALUES (200)"),
        raw::sync(),
        raw::query("SELECT count(*) FROM t"),
    ];
    client.send(&pipeline.concat())?;
    let (mut seen, held) = until_held(&mut client)?;
    // It is answered while the next one waits.
    while seen.len() < "12C12".len() {
        seen.push(char::from(client.receive()?.tag));
    }
    ensure!(seen == "12C12", "{seen}");
    ensure!(stage.rows()? == "9");
    stage.api().decide_about(&held, "approve")?;
    ensure!(tags(&client.until_ready()?) == "C12CZ");
    let counted = client.until_ready()?;
    ensure!(counted[1].cells() == [Some("2".to_owned())], "{counted:?}");
    Ok(())
}

#[test]
fn a_rejection_skips_to_sync() -> Result<()> {
    let stage = Stage::start("holding_skips", &[DELETE])?;
    let mut client = stage.client()?;
    let pipeline = [
        run("INSERT INTO t VALUES (100)"),
        run("DELETE FROM t WHERE n < 100"),
        run("INSERT INTO t VALUES (200)"),
        raw::sync(),
        run("INSERT INTO t VALUES (300)"),
        raw::sync(),
    ];
    client.send(&pipeline.concat())?;
    let (_, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "reject")?;
    ensure!(tags(&client.until_ready()?).ends_with("EZ"));
    ensure!(tags(&client.until_ready()?) == "12CZ");
    ensure!(stage.rows()? == "10");
    Ok(())
}

#[test]
fn simple_queries_that_were_sent_ahead_wait() -> Result<()> {
    let stage = Stage::start("holding_ahead", &[DELETE])?;
    let mut client = stage.client()?;
    let both = [
        raw::query("DELETE FROM t WHERE n > 1"),
        raw::query("SELECT count(*) FROM t"),
    ];
    client.send(&both.concat())?;
    let (_, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "approve")?;
    ensure!(tags(&client.until_ready()?) == "CZ");
    let counted = client.until_ready()?;
    ensure!(counted[1].cells() == [Some("1".to_owned())], "{counted:?}");
    Ok(())
}

/// The statements of one message are judged before any of them runs.
#[test]
fn a_message_with_several_statements_waits_as_a_whole() -> Result<()> {
    let stage = Stage::start("holding_several", &[DELETE])?;
    let mut client = stage.client()?;
    let text = "INSERT INTO t VALUES (100); DELETE FROM t WHERE n > 1; SELECT count(*) FROM t";
    client.send(&raw::query(text))?;
    let (_, held) = until_held(&mut client)?;
    let asked = stage.api().request(&held)?;
    ensure!(asked["statement"] == text, "{asked}");
    let effects = asked["effects"].to_string();
    ensure!(effects.contains("statement 2 of 3"), "{asked}");
    stage.api().decide_about(&held, "approve")?;
    let answered = client.until_ready()?;
    ensure!(tags(&answered) == "CCTDCZ", "{}", tags(&answered));
    stage.api().state(&held, "executed")?;

    // Two that need approval, the second of which is rejected: neither runs.
    client.send(&raw::query("DELETE FROM t WHERE n = 1; DELETE FROM t"))?;
    let (_, first) = until_held(&mut client)?;
    stage.api().decide_about(&first, "approve")?;
    let (_, second) = until_held(&mut client)?;
    ensure!(first != second);
    stage.api().decide_about(&second, "reject")?;
    ensure!(error(&client.until_ready()?).is_some());
    stage.api().state(&first, "failed")?;
    ensure!(stage.rows()? == "1");
    Ok(())
}

#[test]
fn without_sync_the_rest_waits_too() -> Result<()> {
    let stage = Stage::start("holding_unsynced", &[DELETE])?;
    let mut client = stage.client()?;
    client.send(&[run("DELETE FROM t WHERE n > 1"), raw::flush()].concat())?;
    let (mut seen, held) = until_held(&mut client)?;
    while seen.len() < "12".len() {
        seen.push(char::from(client.receive()?.tag));
    }
    ensure!(seen == "12", "{seen}");
    stage.api().decide_about(&held, "approve")?;
    ensure!(client.receive()?.tag == b'C');
    client.send(&raw::sync())?;
    ensure!(tags(&client.until_ready()?) == "Z");
    ensure!(stage.rows()? == "1");
    Ok(())
}

/// What Bind brings is shown, and each execution is approved by itself.
#[test]
fn parameters_are_shown_and_each_execution_is_asked_about() -> Result<()> {
    let stage = Stage::start("holding_parameters", &[DELETE])?;
    let mut client = stage.client()?;
    client.send(&[raw::parse("p", "DELETE FROM t WHERE n > $1"), raw::sync()].concat())?;
    // It may be prepared.
    ensure!(tags(&client.until_ready()?) == "1Z");
    for (value, left) in [("7", "7"), ("4", "4")] {
        let execution = [
            raw::bind("", "p", &[Some(value)], 0),
            raw::execute("", 0),
            raw::sync(),
        ];
        client.send(&execution.concat())?;
        let (_, held) = until_held(&mut client)?;
        let asked = stage.api().request(&held)?;
        let parameter = &asked["parameters"][0];
        ensure!(
            parameter["type_oid"] == 23 && parameter["text"] == value,
            "{asked}"
        );
        stage.api().decide_about(&held, "approve")?;
        let done = client.until_ready()?;
        let done = done.iter().find(|message| message.tag == b'C');
        ensure!(
            done.context("an end")?.text()
                == format!("DELETE {}", if value == "7" { 2 } else { 3 })
        );
        ensure!(stage.rows()? == left);
    }
    Ok(())
}

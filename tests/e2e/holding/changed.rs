//! What was approved does not run where it is something else by then.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, error};

use super::stage::{DELETE, Stage, until_held};

#[test]
fn other_policies_make_it_another_statement() -> Result<()> {
    let stage = Stage::start("changed_policies", &[DELETE])?;
    let mut client = stage.client()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    let other = crate::guest::always("another", None)?;
    std::fs::write(stage.policies.path().join("another.wasm"), other)?;
    let loaded = || Ok::<_, anyhow::Error>(stage.gateway.log()?.contains("another"));
    while !loaded()? {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    stage.api().decide_about(&held, "approve")?;
    let refused = error(&client.until_ready()?).context("an error")?;
    ensure!(refused[&'D'].contains("approval-changed"), "{refused:?}");
    let request = stage.api().state(&held, "withdrawn")?;
    ensure!(
        request["outcome"]["ended"] == "no longer what was approved",
        "{request}"
    );
    ensure!(stage.rows()? == "9");
    Ok(())
}

#[test]
fn a_view_of_another_table_makes_it_another_statement() -> Result<()> {
    let stage = Stage::start("changed_view", &[DELETE])?;
    stage.direct(
        "CREATE TABLE u (n int); INSERT INTO u VALUES (1); CREATE VIEW v AS SELECT n FROM u",
    )?;
    let mut client = stage.client()?;
    client.send(&raw::query("DELETE FROM v"))?;
    let (_, held) = until_held(&mut client)?;
    stage.direct("CREATE OR REPLACE VIEW v AS SELECT n FROM t")?;
    stage.api().decide_about(&held, "approve")?;
    let refused = error(&client.until_ready()?).context("an error")?;
    ensure!(refused[&'D'].contains("approval-changed"), "{refused:?}");
    ensure!(stage.rows()? == "9");
    ensure!(error(&client.query("SELECT 1")?).is_none());
    Ok(())
}

#[test]
fn what_does_not_concern_it_changes_nothing() -> Result<()> {
    let stage = Stage::start("changed_elsewhere", &[DELETE])?;
    let mut client = stage.client()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    stage.direct("CREATE TABLE u (n int)")?;
    stage.api().decide_about(&held, "approve")?;
    ensure!(error(&client.until_ready()?).is_none());
    stage.api().state(&held, "executed")?;
    ensure!(stage.rows()? == "0");
    Ok(())
}

//! Grants for so many rows.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::error;

use super::stage::{Stage, Store, for_t, needs_approval, runs, shown};
use crate::world::eventually;

#[test]
fn a_grant_ends_with_its_rows() -> Result<()> {
    let stage = Stage::start("grants_budget", Store::Postgresql)?;
    let ada = stage.api(stage.token("ada")?);
    let mut budget = for_t(&["select", "delete"], 3600);
    budget["row_budget"] = 15.into();
    let grant = stage.granted(&ada, &budget)?;
    let mut client = stage.ada()?;
    runs(&mut client, "DELETE FROM t")?;
    eventually("the store knows", || {
        Ok(shown(&ada, &grant)?["rows_used"] == 9)
    })?;
    // Rows count that are read, too.
    let read = client.query("SELECT n FROM t LIMIT 5")?;
    ensure!(error(&read).is_none(), "{read:?}");
    // One that begins within the budget ends.
    runs(&mut client, "DELETE FROM t")?;
    needs_approval(&client.query("DELETE FROM t")?)?;
    eventually("it has ended", || {
        Ok(shown(&ada, &grant)?["state"] == "expired")
    })?;
    let ended = shown(&ada, &grant)?;
    ensure!(
        ended["rows_used"] == 23 && ended["ended"] == "its rows are used up",
        "{ended}"
    );
    let history = ended["history"].as_array().context("a history")?;
    let states: Vec<_> = history
        .iter()
        .filter_map(|step| step["state"].as_str())
        .collect();
    ensure!(states == ["pending", "approved", "expired"], "{states:?}");
    Ok(())
}

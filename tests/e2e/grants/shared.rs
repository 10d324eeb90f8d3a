//! Two gateways that share a store.

use anyhow::{Result, ensure};

use super::stage::{ACCEPTS, Stage, Store, decide, for_t, is_free, runs, shown};
use crate::world::eventually;

#[test]
fn a_revocation_holds_at_every_gateway() -> Result<()> {
    let policies = &["approve-destructive"];
    let stage = Stage::with("grants_shared", Store::Postgresql, 2, policies, ACCEPTS)?;
    let ada = stage.api(stage.token("ada")?);
    let mut here = stage.ada()?;
    let mut there = stage.client_of(1, stage.token("ada")?)?;
    ensure!(!is_free(&mut there, "DELETE FROM t")?);
    let grant = stage.granted(&ada, &for_t(&["delete"], 3600))?;
    runs(&mut here, "DELETE FROM t")?;
    eventually("the other gateway knows", || {
        is_free(&mut there, "DELETE FROM t")
    })?;
    // It is revoked at the other one.
    let bob = stage.api_of(1, stage.issuer.token("bob", &["dba"])?);
    decide(&bob, &grant, "revoke")?;
    ensure!(!is_free(&mut there, "DELETE FROM t")?);
    eventually("the first gateway knows", || {
        Ok(!is_free(&mut here, "DELETE FROM t")?)
    })?;
    ensure!(shown(&ada, &grant)?["state"] == "revoked");
    Ok(())
}

//! Tokens of a real OpenID Connect provider: whose open a session, and which checks the others fail.

use std::time::Duration;

use anyhow::{Result, ensure};
use gatewright_harness::{Provider, free_port};
use serde_json::{Value, json};

use super::stage::{Plan, Stage};
use crate::world::eventually;

fn accounts() -> Value {
    json!({ "ada": { "groups": ["staff"] }, "eve": { "groups": ["visitors"] } })
}

fn stage(test: &str, provider: &Provider, issuer_keys: &str) -> Result<Stage> {
    let plan = Plan {
        issuer: provider.url(),
        issuer_keys,
        ..Plan::default()
    };
    Stage::start(test, tempfile::tempdir()?, &plan)
}

#[test]
fn tokens_of_people_and_of_workloads_open_the_granted_role() -> Result<()> {
    let provider = Provider::start(&accounts())?;
    let stage = stage("idp_flows", &provider, "")?;
    let code = provider.code_flow("ada")?;
    let device = provider.device_flow("ada")?;
    let workload = provider.access_token("ada")?;
    for token in [code.id, code.access, device.id, device.access, workload] {
        assert_eq!(stage.role_of(&token)?, stage.role);
    }
    let other_group = stage.refusal(&provider.access_token("eve")?)?;
    assert!(
        other_group.contains("eve") && other_group.contains("shop"),
        "{other_group}"
    );
    // A refresh token is the provider's own business and no token for a gateway.
    let refused = stage.refusal(&device.refresh)?;
    assert!(refused.contains("not a token"), "{refused}");
    Ok(())
}

#[test]
fn a_token_that_fails_a_check_is_told_which() -> Result<()> {
    let provider = Provider::start(&accounts())?;
    let stage = stage("idp_checks", &provider, "clock_skew = \"0s\"")?;
    let good = provider.access_token("ada")?;
    assert_eq!(stage.role_of(&good)?, stage.role);

    let brief = provider.access_token_for("ada", "gatewright", 1)?;
    eventually("the token expires", || {
        Ok(stage.psql(&brief)?.script("SELECT 1;")?.code == Some(2))
    })?;
    let expired = stage.refusal(&brief)?;
    assert!(expired.contains("expired"), "{expired}");

    let elsewhere = stage.refusal(&provider.access_token_for("ada", "billing", 600)?)?;
    assert!(elsewhere.contains("audience"), "{elsewhere}");

    let stranger = Provider::start(&accounts())?;
    let foreign = stage.refusal(&stranger.access_token("ada")?)?;
    assert!(foreign.contains("issuer"), "{foreign}");
    Ok(())
}

#[test]
fn nobody_can_sign_with_nothing_or_with_what_is_public() -> Result<()> {
    let provider = Provider::start(&accounts())?;
    let stage = stage("idp_forged", &provider, "")?;
    let good = provider.access_token("ada")?;
    assert_eq!(stage.role_of(&good)?, stage.role);
    let forged = provider.forged(&good)?;
    ensure!(forged.len() == 4, "{forged:?}");
    for (how, token) in forged {
        let refused = stage.refusal(&token)?;
        assert!(refused.contains("algorithm"), "{how}: {refused}");
    }
    // Another's claims under this one's signature.
    let other = provider.access_token("eve")?;
    let parts = |token: &str| token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let (good, other) = (parts(&good), parts(&other));
    let mixed = stage.refusal(&format!("{}.{}.{}", other[0], good[1], other[2]))?;
    assert!(mixed.contains("signature does not verify"), "{mixed}");
    Ok(())
}

#[test]
fn keys_rotate_under_the_gateway() -> Result<()> {
    let provider = Provider::start(&accounts())?;
    let stage = stage("idp_rotation", &provider, "refresh = \"1s\"")?;
    let first = provider.access_token("ada")?;
    assert_eq!(stage.role_of(&first)?, stage.role);
    provider.rotate_keys()?;
    let second = provider.access_token("ada")?;
    eventually("the new key is known", || {
        Ok(stage.psql(&second)?.script("SELECT 1;")?.code == Some(0))
    })?;
    // Still published beside the new one.
    assert_eq!(stage.role_of(&first)?, stage.role);
    provider.rotate_keys()?;
    eventually("the withdrawn key is no longer believed", || {
        Ok(stage.psql(&first)?.script("SELECT 1;")?.code == Some(2))
    })?;
    let refused = stage.refusal(&first)?;
    assert!(refused.contains("does not publish"), "{refused}");
    assert_eq!(stage.role_of(&second)?, stage.role);
    Ok(())
}

#[test]
fn a_provider_that_is_down_keeps_nobody_out_longer_than_it_must() -> Result<()> {
    let port = free_port()?;
    let settings = json!({ "accounts": accounts(), "port": port });
    let url = format!("http://127.0.0.1:{port}");
    let plan = Plan {
        issuer: &url,
        issuer_keys: "refresh = \"1s\"\ntimeout = \"2s\"",
        ..Plan::default()
    };
    // Down at start: the gateway runs, and says why nobody can come in.
    let provider = Provider::start_with(&settings)?;
    let early = provider.access_token("ada")?;
    drop(provider);
    let stage = Stage::start("idp_down", tempfile::tempdir()?, &plan)?;
    let refused = stage.refusal(&early)?;
    assert!(refused.contains("cannot be fetched"), "{refused}");
    let provider = Provider::start_with(&settings)?;
    let token = provider.access_token("ada")?;
    eventually("the provider's keys are there", || {
        Ok(stage.psql(&token)?.script("SELECT 1;")?.code == Some(0))
    })?;
    // Down later: its keys are still believed.
    drop(provider);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(stage.role_of(&token)?, stage.role);
    // Back with other keys: a token of the old ones says what is the matter.
    let provider = Provider::start_with(&settings)?;
    let renewed = provider.access_token("ada")?;
    eventually("the new keys are there", || {
        Ok(stage.psql(&renewed)?.script("SELECT 1;")?.code == Some(0))
    })?;
    assert!(stage.refusal(&token)?.contains("does not publish"));
    Ok(())
}

//! Tokens of a real OpenID Connect provider: which open a session, and which checks the others fail.

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
    // A refresh token is meant for the provider only.
    let refused = stage.refusal(&device.refresh)?;
    assert!(refused.contains("not a token"), "{refused}");
    Ok(())
}

#[test]
fn a_rejected_token_gets_the_failed_check() -> Result<()> {
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
fn unsigned_tokens_and_public_keys_as_hmac_secrets_are_rejected() -> Result<()> {
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
    // One token's claims with another token's signature.
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
    // The old key is still published beside the new one.
    assert_eq!(stage.role_of(&first)?, stage.role);
    provider.rotate_keys()?;
    eventually("the withdrawn key is no longer accepted", || {
        Ok(stage.psql(&first)?.script("SELECT 1;")?.code == Some(2))
    })?;
    let refused = stage.refusal(&first)?;
    assert!(refused.contains("does not publish"), "{refused}");
    assert_eq!(stage.role_of(&second)?, stage.role);
    Ok(())
}

#[test]
fn an_unavailable_provider_blocks_logins_only_while_its_keys_are_unknown() -> Result<()> {
    let port = free_port()?;
    let settings = json!({ "accounts": accounts(), "port": port });
    let url = format!("http://127.0.0.1:{port}");
    let plan = Plan {
        issuer: &url,
        issuer_keys: "refresh = \"1s\"\ntimeout = \"2s\"",
        ..Plan::default()
    };
    // Down at start: the gateway runs and reports why no login is possible.
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
    // Down later: the cached keys are still accepted.
    drop(provider);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(stage.role_of(&token)?, stage.role);
    // Back with other keys: a token signed with an old key is rejected with the reason.
    let provider = Provider::start_with(&settings)?;
    let renewed = provider.access_token("ada")?;
    eventually("the new keys are there", || {
        Ok(stage.psql(&renewed)?.script("SELECT 1;")?.code == Some(0))
    })?;
    assert!(stage.refusal(&token)?.contains("does not publish"));
    Ok(())
}

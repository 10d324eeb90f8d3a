//! Token verification with real signatures, and keys fetched over HTTP on loopback.

mod accepted;
mod arbitrary;
mod forged;
mod grants;
mod growth;
mod provider;
mod refused;
mod rotation;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;

/// Claims that the verifier accepts from this issuer.
fn good_claims(issuer: &str) -> Value {
    json!({
        "iss": issuer, "aud": "gatewright", "sub": "ada", "groups": ["analysts"],
        "iat": now(), "exp": now() + 300,
    })
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970")
        .as_secs()
}

fn request() -> TokenRequest {
    TokenRequest {
        subject: "ada".into(),
        groups: vec!["analysts".into(), "eu".into()],
        agent: Some("report-bot".into()),
        task: Some("T-17".into()),
        ttl: Duration::from_secs(60),
    }
}

/// Settings with short retry intervals.
fn eager(mut settings: IssuerSettings) -> IssuerSettings {
    settings.keys.unknown_key_interval = Duration::from_millis(1);
    settings.keys.retry = Duration::from_millis(20);
    settings
}

async fn started() -> (DevProvider, Verifier) {
    let provider = DevProvider::start().await.expect("a provider");
    let verifier = Verifier::new(vec![provider.issuer_settings()])
        .await
        .expect("a verifier");
    (provider, verifier)
}

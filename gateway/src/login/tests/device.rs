//! Login with a device code.

use std::sync::{Arc, Mutex};

use serde_json::json;

use super::*;

fn codes(provider: &FakeProvider) -> serde_json::Value {
    json!({
        "device_code": "the-device-code", "user_code": "WDJB-MJHT", "verification_uri": format!("{}/activate", provider.url),
        "verification_uri_complete": format!("{}/activate?user_code=WDJB-MJHT", provider.url), "expires_in": 600,
        "interval": 0,
    })
}

async fn log_in_by_device(
    provider: &FakeProvider,
) -> (Result<StoredLogin, LoginError>, Vec<Prompt>) {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let showing = Arc::clone(&shown);
    let show = move |prompt| showing.lock().expect("prompts").push(prompt);
    let directory = Directory::new();
    let outcome = log_in(
        &directory.store,
        &name("work"),
        provider.settings(),
        LoginFlow::Device,
        show,
    )
    .await;
    let shown = shown.lock().expect("prompts").clone();
    (outcome, shown)
}

#[tokio::test]
async fn shows_the_code_and_polls_until_it_is_entered() {
    let provider = FakeProvider::start().await;
    provider.answer_device(200, codes(&provider));
    for error in [
        "authorization_pending",
        "authorization_pending",
        "slow_down",
    ] {
        provider.answer(400, json!({ "error": error }));
    }
    provider.answer(200, provider.granted(3600, json!({}), Some("refresh-1")));
    let begun = std::time::Instant::now();
    let (outcome, shown) = log_in_by_device(&provider).await;
    assert_eq!(outcome.expect("a login").subject.as_deref(), Some("ada"));
    // `slow_down` increases the interval by five seconds (RFC 8628, section 3.5).
    assert!(begun.elapsed() >= Duration::from_secs(5));
    let [
        Prompt::EnterCode {
            code, complete_url, ..
        },
    ] = shown.as_slice()
    else {
        panic!("{shown:?}");
    };
    assert_eq!(code, "WDJB-MJHT");
    assert!(complete_url.is_some());
    let requests = provider.requests();
    assert_eq!(requests[0]["scope"], "openid offline_access");
    assert_eq!(requests.len(), 5);
    assert!(
        requests[1..]
            .iter()
            .all(|form| form["device_code"] == "the-device-code"
                && form["grant_type"] == "urn:ietf:params:oauth:grant-type:device_code")
    );
}

#[tokio::test]
async fn a_denied_or_expired_code_ends_the_login() {
    for error in ["access_denied", "expired_token"] {
        let provider = FakeProvider::start().await;
        provider.answer_device(200, codes(&provider));
        provider.answer(400, json!({ "error": error }));
        let (outcome, _) = log_in_by_device(&provider).await;
        let text = outcome.expect_err("an error").to_string();
        assert_eq!(text, format!("the provider returned an error: {error}"));
    }
    let provider = FakeProvider::start().await;
    provider.publish("device_authorization_endpoint", json!(null));
    let (outcome, shown) = log_in_by_device(&provider).await;
    assert!(matches!(outcome, Err(LoginError::NoDeviceLogin)));
    assert!(shown.is_empty());
}

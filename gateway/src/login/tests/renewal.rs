//! Renewal and logout.

use serde_json::json;

use super::*;
use crate::login::current::needs_renewal;

/// Stores a login whose token was obtained `age` seconds ago and expires in `left` seconds.
fn stored(
    directory: &Directory,
    provider: &FakeProvider,
    age: u64,
    left: i64,
    refresh: Option<&str>,
) {
    let now = SystemTime::now();
    let expires_at = match u64::try_from(left) {
        Ok(left) => now + Duration::from_secs(left),
        Err(_) => now - Duration::from_secs(left.unsigned_abs()),
    };
    let login = StoredLogin {
        settings: provider.settings(),
        token: "the-old-token".into(),
        subject: Some("ada".to_owned()),
        obtained_at: now - Duration::from_secs(age),
        expires_at,
        refresh_token: refresh.map(Into::into),
    };
    directory.store.save(&name("work"), &login).expect("stored");
}

#[tokio::test]
async fn concurrent_processes_renew_a_token_once() {
    let (directory, provider) = (Directory::new(), FakeProvider::start().await);
    stored(&directory, &provider, 3500, 100, Some("refresh-1"));
    provider.answer(200, provider.granted(3600, json!({}), Some("refresh-2")));
    let work = name("work");
    let both = tokio::join!(
        current(&directory.store, &work),
        current(&directory.store, &work)
    );
    let (one, other) = (both.0.expect("a token"), both.1.expect("a token"));
    assert_eq!(one.token.expose_secret(), other.token.expose_secret());
    assert_ne!(one.token.expose_secret(), "the-old-token");
    let requests = provider.requests();
    assert_eq!(requests.len(), 1, "a refresh token is used once");
    assert_eq!(requests[0]["grant_type"], "refresh_token");
    assert_eq!(requests[0]["refresh_token"], "refresh-1");
    let kept = directory.store.load(&work).expect("read").expect("a login");
    let refresh = kept.refresh_token.expect("a refresh token");
    assert_eq!(refresh.expose_secret(), "refresh-2");
}

#[tokio::test]
async fn a_refresh_token_that_is_not_replaced_is_kept() {
    let (directory, provider) = (Directory::new(), FakeProvider::start().await);
    stored(&directory, &provider, 3500, -10, Some("refresh-1"));
    provider.answer(200, provider.granted(3600, json!({}), None));
    let renewed = current(&directory.store, &name("work"))
        .await
        .expect("a token");
    let refresh = renewed.refresh_token.expect("a refresh token");
    assert_eq!(refresh.expose_secret(), "refresh-1");
}

#[tokio::test]
async fn a_recent_token_is_not_renewed() {
    let (directory, provider) = (Directory::new(), FakeProvider::start().await);
    stored(&directory, &provider, 0, 3600, Some("refresh-1"));
    let login = current(&directory.store, &name("work"))
        .await
        .expect("a token");
    assert_eq!(login.token.expose_secret(), "the-old-token");
    assert!(provider.requests().is_empty());
}

#[test]
fn tokens_are_renewed_before_they_expire() {
    let now = SystemTime::now();
    let seconds = Duration::from_secs;
    let due = |age: u64, life: u64| {
        let login = StoredLogin {
            settings: LoginSettings::new("https://id.example.com", "cli"),
            token: "t".into(),
            subject: None,
            obtained_at: now - seconds(age),
            expires_at: now - seconds(age) + seconds(life),
            refresh_token: None,
        };
        needs_renewal(&login, now)
    };
    for (age, life, expected) in [
        (0, 3600, false),
        (3299, 3600, false),
        (3301, 3600, true),
        (3700, 3600, true),
        // Short-lived tokens are renewed at half of their lifetime.
        (29, 60, false),
        (31, 60, true),
        (0, 0, true),
    ] {
        assert_eq!(due(age, life), expected, "{age} of {life}");
    }
}

#[tokio::test]
async fn a_rejected_refresh_token_is_not_used_again() {
    let (directory, provider) = (Directory::new(), FakeProvider::start().await);
    stored(&directory, &provider, 3500, -10, Some("refresh-1"));
    let refusal = json!({"error": "invalid_grant", "error_description": "revoked"});
    provider.answer(400, refusal);
    let error = current(&directory.store, &name("work"))
        .await
        .expect_err("ended");
    assert_eq!(
        error.to_string(),
        "the token of profile work has expired and cannot be renewed: the provider returned an error: invalid_grant (revoked); \
         run `gatewright login --name work`"
    );
    let error = current(&directory.store, &name("work"))
        .await
        .expect_err("ended");
    assert!(matches!(error, LoginError::Ended { .. }), "{error}");
    assert_eq!(provider.requests().len(), 1);
}

#[tokio::test]
async fn a_valid_token_is_used_while_the_provider_is_unavailable() {
    let (directory, provider) = (Directory::new(), FakeProvider::start().await);
    stored(&directory, &provider, 3500, 100, Some("refresh-1"));
    provider.stop();
    let login = current(&directory.store, &name("work"))
        .await
        .expect("the old one");
    assert_eq!(login.token.expose_secret(), "the-old-token");
    stored(&directory, &provider, 3700, -100, Some("refresh-1"));
    let error = current(&directory.store, &name("work"))
        .await
        .expect_err("expired");
    assert!(matches!(error, LoginError::Renewal { .. }), "{error}");
    let kept = directory
        .store
        .load(&name("work"))
        .expect("read")
        .expect("a login");
    assert!(
        kept.refresh_token.is_some(),
        "it is kept for when the provider is available again"
    );
}

#[tokio::test]
async fn a_renewal_with_another_subject_is_rejected() {
    let (directory, provider) = (Directory::new(), FakeProvider::start().await);
    stored(&directory, &provider, 3500, -10, Some("refresh-1"));
    provider.answer(200, provider.granted(3600, json!({"sub": "eve"}), None));
    let error = current(&directory.store, &name("work"))
        .await
        .expect_err("refused");
    let LoginError::Renewal { source, .. } = error else {
        panic!("{error}");
    };
    assert!(matches!(*source, LoginError::OtherSubject));
}

#[tokio::test]
async fn the_error_without_a_login_names_the_login_command() {
    let directory = Directory::new();
    let error = current(&directory.store, &ProfileName::default())
        .await
        .expect_err("nobody");
    assert_eq!(
        error.to_string(),
        "profile default is not logged in; run `gatewright login`"
    );
}

#[tokio::test]
async fn logout_revokes_the_refresh_token_and_always_deletes_the_login() {
    let (directory, provider, work) = (Directory::new(), FakeProvider::start().await, name("work"));
    let url = format!("{}/revoke", provider.url);
    provider.publish("revocation_endpoint", json!(url));
    stored(&directory, &provider, 0, 3600, Some("refresh-1"));
    provider.answer_revocation(200);
    let out = log_out(&directory.store, &work).await.expect("out");
    assert!(matches!(out, LogoutOutcome::Deleted), "{out:?}");
    let requests = provider.requests();
    assert_eq!(requests[0]["token"], "refresh-1");
    assert_eq!(requests[0]["token_type_hint"], "refresh_token");
    assert_eq!(requests[0]["client_id"], provider::CLIENT);
    assert!(directory.store.load(&work).expect("read").is_none());

    stored(&directory, &provider, 0, 3600, Some("refresh-1"));
    provider.answer_revocation(503);
    let out = log_out(&directory.store, &work).await.expect("out");
    assert!(matches!(out, LogoutOutcome::NotRevoked(_)), "{out:?}");
    assert!(directory.store.load(&work).expect("read").is_none());

    stored(&directory, &provider, 0, 3600, None);
    let out = log_out(&directory.store, &work).await.expect("out");
    assert!(matches!(out, LogoutOutcome::Deleted), "{out:?}");
    let out = log_out(&directory.store, &work).await.expect("out");
    assert!(matches!(out, LogoutOutcome::NotLoggedIn), "{out:?}");
    assert_eq!(provider.requests().len(), 2);
}

use serde_json::json;

use super::*;
use crate::login::current::is_due;

/// A login as it is some time after it began.
fn kept(folder: &Folder, provider: &FakeProvider, age: u64, left: i64, refresh: Option<&str>) {
    let now = SystemTime::now();
    let expires_at = match u64::try_from(left) {
        Ok(left) => now + Duration::from_secs(left),
        Err(_) => now - Duration::from_secs(left.unsigned_abs()),
    };
    let held = Held {
        settings: provider.settings(),
        token: "the-old-token".into(),
        subject: Some("ada".to_owned()),
        obtained_at: now - Duration::from_secs(age),
        expires_at,
        refresh_token: refresh.map(Into::into),
    };
    folder.store.save(&name("work"), &held).expect("kept");
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_only_once() {
    let (folder, provider) = (Folder::new(), FakeProvider::start().await);
    kept(&folder, &provider, 3500, 100, Some("refresh-1"));
    provider.answer(200, provider.granted(3600, json!({}), Some("refresh-2")));
    let work = name("work");
    let both = tokio::join!(current(&folder.store, &work), current(&folder.store, &work));
    let (one, other) = (both.0.expect("a token"), both.1.expect("a token"));
    assert_eq!(one.token.expose_secret(), other.token.expose_secret());
    assert_ne!(one.token.expose_secret(), "the-old-token");
    let asked = provider.asked();
    assert_eq!(asked.len(), 1, "a refresh token is used once");
    assert_eq!(asked[0]["grant_type"], "refresh_token");
    assert_eq!(asked[0]["refresh_token"], "refresh-1");
    let kept = folder.store.load(&work).expect("read").expect("a login");
    let refresh = kept.refresh_token.expect("a refresh token");
    assert_eq!(refresh.expose_secret(), "refresh-2");
}

#[tokio::test]
async fn a_provider_may_leave_the_refresh_token_as_it_is() {
    let (folder, provider) = (Folder::new(), FakeProvider::start().await);
    kept(&folder, &provider, 3500, -10, Some("refresh-1"));
    provider.answer(200, provider.granted(3600, json!({}), None));
    let renewed = current(&folder.store, &name("work"))
        .await
        .expect("a token");
    let refresh = renewed.refresh_token.expect("a refresh token");
    assert_eq!(refresh.expose_secret(), "refresh-1");
}

#[tokio::test]
async fn a_young_token_is_not_renewed() {
    let (folder, provider) = (Folder::new(), FakeProvider::start().await);
    kept(&folder, &provider, 0, 3600, Some("refresh-1"));
    let held = current(&folder.store, &name("work"))
        .await
        .expect("a token");
    assert_eq!(held.token.expose_secret(), "the-old-token");
    assert!(provider.asked().is_empty());
}

#[test]
fn it_is_time_to_renew_before_the_end() {
    let now = SystemTime::now();
    let seconds = Duration::from_secs;
    let due = |age: u64, life: u64| {
        let held = Held {
            settings: LoginSettings::new("https://id.example.com", "cli"),
            token: "t".into(),
            subject: None,
            obtained_at: now - seconds(age),
            expires_at: now - seconds(age) + seconds(life),
            refresh_token: None,
        };
        is_due(&held, now)
    };
    for (age, life, expected) in [
        (0, 3600, false),
        (3299, 3600, false),
        (3301, 3600, true),
        (3700, 3600, true),
        // Short-lived ones at half of their life.
        (29, 60, false),
        (31, 60, true),
        (0, 0, true),
    ] {
        assert_eq!(due(age, life), expected, "{age} of {life}");
    }
}

#[tokio::test]
async fn a_refresh_that_is_refused_ends_the_login_and_is_not_repeated() {
    let (folder, provider) = (Folder::new(), FakeProvider::start().await);
    kept(&folder, &provider, 3500, -10, Some("refresh-1"));
    let refusal = json!({"error": "invalid_grant", "error_description": "revoked"});
    provider.answer(400, refusal);
    let error = current(&folder.store, &name("work"))
        .await
        .expect_err("ended");
    assert_eq!(
        error.to_string(),
        "the token of profile work has expired and cannot be renewed: the provider refused: invalid_grant (revoked); \
         run `gatewright login --name work`"
    );
    let error = current(&folder.store, &name("work"))
        .await
        .expect_err("ended");
    assert!(matches!(error, LoginError::Ended { .. }), "{error}");
    assert_eq!(provider.asked().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_still_good_outlives_a_provider_that_is_down() {
    let (folder, provider) = (Folder::new(), FakeProvider::start().await);
    kept(&folder, &provider, 3500, 100, Some("refresh-1"));
    provider.stop();
    let held = current(&folder.store, &name("work"))
        .await
        .expect("the old one");
    assert_eq!(held.token.expose_secret(), "the-old-token");
    kept(&folder, &provider, 3700, -100, Some("refresh-1"));
    let error = current(&folder.store, &name("work"))
        .await
        .expect_err("expired");
    assert!(matches!(error, LoginError::Renewal { .. }), "{error}");
    let kept = folder
        .store
        .load(&name("work"))
        .expect("read")
        .expect("a login");
    assert!(
        kept.refresh_token.is_some(),
        "it may be used when the provider is back"
    );
}

#[tokio::test]
async fn a_renewal_for_somebody_else_is_refused() {
    let (folder, provider) = (Folder::new(), FakeProvider::start().await);
    kept(&folder, &provider, 3500, -10, Some("refresh-1"));
    provider.answer(200, provider.granted(3600, json!({"sub": "eve"}), None));
    let error = current(&folder.store, &name("work"))
        .await
        .expect_err("refused");
    let LoginError::Renewal { source, .. } = error else {
        panic!("{error}");
    };
    assert!(matches!(*source, LoginError::OtherSubject));
}

#[tokio::test]
async fn who_never_logged_in_is_told_to() {
    let folder = Folder::new();
    let error = current(&folder.store, &ProfileName::default())
        .await
        .expect_err("nobody");
    assert_eq!(
        error.to_string(),
        "nobody is logged in as profile default; run `gatewright login`"
    );
}

#[tokio::test]
async fn a_logout_withdraws_the_refresh_token_and_forgets_in_any_case() {
    let (folder, provider, work) = (Folder::new(), FakeProvider::start().await, name("work"));
    let url = format!("{}/revoke", provider.url);
    provider.publish("revocation_endpoint", json!(url));
    kept(&folder, &provider, 0, 3600, Some("refresh-1"));
    provider.answer_revocation(200);
    let out = log_out(&folder.store, &work).await.expect("out");
    assert!(matches!(out, LoggedOut::Forgotten), "{out:?}");
    let asked = provider.asked();
    assert_eq!(asked[0]["token"], "refresh-1");
    assert_eq!(asked[0]["token_type_hint"], "refresh_token");
    assert_eq!(asked[0]["client_id"], provider::CLIENT);
    assert!(folder.store.load(&work).expect("read").is_none());

    kept(&folder, &provider, 0, 3600, Some("refresh-1"));
    provider.answer_revocation(503);
    let out = log_out(&folder.store, &work).await.expect("out");
    assert!(matches!(out, LoggedOut::NotWithdrawn(_)), "{out:?}");
    assert!(folder.store.load(&work).expect("read").is_none());

    kept(&folder, &provider, 0, 3600, None);
    let out = log_out(&folder.store, &work).await.expect("out");
    assert!(matches!(out, LoggedOut::Forgotten), "{out:?}");
    let out = log_out(&folder.store, &work).await.expect("out");
    assert!(matches!(out, LoggedOut::Nothing), "{out:?}");
    assert_eq!(provider.asked().len(), 2);
}

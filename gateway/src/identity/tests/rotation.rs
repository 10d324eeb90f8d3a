//! Key rotation and unavailable providers.

use std::net::SocketAddr;

use super::provider::{Es256, StaticProvider};
use super::*;

#[tokio::test]
async fn a_rotated_key_replaces_the_old_key() {
    let provider = DevProvider::start().await.unwrap();
    let verifier = Verifier::new(vec![eager(provider.issuer_settings())])
        .await
        .unwrap();
    let old = provider.issue(&request());
    assert!(verifier.verify(&old).await.is_ok());
    provider.rotate().unwrap();
    assert!(
        verifier.verify(&old).await.is_ok(),
        "the rotation has not been noticed yet"
    );
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(verifier.verify(&provider.issue(&request())).await.is_ok());
    // The cached token is rejected, because the keys have changed.
    assert_eq!(verifier.verify(&old).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn fetches_for_unknown_key_ids_are_rate_limited() {
    let key = Es256::generate("k1");
    let provider = StaticProvider::start().await;
    provider.publish(&[key.public()]);
    let verifier = Verifier::new(vec![provider.settings()]).await.unwrap();
    let claims = good_claims(&provider.url);
    let mut attempts = Vec::new();
    for n in 0..50 {
        let token = key.token(&json!({"alg": "ES256", "kid": format!("x{n}")}), &claims);
        let verifier = &verifier;
        attempts.push(async move { verifier.verify(&token).await });
    }
    for refused in futures_util::future::join_all(attempts).await {
        assert_eq!(refused, Err(TokenError::UnknownKey));
    }
    assert_eq!(provider.requests(), 1, "only the fetch at start");
}

#[tokio::test]
async fn concurrent_clients_share_one_fetch() {
    let (old, new) = (Es256::generate("k1"), Es256::generate("k2"));
    let provider = StaticProvider::start().await;
    provider.publish(&[old.public()]);
    let verifier = Verifier::new(vec![eager(provider.settings())])
        .await
        .unwrap();
    let claims = good_claims(&provider.url);
    let warm = old.token(&json!({"alg": "ES256", "kid": "k1"}), &claims);
    assert!(verifier.verify(&warm).await.is_ok());
    provider.publish(&[old.public(), new.public()]);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let waiting: Vec<_> = (0..50)
        .map(|n| {
            let mut claims = claims.clone();
            claims["jti"] = json!(n);
            let token = new.token(&json!({"alg": "ES256", "kid": "k2"}), &claims);
            let verifier = &verifier;
            async move { verifier.verify(&token).await }
        })
        .collect();
    for verified in futures_util::future::join_all(waiting).await {
        assert!(verified.is_ok(), "{verified:?}");
    }
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn a_client_that_disconnects_does_not_abort_the_fetch() {
    let key = Es256::generate("k1");
    let provider = StaticProvider::start().await;
    provider.publish(&[key.public()]);
    let verifier = Verifier::new(vec![provider.settings()]).await.unwrap();
    let token = key.token(
        &json!({"alg": "ES256", "kid": "k1"}),
        &good_claims(&provider.url),
    );
    let disconnected =
        tokio::time::timeout(Duration::from_millis(5), verifier.verify(&token)).await;
    assert!(disconnected.is_err());
    assert!(verifier.verify(&token).await.is_ok());
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn a_provider_that_is_unavailable_at_start_is_retried() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = free.local_addr().unwrap();
    drop(free);
    let issuer = format!("http://{address}");
    let settings = eager(IssuerSettings::new(
        issuer.clone(),
        vec!["gatewright".into()],
    ));
    let verifier = Verifier::new(vec![settings]).await.unwrap();
    // Signed with an arbitrary key, claiming to be from the unavailable provider.
    let early =
        Es256::generate("k").token(&json!({"alg": "ES256", "kid": "k"}), &good_claims(&issuer));
    let refused = verifier.verify(&early).await.unwrap_err();
    assert_eq!(
        (refused, refused.sqlstate()),
        (TokenError::ProviderUnavailable, "57P03")
    );
    assert!(!verifier.has_all_keys());

    let provider = DevProvider::start_on(address).await.unwrap();
    let token = provider.issue(&request());
    let up = tokio::time::timeout(Duration::from_secs(5), async {
        while verifier.verify(&token).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    up.await.expect("the provider is retried");
    assert_eq!(verifier.verify(&early).await, Err(TokenError::UnknownKey));
}

#[tokio::test]
async fn keys_of_an_unavailable_provider_expire_after_the_stale_time() {
    let provider = DevProvider::start().await.unwrap();
    let mut settings = eager(provider.issuer_settings());
    settings.keys.stale = Duration::from_millis(400);
    let verifier = Verifier::new(vec![settings]).await.unwrap();
    let token = provider.issue(&request());
    assert!(verifier.verify(&token).await.is_ok());
    let unseen = Es256::generate("new").token(
        &json!({"alg": "ES256", "kid": "new"}),
        &good_claims(provider.issuer_url()),
    );
    drop(provider);
    assert!(verifier.verify(&token).await.is_ok());
    // The token may be signed with a new key, which cannot be checked while the provider is unavailable.
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(
        verifier.verify(&unseen).await,
        Err(TokenError::ProviderUnavailable)
    );
    tokio::time::sleep(Duration::from_millis(450)).await;
    assert_eq!(
        verifier.verify(&token).await,
        Err(TokenError::ProviderUnavailable)
    );
}

#[tokio::test]
async fn a_discovery_document_for_another_issuer_is_rejected() {
    let provider = DevProvider::start().await.unwrap();
    // The same server under another name: its document contains the first.
    let other = provider.issuer_url().replace("127.0.0.1", "localhost");
    let verifier = Verifier::new(vec![IssuerSettings::new(
        other.clone(),
        vec!["gatewright".into()],
    )])
    .await
    .unwrap();
    let token = provider.issue_claims(&good_claims(&other));
    assert_eq!(
        verifier.verify(&token).await,
        Err(TokenError::ProviderUnavailable)
    );
}

#[tokio::test]
async fn a_cached_token_expires() {
    let (provider, verifier) = started().await;
    let mut claims = good_claims(provider.issuer_url());
    claims["exp"] = json!(now() - 25);
    let token = provider.issue_claims(&claims);
    assert!(
        verifier.verify(&token).await.is_ok(),
        "within the clock skew"
    );
    tokio::time::sleep(Duration::from_millis(5100)).await;
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Expired));
}

//! Tokens that are accepted, and the identities they yield.

use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreRsaPrivateSigningKey};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;

use super::provider::{StaticProvider, compact};
use super::*;

#[tokio::test]
async fn a_development_token_yields_the_requested_identity() {
    let (provider, verifier) = started().await;
    let before = SystemTime::now();
    let identity = verifier.verify(&provider.issue(&request())).await.unwrap();
    assert_eq!(identity.subject, "ada");
    assert_eq!(identity.issuer, provider.issuer_url());
    assert_eq!(identity.groups, ["analysts", "eu"]);
    assert_eq!(identity.agent.as_deref(), Some("report-bot"));
    assert_eq!(identity.task.as_deref(), Some("T-17"));
    let left = identity.expires_at.duration_since(before).unwrap();
    assert!((55..=60).contains(&left.as_secs()), "{left:?}");
    assert!(verifier.has_all_keys());
}

#[tokio::test]
async fn rsa_pss_and_eddsa_signatures_are_accepted_if_allowed() {
    let kid = |id: &str| Some(JsonWebKeyId::new(id.into()));
    let rsa = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pem = rsa.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap();
    let rsa = CoreRsaPrivateSigningKey::from_pem(&pem, kid("rsa")).unwrap();
    let ed =
        CoreEdDsaPrivateSigningKey::from_ed25519_pem(&provider::ed25519_pem(), kid("ed")).unwrap();
    let provider = StaticProvider::start().await;
    provider.publish(&[rsa.as_verification_key(), ed.as_verification_key()]);
    let verifier = Verifier::new(vec![provider.settings()]).await.unwrap();
    let claims = good_claims(&provider.url);

    for (algorithm, id) in [
        (Algorithm::Rs256, "rsa"),
        (Algorithm::Ps256, "rsa"),
        (Algorithm::EdDsa, "ed"),
    ] {
        let header = json!({"alg": algorithm.name(), "kid": id});
        let token = compact(&header, &claims, |input| match id {
            "rsa" => rsa.sign(&algorithm.core(), input).unwrap(),
            _ => ed.sign(&algorithm.core(), input).unwrap(),
        });
        let identity = verifier.verify(&token).await;
        assert!(identity.is_ok(), "{algorithm:?}: {identity:?}");
    }
    // RS512 is supported, but not enabled by default.
    let header = json!({"alg": "RS512", "kid": "rsa"});
    let token = compact(&header, &claims, |input| {
        rsa.sign(&Algorithm::Rs512.core(), input).unwrap()
    });
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Algorithm));
}

#[tokio::test]
async fn short_rsa_keys_are_rejected() {
    let rsa = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 1024).unwrap();
    let pem = rsa.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap();
    let rsa = CoreRsaPrivateSigningKey::from_pem(&pem, None).unwrap();
    let provider = StaticProvider::start().await;
    provider.publish(&[rsa.as_verification_key()]);
    let verifier = Verifier::new(vec![provider.settings()]).await.unwrap();
    let token = compact(
        &json!({"alg": "RS256"}),
        &good_claims(&provider.url),
        |input| rsa.sign(&Algorithm::Rs256.core(), input).unwrap(),
    );
    assert_eq!(
        verifier.verify(&token).await,
        Err(TokenError::ProviderUnavailable)
    );
}

/// The claims of a Kubernetes projected service-account token, which has no groups.
#[tokio::test]
async fn subject_groups_add_groups_to_a_kubernetes_token() {
    let provider = DevProvider::start().await.unwrap();
    let subject = "system:serviceaccount:shop:reports";
    let mut settings = provider.issuer_settings();
    settings
        .subject_groups
        .insert(subject.into(), vec!["analysts".into()]);
    settings.claims.attributes.insert(
        "namespace".into(),
        ClaimPath::parse("/kubernetes.io/namespace").unwrap(),
    );
    let verifier = Verifier::new(vec![settings]).await.unwrap();
    let token = provider.issue_claims(&json!({
        "iss": provider.issuer_url(), "aud": ["gatewright"], "sub": subject,
        "exp": now() + 3607, "iat": now(), "nbf": now(), "jti": "9f1",
        "kubernetes.io": {"namespace": "shop", "pod": {"name": "r-1", "uid": "u"},
            "serviceaccount": {"name": "reports", "uid": "u"}},
    }));
    let identity = verifier.verify(&token).await.unwrap();
    assert_eq!(identity.groups, ["analysts"]);
    assert_eq!(
        identity.attributes,
        [("namespace".to_owned(), "shop".to_owned())]
    );
}

#[tokio::test]
async fn claim_paths_resolve_nested_and_namespaced_claims() {
    let provider = DevProvider::start().await.unwrap();
    let mut claims = good_claims(provider.issuer_url());
    claims["realm_access"] = json!({"roles": ["a", "b", "a"]});
    claims["https://example.com/roles"] = json!("c d");
    claims["act"] = json!({"sub": "bot"});
    let token = provider.issue_claims(&claims);
    for (path, groups) in [
        ("realm_access.roles", vec!["a", "b"]),
        ("/realm_access/roles", vec!["a", "b"]),
        ("https://example.com/roles", vec!["c", "d"]),
        ("/https:~1~1example.com~1roles", vec!["c", "d"]),
        ("/nowhere", vec![]),
    ] {
        let mut settings = provider.issuer_settings();
        settings.claims.groups = ClaimPath::parse(path).unwrap();
        settings.claims.agent = ClaimPath::parse("act.sub").unwrap();
        let verifier = Verifier::new(vec![settings]).await.unwrap();
        let identity = verifier.verify(&token).await.unwrap();
        assert_eq!(identity.groups, groups, "{path}");
        assert_eq!(identity.agent.as_deref(), Some("bot"));
    }
    for bad in ["", "/", "a..b", "/a//b", "/a~2"] {
        assert!(ClaimPath::parse(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn the_iss_claim_selects_the_issuer() {
    let first = DevProvider::start().await.unwrap();
    let second = DevProvider::start().await.unwrap();
    let verifier = Verifier::new(vec![first.issuer_settings(), second.issuer_settings()])
        .await
        .unwrap();
    for provider in [&first, &second] {
        let identity = verifier.verify(&provider.issue(&request())).await.unwrap();
        assert_eq!(identity.issuer, provider.issuer_url());
    }
    // Signed with one issuer's key, claiming to be from the other.
    let forged = first.issue_claims(&good_claims(second.issuer_url()));
    assert_eq!(verifier.verify(&forged).await, Err(TokenError::UnknownKey));
}

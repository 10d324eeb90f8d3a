//! Tokens and settings that are rejected.

use super::*;

/// Verifies a token with one claim changed.
async fn with(claim: &str, value: Value) -> Result<Identity, TokenError> {
    let (provider, verifier) = started().await;
    let mut claims = good_claims(provider.issuer_url());
    claims[claim] = value;
    verifier.verify(&provider.issue_claims(&claims)).await
}

/// Verifies a token with one claim removed.
async fn without(claim: &str) -> Result<Identity, TokenError> {
    let (provider, verifier) = started().await;
    let mut claims = good_claims(provider.issuer_url());
    claims.as_object_mut().unwrap().remove(claim);
    verifier.verify(&provider.issue_claims(&claims)).await
}

#[tokio::test]
async fn times_are_checked_with_the_clock_skew() {
    assert_eq!(
        with("exp", json!(now() - 31)).await,
        Err(TokenError::Expired)
    );
    assert_eq!(with("exp", json!(0)).await, Err(TokenError::Expired));
    assert!(with("exp", json!(now() - 20)).await.is_ok());
    assert_eq!(
        with("nbf", json!(now() + 60)).await,
        Err(TokenError::NotYetValid)
    );
    assert!(with("nbf", json!(now() + 20)).await.is_ok());
    assert_eq!(
        with("iat", json!(now() + 60)).await,
        Err(TokenError::IssuedInFuture)
    );
    assert!(without("iat").await.is_ok());
    let exp = Err(TokenError::Claim { claim: "exp" });
    assert_eq!(without("exp").await, exp);
    for nonsense in [json!("soon"), json!(-5), json!(1e300), json!(null)] {
        assert_eq!(with("exp", nonsense).await, exp);
    }
}

#[tokio::test]
async fn tokens_for_other_audiences_are_rejected() {
    for audience in [
        json!("other"),
        json!(["a", "b"]),
        json!([]),
        json!(7),
        json!("gatewright "),
    ] {
        assert_eq!(with("aud", audience).await, Err(TokenError::Audience));
    }
    assert_eq!(without("aud").await, Err(TokenError::Audience));
    assert!(with("aud", json!(["other", "gatewright"])).await.is_ok());
}

#[tokio::test]
async fn the_issuer_must_match_exactly() {
    let (provider, verifier) = started().await;
    let url = provider.issuer_url();
    for issuer in [
        format!("{url}/"),
        url.to_uppercase(),
        "https://example.com".into(),
        String::new(),
    ] {
        let token = provider.issue_claims(&good_claims(&issuer));
        assert_eq!(
            verifier.verify(&token).await,
            Err(TokenError::Issuer),
            "{issuer}"
        );
    }
    assert_eq!(without("iss").await, Err(TokenError::Issuer));
    assert_eq!(with("iss", json!([url])).await, Err(TokenError::Issuer));
}

#[tokio::test]
async fn claims_of_the_wrong_type_are_rejected() {
    let subject = Err(TokenError::Claim { claim: "subject" });
    assert_eq!(without("sub").await, subject);
    for value in [
        json!(""),
        json!(4),
        json!(null),
        json!("a\nb"),
        json!("a\u{0}b"),
    ] {
        assert_eq!(with("sub", value).await, subject);
    }
    let groups = Err(TokenError::Claim { claim: "groups" });
    for value in [json!({"a": 1}), json!([1]), json!(["a\r\nb"])] {
        assert_eq!(with("groups", value).await, groups);
    }
    assert_eq!(
        with("agent", json!(["a"])).await,
        Err(TokenError::Claim { claim: "agent" })
    );
}

#[tokio::test]
async fn event_and_sender_constrained_tokens_are_rejected() {
    let event = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert_eq!(with("events", event).await, Err(TokenError::Type));
    assert_eq!(
        with("cnf", json!({"jkt": "x"})).await,
        Err(TokenError::SenderConstrained)
    );
}

#[tokio::test]
async fn malformed_and_long_tokens_are_rejected() {
    let (provider, verifier) = started().await;
    assert_eq!(verifier.verify("").await, Err(TokenError::Missing));
    let good = provider.issue(&request());
    let (head, _) = good.rsplit_once('.').unwrap();
    for garbage in [
        "hunter2",
        ".",
        "..",
        "a.b.c",
        "ey.ey.ey",
        &format!("{good}.x"),
        &format!("{head}."),
        &format!("{head}.!!"),
        "\u{1F600}.\u{0}.x",
        &good.replace('.', ".."),
    ] {
        let refused = verifier.verify(garbage).await.unwrap_err();
        assert!(
            matches!(
                refused,
                TokenError::Malformed { .. } | TokenError::Signature
            ),
            "{garbage}: {refused:?}"
        );
    }
    let mut claims = good_claims(provider.issuer_url());
    claims["pad"] = json!("x".repeat(16 * 1024));
    let long = verifier.verify(&provider.issue_claims(&claims)).await;
    assert_eq!(long, Err(TokenError::TooLong { limit: 16 * 1024 }));
}

#[tokio::test]
async fn errors_name_the_check_and_contain_no_token_data() {
    let (provider, verifier) = started().await;
    let mut claims = good_claims(provider.issuer_url());
    claims["aud"] = json!("secret-audience");
    let token = provider.issue_claims(&claims);
    let refused = verifier.verify(&token).await.unwrap_err();
    let text = format!("{refused} {refused:?} {}", refused.client_text());
    assert!(text.contains("audience"), "{text}");
    for part in token
        .split('.')
        .chain(["secret-audience", "ada", provider.issuer_url()])
    {
        assert!(!text.contains(part));
    }
    assert_eq!((refused.label(), refused.sqlstate()), ("audience", "28P01"));
}

#[tokio::test]
async fn insecure_settings_are_rejected() {
    let issuer = |url: &str| IssuerSettings::new(url, vec!["gatewright".into()]);
    for url in [
        "http://example.com",
        "ftp://127.0.0.1",
        "example.com",
        "http://127.0.0.1.example.com",
    ] {
        let refused = Verifier::new(vec![issuer(url)]).await.err();
        assert!(
            matches!(refused, Some(VerifierError::InsecureUrl { .. })),
            "{url}"
        );
    }
    let url = "https://id.example.com";
    let refused = Verifier::new(vec![issuer(url), issuer(url)]).await.err();
    assert!(matches!(
        refused,
        Some(VerifierError::DuplicateIssuer { .. })
    ));
    let refused = Verifier::new(vec![IssuerSettings::new(url, vec![])])
        .await
        .err();
    assert!(matches!(refused, Some(VerifierError::NoAudience { .. })));
}

//! Forged tokens.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::provider::{Es256, StaticProvider, compact};
use super::*;

async fn target() -> (Es256, StaticProvider, Verifier) {
    let key = Es256::generate("k1");
    let provider = StaticProvider::start().await;
    provider.publish(&[key.public()]);
    let verifier = Verifier::new(vec![provider.settings()]).await.unwrap();
    (key, provider, verifier)
}

#[tokio::test]
async fn unsigned_tokens_are_rejected() {
    let (_, provider, verifier) = target().await;
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        for signature in [&b""[..], b"x"] {
            let header = json!({"alg": alg, "kid": "k1"});
            let token = compact(&header, &good_claims(&provider.url), |_| signature.to_vec());
            assert_eq!(
                verifier.verify(&token).await,
                Err(TokenError::Algorithm),
                "{alg}"
            );
        }
    }
}

/// Algorithm confusion: the public key used as an HMAC secret.
#[tokio::test]
async fn hmac_with_the_public_key_is_rejected() {
    let (key, provider, verifier) = target().await;
    let jwk = serde_json::to_string(&key.public()).unwrap();
    for secret in [key.point(), jwk.into_bytes(), Vec::new()] {
        for alg in ["HS256", "HS384", "ES256"] {
            let header = json!({"alg": alg, "kid": "k1", "typ": "JWT"});
            let token = compact(&header, &good_claims(&provider.url), |input| {
                let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap();
                mac.update(input);
                mac.finalize().into_bytes().to_vec()
            });
            let refused = verifier.verify(&token).await.unwrap_err();
            assert!(
                matches!(refused, TokenError::Algorithm | TokenError::Signature),
                "{refused:?}"
            );
        }
    }
}

#[tokio::test]
async fn published_symmetric_keys_are_ignored() {
    let (key, provider, verifier) = target().await;
    let public = serde_json::to_value(key.public()).unwrap();
    provider.publish_json(json!({"keys": [{"kty": "oct", "kid": "h", "k": "c2VjcmV0"}, public]}));
    let header = json!({"alg": "HS256", "kid": "h"});
    let token = compact(&header, &good_claims(&provider.url), |input| {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        mac.update(input);
        mac.finalize().into_bytes().to_vec()
    });
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Algorithm));
}

#[tokio::test]
async fn a_modified_payload_or_header_invalidates_the_signature() {
    let (key, provider, verifier) = target().await;
    let header = json!({"alg": "ES256", "kid": "k1"});
    let good = key.token(&header, &good_claims(&provider.url));
    assert!(verifier.verify(&good).await.is_ok());
    let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    let mut claims = good_claims(&provider.url);
    claims["groups"] = json!(["admins"]);
    parts[1] = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    assert_eq!(
        verifier.verify(&parts.join(".")).await,
        Err(TokenError::Signature)
    );
    let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
    parts[0] =
        BASE64_URL_SAFE_NO_PAD.encode(json!({"alg": "ES256", "kid": "k1", "x": 1}).to_string());
    assert_eq!(
        verifier.verify(&parts.join(".")).await,
        Err(TokenError::Signature)
    );
}

/// RFC 7515, section 4.1.3, allows a token to carry a key, which an attacker would choose.
#[tokio::test]
async fn keys_in_the_token_are_ignored() {
    let (_, provider, verifier) = target().await;
    let own = Es256::generate("k1");
    let header = json!({"alg": "ES256", "kid": "k1", "jwk": own.public(),
        "jku": "http://127.0.0.1:1/jwks"});
    let token = own.token(&header, &good_claims(&provider.url));
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Signature));
}

#[tokio::test]
async fn token_types_and_critical_extensions_are_checked() {
    let (key, provider, verifier) = target().await;
    let claims = good_claims(&provider.url);
    for typ in ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"] {
        let token = key.token(&json!({"alg": "ES256", "kid": "k1", "typ": typ}), &claims);
        assert!(verifier.verify(&token).await.is_ok(), "{typ}");
    }
    for typ in [
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "application/jwt; x",
        "",
    ] {
        let token = key.token(&json!({"alg": "ES256", "kid": "k1", "typ": typ}), &claims);
        assert_eq!(
            verifier.verify(&token).await,
            Err(TokenError::Type),
            "{typ}"
        );
    }
    let header = json!({"alg": "ES256", "kid": "k1", "crit": ["exp"], "exp": 1});
    let critical = verifier.verify(&key.token(&header, &claims)).await;
    assert_eq!(critical, Err(TokenError::CriticalExtension));
}

#[tokio::test]
async fn encryption_keys_do_not_verify_signatures() {
    let (key, provider, verifier) = target().await;
    let mut public = serde_json::to_value(key.public()).unwrap();
    public["use"] = json!("enc");
    provider.publish_json(json!({"keys": [public]}));
    let token = key.token(
        &json!({"alg": "ES256", "kid": "k1"}),
        &good_claims(&provider.url),
    );
    assert_eq!(verifier.verify(&token).await, Err(TokenError::Signature));
}

#[tokio::test]
async fn a_token_without_key_id_is_checked_against_few_keys() {
    let keys: Vec<Es256> = (0..40).map(|n| Es256::generate(&format!("k{n}"))).collect();
    let provider = StaticProvider::start().await;
    let published: Vec<_> = keys.iter().map(Es256::public).collect();
    provider.publish(&published);
    let verifier = Verifier::new(vec![provider.settings()]).await.unwrap();
    let claims = good_claims(&provider.url);
    let header = json!({"alg": "ES256"});
    let verify = |key: usize| {
        let token = keys[key].token(&header, &claims);
        let verifier = &verifier;
        async move { verifier.verify(&token).await }
    };
    assert!(verify(0).await.is_ok() && verify(15).await.is_ok());
    assert_eq!(verify(16).await, Err(TokenError::Signature));
    let header = json!({"alg": "ES256", "kid": "k39"});
    let token = keys[39].token(&header, &claims);
    assert!(verifier.verify(&token).await.is_ok());
}

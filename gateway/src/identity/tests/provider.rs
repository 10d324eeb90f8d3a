//! A provider that publishes the keys a test supplies, and counts requests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use openidconnect::JsonWebKeyId;
use openidconnect::core::{CoreJsonCurveType, CoreJsonWebKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

use super::*;

pub(super) struct StaticProvider {
    pub(super) url: String,
    published: Arc<Mutex<Value>>,
    requests: Arc<AtomicUsize>,
    task: tokio::task::AbortHandle,
}

impl StaticProvider {
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let published = Arc::new(Mutex::new(json!({"keys": []})));
        let requests = Arc::new(AtomicUsize::new(0));
        let document = json!({"issuer": url, "jwks_uri": format!("{url}/keys")});
        let (keys, count) = (Arc::clone(&published), Arc::clone(&requests));
        let router = Router::new()
            .route(
                "/.well-known/openid-configuration",
                get(|| async { Json(document) }),
            )
            .route(
                "/keys",
                get(move || async move {
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    let now = keys.lock().unwrap().clone();
                    Json(now)
                }),
            );
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            url,
            published,
            requests,
            task: task.abort_handle(),
        }
    }

    pub(super) fn settings(&self) -> IssuerSettings {
        IssuerSettings::new(self.url.clone(), vec!["gatewright".into()])
    }

    pub(super) fn publish(&self, keys: &[CoreJsonWebKey]) {
        self.publish_json(json!({"keys": keys}));
    }

    pub(super) fn publish_json(&self, set: Value) {
        *self.published.lock().unwrap() = set;
    }

    /// The number of requests for the key set.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for StaticProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A token in compact form with the signature that `sign` returns.
pub(super) fn compact(
    header: &Value,
    claims: &Value,
    sign: impl FnOnce(&[u8]) -> Vec<u8>,
) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let signature = sign(input.as_bytes());
    format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

pub(super) struct Es256 {
    kid: String,
    pair: EcdsaKeyPair,
}

impl Es256 {
    pub(super) fn generate(kid: &str) -> Self {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        Self {
            kid: kid.into(),
            pair,
        }
    }

    pub(super) fn point(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    pub(super) fn public(&self) -> CoreJsonWebKey {
        let point = self.point();
        let kid = Some(JsonWebKeyId::new(self.kid.clone()));
        CoreJsonWebKey::new_ec(
            point[1..33].to_vec(),
            point[33..].to_vec(),
            CoreJsonCurveType::P256,
            kid,
        )
    }

    pub(super) fn token(&self, header: &Value, claims: &Value) -> String {
        compact(header, claims, |input| {
            self.pair
                .sign(&SystemRandom::new(), input)
                .unwrap()
                .as_ref()
                .to_vec()
        })
    }
}

pub(super) fn ed25519_pem() -> String {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
    let body = BASE64_STANDARD.encode(document.as_ref());
    let lines: Vec<String> = body
        .as_bytes()
        .chunks(64)
        .map(|c| String::from_utf8_lossy(c).into_owned())
        .collect();
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    )
}

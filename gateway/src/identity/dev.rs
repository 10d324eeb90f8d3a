//! The identity provider of `gatewright dev`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use openidconnect::core::{CoreJsonCurveType, CoreJsonWebKey};
use openidconnect::{JsonWebKeyId, JsonWebKeySet};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::settings::IssuerSettings;

/// The audience of every token that a development provider issues.
const AUDIENCE: &str = "gatewright";

/// An identity provider for development. It serves a discovery document and a key set over HTTP on loopback, and signs
/// tokens with ES256. The signing key is generated at start and never stored.
///
/// For `gatewright dev`, the demo and tests only: its owner can issue a token for any subject. It does not issue tokens
/// over HTTP. Dropping it stops the server.
pub struct DevProvider {
    issuer: String,
    signing: Mutex<SigningKey>,
    published: Published,
    serving: AbortHandle,
}

/// The contents of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    pub subject: String,
    pub groups: Vec<String>,
    pub agent: Option<String>,
    pub task: Option<String>,
    /// Time until the token expires.
    pub ttl: Duration,
}

/// The development provider cannot start.
#[derive(Debug, Error)]
pub enum DevProviderError {
    #[error(
        "{0} is not a loopback address; the development identity provider listens only on loopback"
    )]
    NotLoopback(SocketAddr),
    #[error("the development identity provider cannot listen on {address}: {source}")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the development identity provider cannot generate a signing key")]
    Key,
}

type Published = Arc<Mutex<Vec<CoreJsonWebKey>>>;

struct SigningKey {
    kid: String,
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl DevProvider {
    /// Starts on a free loopback port.
    ///
    /// # Errors
    /// No port is free, or no key can be generated.
    pub async fn start() -> Result<Self, DevProviderError> {
        Self::start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    /// Starts on a given loopback address.
    ///
    /// # Errors
    /// The address is not a loopback address or is in use, or no key can be generated.
    pub async fn start_on(address: SocketAddr) -> Result<Self, DevProviderError> {
        if !address.ip().is_loopback() {
            return Err(DevProviderError::NotLoopback(address));
        }
        let failed = |source| DevProviderError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let issuer = format!("http://{}", listener.local_addr().map_err(failed)?);
        let signing = SigningKey::generate()?;
        let published = Arc::new(Mutex::new(vec![signing.public()]));
        let router = routes(&issuer, Arc::clone(&published));
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the development identity provider stopped");
            }
        });
        Ok(Self {
            issuer,
            signing: Mutex::new(signing),
            published,
            serving: task.abort_handle(),
        })
    }

    /// The issuer URL, the `iss` claim of its tokens.
    pub fn issuer_url(&self) -> &str {
        &self.issuer
    }

    /// Issuer settings for a verifier that accepts this provider's tokens.
    pub fn issuer_settings(&self) -> IssuerSettings {
        IssuerSettings::new(self.issuer.clone(), vec![AUDIENCE.to_owned()])
    }

    /// Issues a signed token.
    pub fn issue(&self, request: &TokenRequest) -> String {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let mut claims = json!({
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": request.subject,
            "groups": request.groups,
            "iat": now.as_secs(),
            "exp": now.saturating_add(request.ttl).as_secs(),
        });
        for (name, value) in [("agent", &request.agent), ("task", &request.task)] {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        self.issue_claims(&claims)
    }

    /// Signs the given claims unchanged, for tests with invalid tokens.
    pub fn issue_claims(&self, claims: &Value) -> String {
        self.signing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .sign(claims)
    }

    /// Replaces the signing key and the published key.
    ///
    /// # Errors
    /// No key can be generated.
    pub fn rotate(&self) -> Result<(), DevProviderError> {
        let next = SigningKey::generate()?;
        *self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = vec![next.public()];
        *self.signing.lock().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

impl Drop for DevProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl SigningKey {
    fn generate() -> Result<Self, DevProviderError> {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document =
            EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| DevProviderError::Key)?;
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random)
            .map_err(|_| DevProviderError::Key)?;
        let mut id = [0_u8; 8];
        random.fill(&mut id).map_err(|_| DevProviderError::Key)?;
        Ok(Self {
            kid: hex::encode(id),
            pair,
            random,
        })
    }

    /// The public key. ring returns an uncompressed point: 4, x, y (SEC 1, section 2.3.3).
    fn public(&self) -> CoreJsonWebKey {
        let point = self.pair.public_key().as_ref();
        let (x, y) = point.split_at(1).1.split_at(32);
        let kid = JsonWebKeyId::new(self.kid.clone());
        CoreJsonWebKey::new_ec(x.to_vec(), y.to_vec(), CoreJsonCurveType::P256, Some(kid))
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "typ": "JWT", "kid": self.kid});
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(claims));
        let signature = self
            .pair
            .sign(&self.random, input.as_bytes())
            .expect("signing fails only without a system random source, and generating the key required one");
        format!("{input}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

fn routes(issuer: &str, published: Published) -> Router {
    let discovery = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    });
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(|| async move { Json(discovery) }),
        )
        .route("/jwks", get(keys))
        .with_state(published)
}

async fn keys(State(published): State<Published>) -> Json<JsonWebKeySet<CoreJsonWebKey>> {
    let keys = published.lock().unwrap_or_else(PoisonError::into_inner);
    Json(JsonWebKeySet::new(keys.clone()))
}

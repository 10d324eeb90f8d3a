//! Fetches an issuer's discovery document and key set.

use std::time::Duration;

use openidconnect::core::CoreJsonWebKey;
use openidconnect::http::{self, HeaderValue, header};
use openidconnect::{DiscoveryError, JsonWebKeySet, JsonWebKeySetUrl};
use serde::Deserialize;
use thiserror::Error;

use super::error::VerifierError;
use super::http::{HttpError, ProviderHttp, is_secure_url};
use super::settings::IssuerSettings;

/// Fetches the keys of one issuer.
pub(super) struct KeyFetcher {
    issuer: String,
    jwks_url: Option<String>,
    timeout: Duration,
    http: ProviderHttp,
}

/// An issuer's keys cannot be fetched. For the log; contains URLs, but no document.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("the provider did not respond within {0:?}")]
    Timeout(Duration),
    #[error("the request to {url} failed: {source}")]
    Http { url: String, source: HttpError },
    #[error("{url} returned status {status}")]
    Status { url: String, status: u16 },
    #[error("{url} is not a discovery document: {source}")]
    Document {
        url: String,
        source: serde_json::Error,
    },
    #[error("the discovery document is for another issuer, {found}")]
    OtherIssuer { found: String },
    #[error(
        "the key set URL {url} must be https, or http on loopback if the issuer is on loopback"
    )]
    InsecureKeys { url: String },
    #[error("the key set at {url} cannot be read: {reason}")]
    Keys { url: String, reason: String },
    #[error("the key set at {url} contains no key that can verify a signature")]
    NoKeys { url: String },
}

/// The required part of a discovery document. openidconnect's type requires an authorization endpoint, which Kubernetes
/// does not publish.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl KeyFetcher {
    pub(super) fn new(issuer: &IssuerSettings) -> Result<Self, VerifierError> {
        let http = ProviderHttp::new(&issuer.url, issuer.ca_pem.as_deref(), issuer.keys.timeout)?;
        if let Some(url) = issuer.jwks_url.as_deref().filter(|url| !is_secure_url(url)) {
            return Err(VerifierError::InsecureUrl {
                url: url.to_owned(),
            });
        }
        Ok(Self {
            issuer: issuer.url.clone(),
            jwks_url: issuer.jwks_url.clone(),
            timeout: issuer.keys.timeout,
            http,
        })
    }

    /// Fetches the key set, through the discovery document unless its URL is configured. Returns the keys that can
    /// verify tokens.
    pub(super) async fn fetch(&self) -> Result<Vec<CoreJsonWebKey>, FetchError> {
        tokio::time::timeout(self.timeout, self.discover_and_fetch())
            .await
            .map_err(|_| FetchError::Timeout(self.timeout))?
    }

    async fn discover_and_fetch(&self) -> Result<Vec<CoreJsonWebKey>, FetchError> {
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        if !self.http.may_reach(&url) {
            return Err(FetchError::InsecureKeys { url });
        }
        let bad = |reason: String| FetchError::Keys {
            url: url.clone(),
            reason,
        };
        let address = JsonWebKeySetUrl::new(url.clone()).map_err(|e| bad(e.to_string()))?;
        let provider = self.http.clone();
        let http = move |request| {
            let provider = provider.clone();
            async move { provider.call(request).await }
        };
        let set: JsonWebKeySet<CoreJsonWebKey> = JsonWebKeySet::fetch_async(&address, &http)
            .await
            .map_err(|error| match error {
                DiscoveryError::Request(source) => FetchError::Http {
                    url: url.clone(),
                    source,
                },
                DiscoveryError::Parse(source) => bad(source.to_string()),
                other => bad(other.to_string()),
            })?;
        let keys: Vec<_> = set
            .keys()
            .iter()
            .filter(|key| is_strong(key))
            .cloned()
            .collect();
        if keys.is_empty() {
            return Err(FetchError::NoKeys { url });
        }
        Ok(keys)
    }

    /// The key set URL in the discovery document, whose issuer must match (OpenID Connect Discovery 1.0, section 4.3).
    async fn discover(&self) -> Result<String, FetchError> {
        let url = format!(
            "{}/.well-known/openid-configuration",
            self.issuer.trim_end_matches('/')
        );
        let failed = |source| FetchError::Http {
            url: url.clone(),
            source,
        };
        let request = http::Request::get(&url)
            .header(header::ACCEPT, HeaderValue::from_static("application/json"))
            .body(Vec::new())
            .map_err(|e| failed(e.into()))?;
        let response = self.http.call(request).await.map_err(failed)?;
        if response.status() != http::StatusCode::OK {
            return Err(FetchError::Status {
                status: response.status().as_u16(),
                url,
            });
        }
        let found: Discovery = serde_json::from_slice(response.body())
            .map_err(|source| FetchError::Document { url, source })?;
        if found.issuer != self.issuer {
            return Err(FetchError::OtherIssuer {
                found: found.issuer,
            });
        }
        Ok(found.jwks_uri)
    }
}

/// Whether a published key may verify tokens. Excludes symmetric keys and RSA keys shorter than 2048 bits (RFC 7518,
/// section 3.3).
fn is_strong(key: &CoreJsonWebKey) -> bool {
    #[derive(Deserialize)]
    struct Parameters {
        kty: String,
        #[serde(default)]
        n: String,
    }
    let parameters = serde_json::to_value(key)
        .and_then(serde_json::from_value::<Parameters>)
        .ok();
    match parameters {
        Some(p) if p.kty == "RSA" => modulus_bits(&p.n) >= 2048,
        Some(p) => p.kty == "EC" || p.kty == "OKP",
        None => false,
    }
}

fn modulus_bits(modulus: &str) -> usize {
    use base64::Engine;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD
        .decode(modulus)
        .unwrap_or_default();
    let significant = bytes.iter().skip_while(|byte| **byte == 0);
    let leading = significant
        .clone()
        .next()
        .map_or(0, |b| b.leading_zeros() as usize);
    (significant.count() * 8).saturating_sub(leading)
}

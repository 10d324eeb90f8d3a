use std::time::Duration;

use openidconnect::core::CoreJsonWebKey;
use openidconnect::http::{self, HeaderValue, header};
use openidconnect::url::{Host, Url};
use openidconnect::{DiscoveryError, HttpRequest, HttpResponse, JsonWebKeySet, JsonWebKeySetUrl};
use serde::Deserialize;
use thiserror::Error;

use super::error::VerifierError;
use super::settings::IssuerSettings;

/// A discovery document or key set longer than this is not read, in bytes.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// Where one issuer's keys come from.
pub(super) struct KeyFetcher {
    issuer: String,
    jwks_url: Option<String>,
    loopback: bool,
    timeout: Duration,
    client: reqwest::Client,
}

/// Why an issuer's keys could not be fetched. For the log: holds addresses, never a document.
#[derive(Debug, Error)]
pub(super) enum FetchError {
    #[error("the provider did not answer within {0:?}")]
    Timeout(Duration),
    #[error("{url} cannot be asked: {source}")]
    Http { url: String, source: HttpError },
    #[error("{url} answered with status {status}")]
    Status { url: String, status: u16 },
    #[error("{url} is not a discovery document: {source}")]
    Document {
        url: String,
        source: serde_json::Error,
    },
    #[error("the discovery document names another issuer, {found}")]
    OtherIssuer { found: String },
    #[error(
        "the key set's URL {url} is neither https nor http on loopback beside a loopback issuer"
    )]
    InsecureKeys { url: String },
    #[error("the key set at {url} cannot be read: {reason}")]
    Keys { url: String, reason: String },
    #[error("the key set at {url} holds no key that can verify a signature")]
    NoKeys { url: String },
}

#[derive(Debug, Error)]
pub(super) enum HttpError {
    #[error("{}", chain(.0))]
    Request(#[from] reqwest::Error),
    #[error("the answer is longer than {MAX_DOCUMENT} bytes")]
    TooLong,
    #[error(transparent)]
    Build(#[from] http::Error),
}

/// The part of a discovery document that is needed. openidconnect's own type demands an
/// authorization endpoint, which Kubernetes does not publish.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl KeyFetcher {
    pub(super) fn new(issuer: &IssuerSettings) -> Result<Self, VerifierError> {
        let url = || issuer.url.clone();
        let loopback = transport(&issuer.url) == Transport::Loopback;
        for address in std::iter::once(&issuer.url).chain(&issuer.jwks_url) {
            if transport(address) == Transport::Refused {
                return Err(VerifierError::InsecureUrl {
                    url: address.clone(),
                });
            }
        }
        // A redirect could send the request anywhere the gateway can reach.
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(issuer.keys.timeout)
            .user_agent(concat!("gatewright/", env!("CARGO_PKG_VERSION")));
        if loopback {
            builder = builder.no_proxy();
        }
        if let Some(pem) = &issuer.ca_pem {
            builder = builder.tls_built_in_root_certs(false);
            let certificates = reqwest::Certificate::from_pem_bundle(pem)
                .map_err(|source| VerifierError::Certificates { url: url(), source })?;
            for certificate in certificates {
                builder = builder.add_root_certificate(certificate);
            }
        }
        Ok(Self {
            issuer: url(),
            jwks_url: issuer.jwks_url.clone(),
            loopback,
            timeout: issuer.keys.timeout,
            client: builder
                .build()
                .map_err(|source| VerifierError::Client { url: url(), source })?,
        })
    }

    /// Asks for the discovery document and then the keys, and keeps those that can verify.
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
        match transport(&url) {
            Transport::Tls => {}
            Transport::Loopback if self.loopback => {}
            _ => return Err(FetchError::InsecureKeys { url }),
        }
        let bad = |reason: String| FetchError::Keys {
            url: url.clone(),
            reason,
        };
        let address = JsonWebKeySetUrl::new(url.clone()).map_err(|e| bad(e.to_string()))?;
        let client = self.client.clone();
        let http = move |request| call(client.clone(), request);
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

    /// OpenID Connect Discovery 1.0 section 4: the document's issuer must be the one asked.
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
        let response = call(self.client.clone(), request).await.map_err(failed)?;
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

async fn call(client: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpError> {
    let request = reqwest::Request::try_from(request)?;
    let mut response = client.execute(request).await?;
    let mut answer = http::Response::builder().status(response.status());
    for (name, value) in response.headers() {
        answer = answer.header(name, value);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_DOCUMENT {
            return Err(HttpError::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(answer.body(body)?)
}

/// Whether an identity provider may be reached under this URL: by `https`, or by `http` on a
/// loopback address.
pub fn is_secure_url(url: &str) -> bool {
    transport(url) != Transport::Refused
}

/// What a URL's scheme and host allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Transport {
    Tls,
    /// Plain HTTP that never leaves the machine.
    Loopback,
    Refused,
}

fn transport(url: &str) -> Transport {
    let Ok(url) = Url::parse(url) else {
        return Transport::Refused;
    };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => return Transport::Refused,
    };
    match url.scheme() {
        "https" => Transport::Tls,
        "http" if loopback => Transport::Loopback,
        _ => Transport::Refused,
    }
}

/// Whether a published key may verify tokens: no shared secrets, and RSA of at least 2048 bits
/// (RFC 7518 section 3.3).
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

/// reqwest's own text stops at "error sending request"; the cause is what an operator needs.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

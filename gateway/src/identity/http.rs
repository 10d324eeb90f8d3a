//! HTTP clients that carry secrets, and the one for identity providers. Redirects are not followed, responses are limited in size, and
//! requests use TLS or stay on loopback.

use std::time::Duration;

use openidconnect::http;
use openidconnect::url::{Host, Url};
use openidconnect::{HttpRequest, HttpResponse};
use thiserror::Error;

use super::error::VerifierError;

/// Maximum length of a response body in bytes.
const MAX_DOCUMENT: usize = 1024 * 1024;

/// HTTP client for one identity provider.
#[derive(Clone, Debug)]
pub struct ProviderHttp {
    loopback: bool,
    client: reqwest::Client,
}

/// A request failed. Contains URLs, but no document.
#[derive(Debug, Error)]
pub enum HttpError {
    #[error("{}", chain(.0))]
    Request(#[from] reqwest::Error),
    #[error("the response is longer than {MAX_DOCUMENT} bytes")]
    TooLong,
    #[error("{url} must be https, or http on loopback if the issuer is on loopback")]
    Insecure { url: String },
    #[error(transparent)]
    Build(#[from] http::Error),
}

impl ProviderHttp {
    /// `ca_pem` holds the CAs to trust in place of the system's. `timeout` applies to one request including its
    /// response.
    ///
    /// # Errors
    /// The issuer's URL is not secure, or the CAs cannot be used.
    pub fn new(
        issuer: &str,
        ca_pem: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, VerifierError> {
        let url = || issuer.to_owned();
        let loopback = match Transport::of(issuer) {
            Transport::Tls => false,
            Transport::Loopback => true,
            Transport::Refused => return Err(VerifierError::InsecureUrl { url: url() }),
        };
        let client = client(loopback, ca_pem)
            .map_err(|source| VerifierError::Certificates { url: url(), source })?
            .timeout(timeout)
            .build()
            .map_err(|source| VerifierError::Client { url: url(), source })?;
        Ok(Self { loopback, client })
    }

    /// Whether a URL published by the provider may be requested: `https`, or `http` on loopback if the issuer itself is
    /// on loopback.
    pub fn may_reach(&self, url: &str) -> bool {
        match Transport::of(url) {
            Transport::Tls => true,
            Transport::Loopback => self.loopback,
            Transport::Refused => false,
        }
    }

    /// Sends a request and reads the complete response.
    ///
    /// # Errors
    /// See [`HttpError`]. An error status is not an error.
    pub async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        if !self.may_reach(request.url().as_str()) {
            return Err(HttpError::Insecure {
                url: request.url().to_string(),
            });
        }
        let mut response = self.client.execute(request).await?;
        let mut answer = http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let body = whole_body(&mut response, MAX_DOCUMENT).await?;
        Ok(answer.body(body.ok_or(HttpError::TooLong)?)?)
    }
}

/// The body of a response; `None` if it is longer than `most` bytes.
pub async fn whole_body(
    response: &mut reqwest::Response,
    most: usize,
) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// A client without redirects, which could target any host that this machine can reach. To loopback, no proxy is used. `ca_pem` holds the
/// CAs to trust in place of the system's.
///
/// # Errors
/// The CAs cannot be used.
pub fn client(
    loopback: bool,
    ca_pem: Option<&[u8]>,
) -> Result<reqwest::ClientBuilder, reqwest::Error> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("gatewright/", env!("CARGO_PKG_VERSION")));
    if loopback {
        builder = builder.no_proxy();
    }
    if let Some(pem) = ca_pem {
        builder = builder.tls_built_in_root_certs(false);
        for certificate in reqwest::Certificate::from_pem_bundle(pem)? {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(builder)
}

/// Whether the URL of an identity provider is secure: `https`, or `http` on a loopback address.
pub fn is_secure_url(url: &str) -> bool {
    Transport::of(url) != Transport::Refused
}

/// The transport that a URL selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    Tls,
    /// HTTP without TLS on loopback.
    Loopback,
    /// HTTP without TLS to others, or no URL of HTTP.
    Refused,
}

impl Transport {
    pub fn of(url: &str) -> Self {
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
}

/// The error with its sources; reqwest's own message is only "error sending request".
pub fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn insecure_urls_are_not_requested() {
        let timeout = Duration::from_secs(5);
        let public = ProviderHttp::new("https://id.example.com", None, timeout).expect("a client");
        let local = ProviderHttp::new("http://127.0.0.1:9", None, timeout).expect("a client");
        for (url, from_public, from_local) in [
            ("https://keys.example.com/jwks", true, true),
            ("http://127.0.0.1:9/token", false, true),
            ("http://[::1]/token", false, true),
            ("http://localhost/token", false, true),
            ("HTTP://LOCALHOST/token", false, true),
            ("http://id.example.com/token", false, false),
            ("http://127.0.0.1.example.com/", false, false),
            ("file:///etc/passwd", false, false),
            ("no url", false, false),
        ] {
            assert_eq!(public.may_reach(url), from_public, "{url}");
            assert_eq!(local.may_reach(url), from_local, "{url}");
        }
        let request = http::Request::post("http://127.0.0.1:9/token").body(Vec::new());
        let refused = public.call(request.expect("a request")).await;
        assert!(
            matches!(refused, Err(HttpError::Insecure { .. })),
            "{refused:?}"
        );
    }
}

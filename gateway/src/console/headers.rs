//! What every answer carries, and which requests other sites may not make.

use std::time::Duration;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore;
use tokio::time::timeout;

use super::trouble::Trouble;

/// The time until an answer begins. A login waits for the provider twice.
const REQUEST: Duration = Duration::from_secs(40);

/// Marks the scripts of one page. What somebody else gets into a page cannot have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nonce(String);

impl std::fmt::Display for Nonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Nonce {
    pub fn random() -> Self {
        let mut bytes = [0; 18];
        rand::rng().fill_bytes(&mut bytes);
        Nonce(STANDARD.encode(bytes))
    }

    /// Scripts run only with the nonce; styles, images and requests are this origin's; nobody frames the page, and only htmx, through
    /// its own policy, puts text into the page as HTML (Content Security Policy Level 3, Trusted Types).
    fn policy(&self) -> String {
        format!(
            "default-src 'none'; script-src 'nonce-{self}'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types htmx"
        )
    }
}

/// Headers that are the same for all.
const FIXED: [(HeaderName, &str); 6] = [
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=()",
    ),
];

pub(super) async fn protect(mut request: Request, next: Next) -> Response {
    let nonce = Nonce::random();
    request.extensions_mut().insert(nonce.clone());
    let mut response = match is_of_another_site(&request) {
        true => Trouble::Forged.into_response(),
        false => {
            let answered = timeout(REQUEST, next.run(request)).await;
            answered.unwrap_or_else(|_| Trouble::Timeout.into_response())
        }
    };
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // Base64 and the fixed text are always a header.
    if let Ok(policy) = HeaderValue::from_str(&nonce.policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Whether the browser says that a page of another site makes this request to change something (Fetch Metadata). Browsers that say nothing
/// are held off by the token in the form.
fn is_of_another_site(request: &Request) -> bool {
    let site = request.headers().get("sec-fetch-site");
    request.method() != Method::GET && site.is_some_and(|site| site != "same-origin")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_need_the_nonce_of_their_page() {
        let (one, other) = (Nonce::random(), Nonce::random());
        assert_ne!(one, other);
        let policy = one.policy();
        for part in [
            "default-src 'none'",
            &format!("script-src 'nonce-{one}';"),
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{part}: {policy}");
        }
        for part in ["unsafe", "http:", "https:", "data:", "*"] {
            assert!(!policy.contains(part), "{part}: {policy}");
        }
    }
}

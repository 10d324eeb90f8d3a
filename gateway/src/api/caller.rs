//! Who asks: every request carries a token of a trusted issuer.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};

use super::problem::Problem;
use super::server::Shared;
use crate::identity::Identity;

/// A verified identity, and the token that showed it.
pub(super) struct Caller {
    pub identity: Identity,
    pub token: SecretString,
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)?;
        let identity = shared.verify(&token).await?;
        Ok(Caller { identity, token })
    }
}

impl Shared {
    /// As the issuers are configured now.
    pub(super) async fn verify(&self, token: &SecretString) -> Result<Identity, Problem> {
        let verifier = (self.verifier)();
        Ok(verifier.verify(token.expose_secret()).await?)
    }
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1), the only way in which one is taken: not in the URL, which is
/// logged, nor in a cookie, which a browser sends for other sites.
fn bearer(headers: &HeaderMap) -> Result<SecretString, Problem> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (given.next(), given.next()) else {
        return Err(Problem::unauthorized(
            "a token is required: Authorization: Bearer …",
        ));
    };
    let token = value.to_str().ok().and_then(|text| {
        let (scheme, token) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    token
        .map(SecretString::from)
        .ok_or_else(|| Problem::unauthorized("the Authorization header is not Bearer and a token"))
}

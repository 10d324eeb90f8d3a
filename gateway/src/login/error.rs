//! Errors of login and renewal.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::ProfileName;
use crate::identity::{HttpError, TokenError, VerifierError};

/// No token is available. The error texts are for the person who logs in, and contain no tokens.
#[derive(Debug, Error)]
pub enum LoginError {
    #[error("profile {name} is not logged in; run `{}`", name.command())]
    NotLoggedIn { name: ProfileName },
    #[error(
        "the token of profile {name} has expired and cannot be renewed: {reason}; run `{}`", name.command()
    )]
    Ended { name: ProfileName, reason: String },
    #[error(
        "the token of profile {name} has expired and cannot be renewed at the moment: {source}"
    )]
    Renewal {
        name: ProfileName,
        source: Box<LoginError>,
    },

    #[error("the file {} cannot be read: {source}", path.display())]
    Certificates {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Client(#[from] VerifierError),
    #[error("the request to the provider failed: {0}")]
    Http(#[from] HttpError),
    #[error("{url} returned status {status}; check that {issuer} is the provider's URL")]
    Discovery {
        url: String,
        issuer: String,
        status: u16,
    },
    #[error("{url} is not a discovery document: {source}")]
    Document {
        url: String,
        source: serde_json::Error,
    },
    #[error("the provider's issuer is {found}, not {issuer}; use that URL")]
    OtherIssuer { issuer: String, found: String },
    #[error(
        "the provider's {endpoint} endpoint {url} must be https, or on loopback if the issuer is on loopback"
    )]
    Endpoint { endpoint: &'static str, url: String },
    #[error("the provider does not support login with a browser; try --device")]
    NoBrowserLogin,
    #[error("the provider does not support login with a device code; omit --device")]
    NoDeviceLogin,

    #[error(
        "cannot listen on {address} for the redirect from the browser: {source}; to use another port, register it with the provider and pass --redirect-uri"
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the login was not completed in the browser within {} minutes", limit.as_secs() / 60)]
    BrowserTimeout { limit: Duration },
    /// RFC 9207: prevents mix-up attacks.
    #[error("the response in the browser is from another issuer: {issuer}")]
    WrongIssuer { issuer: String },
    #[error("the response in the browser contains no authorization code")]
    NoCode,
    /// An OAuth 2.0 error response (RFC 6749, sections 4.1.2.1 and 5.2; RFC 8628, section 3.5).
    #[error("the provider returned an error: {code}{}", detail(description))]
    Refused {
        code: String,
        description: Option<String>,
    },
    #[error("the provider does not support token revocation")]
    NoRevocation,
    #[error("the provider returned status {status}")]
    Revocation { status: u16 },
    #[error("invalid response from the provider: {reason}")]
    InvalidResponse { reason: String },

    #[error(
        "the provider returned no ID token; request the scope openid, or use the access token (--token access)"
    )]
    NoIdToken,
    #[error("the provider's ID token is invalid: {0}")]
    IdToken(TokenError),
    #[error("the nonce of the provider's ID token does not match this login")]
    Nonce,
    #[error("the renewed ID token has a different subject")]
    OtherSubject,
    #[error(
        "a gateway cannot verify the provider's access token ({0}); request one with --audience or --resource, or use the ID token (--token id)"
    )]
    OpaqueAccessToken(TokenError),
    #[error("the provider's access token has no expiry (exp), which a gateway requires")]
    NoExpiry,

    #[error("{} cannot be {what}: {source}", path.display())]
    File {
        path: PathBuf,
        what: &'static str,
        source: std::io::Error,
    },
    #[error(
        "other users have access to {} (mode {mode:o}), so it is not used; run `chmod go= {}`", path.display(), path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} is not a {expected}", path.display())]
    WrongFileType {
        path: PathBuf,
        expected: &'static str,
    },
    #[error("{} cannot be parsed ({source}); run `{}`", path.display(), name.command())]
    Unreadable {
        path: PathBuf,
        name: ProfileName,
        source: serde_json::Error,
    },
}

impl LoginError {
    /// Whether the provider has rejected the refresh token, so that a retry cannot succeed.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "invalid_grant")
    }
}

fn detail(description: &Option<String>) -> String {
    match description {
        Some(text) => format!(" ({text})"),
        None => String::new(),
    }
}

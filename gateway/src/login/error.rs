use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::ProfileName;
use crate::identity::{HttpError, TokenError, VerifierError};

/// Why there is no token. The texts are for the person who wants one: they say what to do, and hold no token.
#[derive(Debug, Error)]
pub enum LoginError {
    #[error("nobody is logged in as profile {name}; run `{}`", name.command())]
    NotLoggedIn { name: ProfileName },
    #[error(
        "the token of profile {name} has expired and cannot be renewed: {reason}; run `{}`", name.command()
    )]
    Ended { name: ProfileName, reason: String },
    #[error("the token of profile {name} has expired and cannot be renewed now: {source}")]
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
    #[error("the provider cannot be asked: {0}")]
    Http(#[from] HttpError),
    #[error("{url} answered with status {status}; is {issuer} the provider's URL?")]
    Discovery {
        url: String,
        issuer: String,
        status: u16,
    },
    #[error("{url} is not a provider's discovery document: {source}")]
    Document {
        url: String,
        source: serde_json::Error,
    },
    #[error("the provider calls itself {found}, and not {issuer}; use its own name")]
    OtherIssuer { issuer: String, found: String },
    #[error(
        "the provider's {endpoint} endpoint {url} is neither https nor on loopback beside a loopback issuer"
    )]
    Endpoint { endpoint: &'static str, url: String },
    #[error("the provider has no login with a browser; try --device")]
    NoBrowserLogin,
    #[error("the provider has no login with a device code; leave --device out")]
    NoDeviceLogin,

    #[error(
        "the address {address} cannot be listened on for the browser's answer: {source}; another port can be registered and given with --redirect-uri"
    )]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the browser brought no answer within {} minutes", limit.as_secs() / 60)]
    NoAnswer { limit: Duration },
    #[error("the browser brought an answer of another provider, {issuer}")]
    MixedUp { issuer: String },
    #[error("the browser brought no code")]
    NoCode,
    /// An OAuth 2.0 error response (RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628 section 3.5).
    #[error("the provider refused: {code}{}", detail(description))]
    Refused {
        code: String,
        description: Option<String>,
    },
    #[error("the provider has no way to withdraw it")]
    NoRevocation,
    #[error("the provider answered with status {status}")]
    Revocation { status: u16 },
    #[error("the provider's answer was not understood: {reason}")]
    Answer { reason: String },

    #[error(
        "the provider gave no ID token; ask for the scope openid, or use the access token (--token access)"
    )]
    NoIdToken,
    #[error("the provider's ID token is not acceptable: {0}")]
    IdToken(TokenError),
    #[error("the provider's ID token answers another login than this one")]
    Nonce,
    #[error("the provider's new ID token is for somebody else")]
    OtherSubject,
    #[error(
        "the provider's access token is none that a gateway can verify ({0}); ask for one with --audience or --resource, or use the ID token (--token id)"
    )]
    OpaqueAccessToken(TokenError),
    #[error("the provider's access token does not say when it expires, which a gateway needs")]
    NoExpiry,

    #[error("{} cannot be {what}: {source}", path.display())]
    File {
        path: PathBuf,
        what: &'static str,
        source: std::io::Error,
    },
    #[error(
        "others on this machine can reach {} (its mode is {mode:o}), so what is in it is not used; run `chmod go= {}`", path.display(), path.display()
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} is no {wanted}", path.display())]
    Kind { path: PathBuf, wanted: &'static str },
    #[error("{} was not written by this version of gatewright ({source}); run `{}`", path.display(), name.command())]
    Unreadable {
        path: PathBuf,
        name: ProfileName,
        source: serde_json::Error,
    },
}

impl LoginError {
    /// The provider itself said no, so that asking again is no use.
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

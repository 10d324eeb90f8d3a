//! Errors of connection start-up.

use std::time::Duration;

use gatewright_wire::startup::StartupError;
use gatewright_wire::{FatalError, FrameError};
use thiserror::Error;

/// Connection start-up failed before the client was authenticated. Of the client's data, error texts contain only
/// protocol versions, message types and lengths.
#[derive(Debug, Error)]
pub enum HandshakeError {
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("the client closed the connection")]
    Closed,
    #[error("no startup packet received within {0:?} (handshake_timeout)")]
    StartupTimeout(Duration),
    #[error("canceling authentication due to timeout: exceeded {0:?} (authentication_timeout)")]
    AuthenticationTimeout(Duration),
    #[error("the TLS handshake failed: {0}")]
    Tls(std::io::Error),
    /// CVE-2021-23214: bytes received before the TLS handshake must not be processed as if TLS had protected them.
    #[error("received unencrypted data after {request}")]
    BufferedBytes { request: &'static str },
    #[error("received a second {request}")]
    RepeatedRequest { request: &'static str },
    #[error("received an encryption request inside TLS")]
    RequestInsideTls,
    /// Direct TLS requires ALPN `postgresql`, which prevents cross-protocol attacks (ALPACA).
    #[error("received direct SSL connection request without ALPN protocol negotiation extension")]
    NoAlpn,
    #[error("received direct SSL connection request, but TLS is not configured")]
    TlsNotOffered,
    #[error(transparent)]
    Startup(#[from] StartupError),
    #[error("no PostgreSQL user name specified in startup packet")]
    NoUser,
    #[error("a password must not be sent over an unencrypted connection")]
    CleartextRefused,
    #[error("expected password response, got message type {tag}")]
    NotAPassword { tag: u8 },
    #[error("malformed password message: {0}")]
    Frame(#[from] FrameError),
    #[error("malformed password message")]
    MalformedPassword,
    #[error("client selected an invalid SASL authentication mechanism")]
    OtherMechanism,
    /// RFC 7628, section 3.1. Names the part that is invalid.
    #[error("malformed OAUTHBEARER message: {0}")]
    MalformedBearer(&'static str),
    #[error("no token was sent")]
    NoToken,
    #[error("empty password returned by client")]
    EmptyPassword,
}

impl HandshakeError {
    /// The error to send to the client, or `None` if the connection is closed or a message would not be readable.
    pub fn fatal_error(&self) -> Option<FatalError> {
        let refusal = |sqlstate: &str| Some(FatalError::new(sqlstate, self.to_string()));
        match self {
            Self::Io(_) | Self::Closed | Self::Tls(_) | Self::TlsNotOffered => None,
            // The SQLSTATE of PostgreSQL's authentication_timeout.
            Self::StartupTimeout(_) | Self::AuthenticationTimeout(_) => refusal("57014"),
            Self::Startup(StartupError::UnsupportedProtocol { .. }) => refusal("0A000"),
            Self::BufferedBytes { .. }
            | Self::RepeatedRequest { .. }
            | Self::RequestInsideTls
            | Self::NoAlpn
            | Self::Startup(_)
            | Self::NotAPassword { .. }
            | Self::Frame(_)
            | Self::OtherMechanism
            | Self::MalformedBearer(_)
            | Self::MalformedPassword => refusal("08P01"),
            Self::NoUser | Self::NoToken => refusal("28000"),
            Self::CleartextRefused => Some(
                FatalError::new("28000", self.to_string())
                    .with_hint("Connect with TLS (sslmode=require or stricter)."),
            ),
            Self::EmptyPassword => refusal("28P01"),
        }
    }
}

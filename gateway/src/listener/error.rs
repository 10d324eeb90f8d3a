use std::time::Duration;

use gatewright_wire::startup::StartupError;
use gatewright_wire::{FatalError, FrameError};
use thiserror::Error;

/// Why a client did not get as far as being identified. Texts hold nothing that the client sent but versions and lengths.
#[derive(Debug, Error)]
pub enum HandshakeError {
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    #[error("the client closed the connection")]
    Closed,
    #[error("no startup message came within {0:?} (handshake_timeout)")]
    StartupTimeout(Duration),
    #[error(
        "canceling authentication due to timeout: it took longer than {0:?} (authentication_timeout)"
    )]
    AuthenticationTimeout(Duration),
    #[error("the TLS handshake failed: {0}")]
    Tls(std::io::Error),
    /// CVE-2021-23214: what was sent before encryption began must not be taken for what was sent inside it.
    #[error("received unencrypted data after {request}")]
    BufferedBytes { request: &'static str },
    #[error("{request} was sent twice")]
    RepeatedRequest { request: &'static str },
    #[error("received an encryption request inside TLS")]
    RequestInsideTls,
    /// Direct TLS must negotiate ALPN `postgresql`, lest another protocol's client be led here (ALPACA).
    #[error("received direct SSL connection request without ALPN protocol negotiation extension")]
    NoAlpn,
    #[error("received direct SSL connection request, and TLS is not set up here")]
    TlsNotOffered,
    #[error(transparent)]
    Startup(#[from] StartupError),
    #[error("no PostgreSQL user name specified in startup packet")]
    NoUser,
    #[error("no password may be sent on this connection, as it is not encrypted")]
    CleartextRefused,
    #[error("expected password response, got message type {tag}")]
    NotAPassword { tag: u8 },
    #[error("the password message is malformed: {0}")]
    Frame(#[from] FrameError),
    #[error("the password message is malformed")]
    MalformedPassword,
    #[error("client selected an invalid SASL authentication mechanism")]
    OtherMechanism,
    /// RFC 7628 section 3.1. Holds the name of the part that is wrong.
    #[error("malformed OAUTHBEARER message: {0}")]
    MalformedBearer(&'static str),
    #[error("no token was given; the client was told where to get one")]
    NoToken,
    #[error("empty password returned by client")]
    EmptyPassword,
}

impl HandshakeError {
    /// What to tell the client; `None` where nobody listens or nothing can be said in clear.
    pub fn fatal_error(&self) -> Option<FatalError> {
        let refusal = |sqlstate: &str| Some(FatalError::new(sqlstate, self.to_string()));
        match self {
            Self::Io(_) | Self::Closed | Self::Tls(_) | Self::TlsNotOffered => None,
            // As PostgreSQL's own authentication_timeout does.
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

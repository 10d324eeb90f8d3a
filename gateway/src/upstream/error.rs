//! Errors of server connections.

use std::time::Duration;

use gatewright_wire::build::BuildError;
use gatewright_wire::{DecodeError, ErrorFields, FatalError, FrameError};
use thiserror::Error;

use super::CredentialError;

/// A connection to a server failed. `Display` is for the log; clients receive [`UpstreamError::fatal_error`].
#[derive(Debug, Error)]
pub enum UpstreamError {
    #[error("no host is configured")]
    NoHost,
    #[error("cannot resolve host {host}: {source}")]
    Resolve {
        host: String,
        source: std::io::Error,
    },
    #[error("cannot connect to {endpoint}: {source}")]
    Connect {
        endpoint: String,
        source: std::io::Error,
    },
    #[error("timed out after {limit:?} waiting for {endpoint}")]
    Timeout { endpoint: String, limit: Duration },
    #[error("the connection to the server failed: {0}")]
    Io(#[from] std::io::Error),
    #[error("the server closed the connection")]
    Closed,
    #[error("the server does not support TLS, but TLS is required")]
    TlsNotOffered,
    #[error("the TLS handshake with the server failed: {0}")]
    Tls(std::io::Error),
    #[error("the host {host} is not a valid TLS server name")]
    TlsName { host: String },
    #[error("the password of role {role} is unavailable: {source}")]
    Credential {
        role: String,
        source: CredentialError,
    },
    #[error("the server requests a password, but none is configured")]
    NoPassword,
    #[error("the server requests a cleartext password without TLS")]
    CleartextOutsideTls,
    #[error("the server requests an unsupported authentication method (code {code})")]
    UnsupportedAuthentication { code: u32 },
    #[error("the server offers no supported SASL mechanism")]
    UnsupportedSasl,
    /// The server's proof is invalid or missing, so it may be an impostor.
    #[error("SCRAM authentication with the server failed: {0}")]
    Scram(std::io::Error),
    #[error("the server accepted the login without proving that it knows the password")]
    ScramUnfinished,
    /// An ErrorResponse from the server. `names_role` is set if it tells the name of the gateway's role.
    #[error("the server reported {}: {}", fields.sqlstate(), fields.message())]
    Server {
        fields: ErrorFields,
        names_role: bool,
    },
    #[error("the server sent an unexpected message of type {tag}")]
    Unexpected { tag: u8 },
    #[error("lost synchronization with the server: {0}")]
    Frame(#[from] FrameError),
    #[error("the server sent a malformed message: {0}")]
    Decode(#[from] DecodeError),
    #[error("a message to the server cannot be encoded: {0}")]
    Build(#[from] BuildError),
    #[error("the server's response exceeds the limit of {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{endpoint} does not satisfy target_session_attrs")]
    WrongSession { endpoint: String },
}

impl UpstreamError {
    /// The error for the client. It passes on the server's messages about its databases and its state, but reveals
    /// nothing about the gateway's login.
    pub fn fatal_error(&self) -> FatalError {
        match self {
            Self::Server { fields, names_role } => server_error(fields, *names_role),
            Self::NoPassword
            | Self::CleartextOutsideTls
            | Self::UnsupportedAuthentication { .. }
            | Self::UnsupportedSasl
            | Self::Scram(_)
            | Self::ScramUnfinished => login_error(),
            Self::Credential { .. } => FatalError::new(
                "57P03",
                "the gateway has no working credential for this database at the moment",
            )
            .with_hint(OPERATOR_HINT),
            Self::NoHost
            | Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::WrongSession { .. } => unreachable("08001"),
            Self::TlsNotOffered | Self::Tls(_) | Self::TlsName { .. } => unreachable("08001"),
            Self::Io(_) | Self::Closed => unreachable("08006"),
            Self::Unexpected { .. }
            | Self::Frame(_)
            | Self::Decode(_)
            | Self::Build(_)
            | Self::TooLarge { .. } => unreachable("08P01"),
        }
    }

    /// Whether the server rejected the password. Servers that use PAM or LDAP, such as those of cloud providers, report
    /// 28000.
    pub(super) fn rejects_password(&self) -> bool {
        match self {
            Self::Server { fields, .. } => ["28P01", "28000"].contains(&fields.sqlstate()),
            _ => false,
        }
    }

    /// Whether to try the next host: this one is unreachable, not ready, or does not satisfy `target_session_attrs`.
    pub(super) fn try_next_host(&self) -> bool {
        match self {
            // cannot_connect_now: starting up, shutting down or in recovery.
            Self::Server { fields, .. } => fields.sqlstate() == "57P03",
            Self::Resolve { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Io(_)
            | Self::Closed
            | Self::WrongSession { .. } => true,
            _ => false,
        }
    }
}

fn server_error(fields: &ErrorFields, names_role: bool) -> FatalError {
    // Errors of class 28 are about the gateway's login.
    if fields.sqlstate().starts_with("28") {
        return login_error();
    }
    if names_role {
        return FatalError::new(fields.sqlstate(), "the database refused the connection");
    }
    FatalError {
        detail: fields.field(b'D').map(str::to_owned),
        hint: fields.field(b'H').map(str::to_owned),
        ..FatalError::new(fields.sqlstate(), fields.message())
    }
}

const OPERATOR_HINT: &str = "Contact the gateway's operator. The gateway's log contains the cause.";

fn login_error() -> FatalError {
    FatalError::new("08004", "the gateway could not log in to the database")
        .with_hint(OPERATOR_HINT)
}

fn unreachable(sqlstate: &str) -> FatalError {
    FatalError::new(sqlstate, "the database could not be reached")
        .with_hint("Try again later, or contact the gateway's operator.")
}

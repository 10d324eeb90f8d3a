use std::time::Duration;

use gatewright_wire::build::BuildError;
use gatewright_wire::{DecodeError, ErrorFields, FatalError, FrameError};
use thiserror::Error;

use super::CredentialError;

/// Why there is no connection to the server, or no more. Texts are for the log; [`UpstreamError::fatal`] is for the client.
#[derive(Debug, Error)]
pub enum UpstreamError {
    #[error("the target names no host")]
    NoHost,
    #[error("the host {host} has no address: {source}")]
    Resolve {
        host: String,
        source: std::io::Error,
    },
    #[error("no connection to {endpoint}: {source}")]
    Connect {
        endpoint: String,
        source: std::io::Error,
    },
    #[error("{endpoint} was not ready within {limit:?}")]
    Timeout { endpoint: String, limit: Duration },
    #[error("the connection to the server broke: {0}")]
    Io(#[from] std::io::Error),
    #[error("the server closed the connection")]
    Closed,
    #[error("the server does not offer TLS, which the target demands")]
    TlsNotOffered,
    #[error("TLS with the server failed: {0}")]
    Tls(std::io::Error),
    #[error("the host {host} cannot be the name in a certificate")]
    TlsName { host: String },
    #[error("the password of role {role} cannot be had: {source}")]
    Credential {
        role: String,
        source: CredentialError,
    },
    #[error("the server asks for a password and the target has none")]
    NoPassword,
    #[error("the server asks for a password in clear text outside TLS")]
    CleartextOutsideTls,
    #[error("the server asks for an authentication method that is not supported (code {code})")]
    UnsupportedAuthentication { code: u32 },
    #[error("the server offers no SASL mechanism that is supported")]
    UnsupportedSasl,
    /// The server's own proof was wrong or missing: it may not be the server at all.
    #[error("the SCRAM exchange with the server failed: {0}")]
    Scram(std::io::Error),
    #[error("the server let the gateway in before it proved that it knows the password")]
    ScramUnfinished,
    /// An ErrorResponse of the server. `names_role`: its message holds the name of the role that the gateway logs in as.
    #[error("the server answered {}: {}", fields.sqlstate(), fields.message())]
    Server {
        fields: ErrorFields,
        names_role: bool,
    },
    #[error("the server sent message type {tag} where it has no place")]
    Unexpected { tag: u8 },
    #[error("the server sent a malformed stream: {0}")]
    Frame(#[from] FrameError),
    #[error("the server sent a malformed message: {0}")]
    Decode(#[from] DecodeError),
    #[error("a message for the server could not be built: {0}")]
    Build(#[from] BuildError),
    #[error("the answer is larger than the {limit} bytes allowed")]
    TooLarge { limit: usize },
    #[error("{endpoint} is not the kind of server that is asked for")]
    WrongSession { endpoint: String },
}

impl UpstreamError {
    /// What the client may know: the server's own words about its database and its state, nothing of how the gateway logs in.
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
            .with_hint("Tell the gateway's operator; its log says more."),
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

    /// The server did not accept the password. Servers that leave it to PAM or LDAP say 28000, as those of cloud providers do.
    pub(super) fn refuses_password(&self) -> bool {
        match self {
            Self::Server { fields, .. } => ["28P01", "28000"].contains(&fields.sqlstate()),
            _ => false,
        }
    }

    /// Another host may do better: this one is not there or not ready.
    pub(super) fn another_host_may_do(&self) -> bool {
        match self {
            // ERRCODE_CANNOT_CONNECT_NOW: starting up, shutting down or in recovery.
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
    // Class 28 is about the gateway's own login.
    if fields.sqlstate().starts_with("28") {
        return login_error();
    }
    match names_role {
        true => FatalError::new(fields.sqlstate(), "the database refused the connection"),
        false => FatalError::new(fields.sqlstate(), fields.message()),
    }
}

fn login_error() -> FatalError {
    FatalError::new("08004", "the gateway could not log in to the database")
        .with_hint("Tell the operator of the gateway; its log says why.")
}

fn unreachable(sqlstate: &str) -> FatalError {
    FatalError::new(sqlstate, "the database could not be reached")
        .with_hint("Try again later, or tell the operator of the gateway.")
}

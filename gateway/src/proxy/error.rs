//! Errors of the proxy.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gatewright_wire::FatalError;
use thiserror::Error;

use crate::identity::TokenError;
use crate::login::LoginError;

/// The proxy cannot start.
#[derive(Debug, Error)]
pub enum ProxyError {
    #[error(
        "{0} is not a loopback address; everyone who can connect to the proxy is logged in with its token"
    )]
    NotLoopback(SocketAddr),
    #[error("the gateway's certificate must be verified; use verify-full or verify-ca")]
    UnverifiedTls,
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// No token is available for a connection. `Display` is for the log; it contains paths, but no tokens. The client
/// receives [`TokenSourceError::fatal_error`].
#[derive(Debug, Error)]
pub enum TokenSourceError {
    #[error("the token file {} does not exist", path.display())]
    Missing { path: PathBuf },
    #[error("the token file {} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the token file {} is empty", path.display())]
    Empty { path: PathBuf },
    #[error("the token file {} contains no signed token: {source}", path.display())]
    NotAToken { path: PathBuf, source: TokenError },
    #[error("the token in {} expired {} ago", path.display(), rounded(*ago))]
    Expired { path: PathBuf, ago: Duration },
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl TokenSourceError {
    /// The error for the client, without paths.
    pub fn fatal_error(&self) -> FatalError {
        let not_renewed = "The token file is no longer being renewed. The log of `gatewright proxy` names the file.";
        let log = "The log of `gatewright proxy` names the file.";
        match self {
            Self::Missing { .. } => {
                FatalError::new("28000", "the proxy's token file does not exist").with_hint(log)
            }
            Self::Unreadable { .. } => {
                FatalError::new("28000", "the proxy's token file cannot be read").with_hint(log)
            }
            Self::Empty { .. } => {
                FatalError::new("28000", "the proxy's token file is empty").with_hint(log)
            }
            Self::NotAToken { .. } => {
                FatalError::new("28000", "the proxy's token file contains no signed token")
                    .with_hint(log)
            }
            Self::Expired { ago, .. } => FatalError::new(
                "28000",
                format!("the proxy's token expired {} ago", rounded(*ago)),
            )
            .with_hint(not_renewed),
            Self::Login(LoginError::NotLoggedIn { .. } | LoginError::Ended { .. }) => {
                FatalError::new(
                    "28000",
                    "the proxy is not logged in, or its login has expired",
                )
                .with_hint("The log of `gatewright proxy` contains the command to log in.")
            }
            Self::Login(_) => {
                FatalError::new("28000", "the proxy cannot obtain a token at the moment")
                    .with_hint("The log of `gatewright proxy` contains the cause.")
            }
        }
    }
}

/// The duration in its largest unit, rounded down.
pub(super) fn rounded(time: Duration) -> String {
    let seconds = time.as_secs();
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

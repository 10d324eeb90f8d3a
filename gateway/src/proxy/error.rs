use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use gatewright_wire::FatalError;
use thiserror::Error;

use crate::identity::TokenError;
use crate::login::LoginError;

/// Why a proxy does not start.
#[derive(Debug, Error)]
pub enum ProxyError {
    #[error(
        "{0} is not a loopback address; whoever reaches the proxy is let in with its token, so it serves this machine only"
    )]
    NotLoopback(SocketAddr),
    #[error("the gateway's certificate must be verified: use verify-full or verify-ca")]
    UnverifiedTls,
    #[error("the address {address} cannot be listened on: {source}; choose another with --listen")]
    Listen {
        address: SocketAddr,
        source: std::io::Error,
    },
}

/// Why there is no token for a connection. For the log: names places, never what is there. The client gets
/// [`TokenFault::refusal`].
#[derive(Debug, Error)]
pub enum TokenFault {
    #[error("the token file {} does not exist", path.display())]
    Missing { path: PathBuf },
    #[error("the token file {} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the token file {} is empty", path.display())]
    Empty { path: PathBuf },
    #[error("the token file {} holds no token: {source}", path.display())]
    NotAToken { path: PathBuf, source: TokenError },
    #[error("the token in {} expired {} ago", path.display(), human(*ago))]
    Expired { path: PathBuf, ago: Duration },
    #[error(transparent)]
    Login(#[from] LoginError),
}

impl TokenFault {
    /// What the client is told: what is wrong, and nothing of where things are on this machine.
    pub fn fatal_error(&self) -> FatalError {
        let renewed = "Whatever renews the token file has stopped doing so; the log of `gatewright proxy` names the file.";
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
                FatalError::new("28000", "the proxy's token file holds no signed token")
                    .with_hint(log)
            }
            Self::Expired { ago, .. } => FatalError::new(
                "28000",
                format!("the proxy's token expired {} ago", human(*ago)),
            )
            .with_hint(renewed),
            Self::Login(LoginError::NotLoggedIn { .. } | LoginError::Ended { .. }) => {
                FatalError::new("28000", "the proxy's login has ended, or there was none")
                    .with_hint("Log in again; the log of `gatewright proxy` says how.")
            }
            Self::Login(_) => {
                FatalError::new("28000", "the proxy's login gives no token at the moment")
                    .with_hint("The log of `gatewright proxy` says why.")
            }
        }
    }
}

/// A time as a person would say it: its largest unit only.
pub(super) fn human(time: Duration) -> String {
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

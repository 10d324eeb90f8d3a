//! Why a request could not be made.

use thiserror::Error;

/// A request could not be made, so its statement is refused. `Display` is safe to send to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ApprovalsError {
    /// The cause is in the log.
    #[error(
        "nobody can be asked at the moment: the gateway's store of approval requests is not available"
    )]
    StoreUnavailable,
    #[error("too many statements wait for approval already")]
    TooMany,
    #[error("the statement and its parameters are too long to be shown to a reviewer")]
    TooLong,
    #[error("the gateway is stopping")]
    Stopping,
}

impl ApprovalsError {
    /// The HINT for the client.
    pub fn hint(self) -> &'static str {
        match self {
            Self::StoreUnavailable | Self::TooMany | Self::Stopping => "Try again later.",
            Self::TooLong => "Send a shorter statement, or send its parts one by one.",
        }
    }

    /// The SQLSTATE: 42501 where no approval is possible, 53400 at a limit, 57P03 where the gateway cannot ask now.
    pub fn sqlstate(self) -> &'static str {
        match self {
            Self::StoreUnavailable | Self::Stopping => "57P03",
            Self::TooMany => "53400",
            Self::TooLong => "42501",
        }
    }
}

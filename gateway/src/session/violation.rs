//! What a peer did that ends the connection, and what the client is told of it.

use std::borrow::Cow;
use std::fmt;

use gatewright_wire::frame::FrameError;
use thiserror::Error;

/// Who sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    Client,
    Server,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Peer::Client => "the client",
            Peer::Server => "the server",
        })
    }
}

/// What a peer did that ends the connection.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Violation {
    #[error("the client sent a malformed message: {0}")]
    ClientFrame(FrameError),
    #[error("the client sent a message of type {0}, which the protocol does not have")]
    ClientMessage(u8),
    #[error("the server sent a malformed message: {0}")]
    ServerFrame(FrameError),
    #[error("the server sent a {message} message that cannot be read: {reason}")]
    ServerMessage {
        message: &'static str,
        reason: String,
    },
    #[error("{by} sent a message of {length} bytes; max_message is {limit} bytes")]
    TooLong {
        by: Peer,
        length: usize,
        limit: usize,
    },
    #[error("the server sent an unexpected message of type '{0}'")]
    Unexpected(char),
    #[error("the server's result has other columns than it described, so it cannot be masked")]
    ShapeChanged,
    #[error("replication is not supported")]
    Replication,
}

impl Violation {
    pub(in crate::session) fn unreadable(message: &'static str, error: &dyn fmt::Display) -> Self {
        Violation::ServerMessage {
            message,
            reason: error.to_string(),
        }
    }

    /// What the client is told (SQLSTATE and text) before the connection ends.
    pub fn client_text(&self) -> (&'static str, Cow<'static, str>) {
        let (sqlstate, text) = match self {
            Violation::TooLong { .. } => {
                return ("54000", format!("terminating connection: {self}").into());
            }
            Violation::ClientFrame(_) => ("08P01", "invalid message format"),
            Violation::ClientMessage(tag) => {
                return (
                    "08P01",
                    format!("invalid frontend message type {tag}").into(),
                );
            }
            Violation::ServerFrame(_)
            | Violation::ServerMessage { .. }
            | Violation::Unexpected(_) => (
                "08006",
                "terminating connection: the server violated the protocol",
            ),
            Violation::ShapeChanged => (
                "0A000",
                "terminating connection: the result changed its columns after it was judged",
            ),
            Violation::Replication => ("0A000", "this gateway does not support replication"),
        };
        (sqlstate, text.into())
    }

    /// True when the client is to blame.
    pub fn is_clients(&self) -> bool {
        matches!(
            self,
            Violation::ClientFrame(_)
                | Violation::ClientMessage(_)
                | Violation::TooLong {
                    by: Peer::Client,
                    ..
                }
        )
    }
}

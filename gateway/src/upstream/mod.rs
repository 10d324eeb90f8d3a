//! Opens the way to a PostgreSQL server: address, TLS, login, what the server says before it is ready, and cancel requests.
//! It refuses to know the client, the policies and any statement but the few of `service`.
//! Next: `catalog` reads the server's relations through `service`; `relay` takes the open connection over.

mod auth;
mod bearer;
mod connect;
mod credential;
mod dsn;
mod end_point;
mod error;
pub mod service;
mod session_attrs;
mod startup;
mod stream;
mod target;
mod tls;

use std::collections::HashMap;

use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;

pub use connect::{cancel, connect};
pub use credential::{CommandError, Credential, CredentialError, PasswordCommand, password_file};
pub use dsn::DsnError;
pub use error::UpstreamError;
pub use stream::UpstreamStream;
pub use target::{Endpoint, SessionAttributes, Target};
pub use tls::{ClientTls, Roots, TlsMode, TlsSetupError};

/// A connection on which the server has said that it is ready.
#[derive(Debug)]
pub struct Connected {
    pub stream: UpstreamStream,
    /// What the server said between AuthenticationOk and ReadyForQuery, as it said it, but for BackendKeyData:
    /// ParameterStatus and NoticeResponse messages.
    pub greeting: Vec<u8>,
    /// The values of those ParameterStatus messages.
    pub parameters: HashMap<String, String>,
    pub key: BackendKey,
    pub status: TransactionStatus,
    /// Bytes that the server sent after ReadyForQuery.
    pub leftover: BytesMut,
}

/// What it takes to cancel what a connection is doing.
#[derive(Clone, PartialEq, Eq)]
pub struct BackendKey {
    /// Process id of the backend.
    pub pid: i32,
    pub secret: Vec<u8>,
    /// The one of the target's hosts that the connection was made to.
    pub endpoint: Endpoint,
}

// The secret is one.
impl std::fmt::Debug for BackendKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendKey")
            .field("pid", &self.pid)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

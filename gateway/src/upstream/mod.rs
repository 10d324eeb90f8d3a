//! Connections to PostgreSQL servers: name resolution, TLS, authentication, start-up, and cancel requests.
//! It knows nothing about clients or policies, and sends no statements except through `service`.
//! Next: `relay` takes over an established connection; `catalog` reads the catalog through `service`.

mod auth;
mod bearer;
mod channel_binding;
mod connect;
mod credential;
mod dsn;
mod error;
mod parameters;
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
pub use service::Answer;
pub use session_attrs::ask;
pub use startup::Link;
pub use stream::UpstreamStream;
pub use target::{Endpoint, SessionAttributes, Target};
pub use tls::{ClientTls, Roots, TlsMode, TlsSetupError};

/// An established connection, on which the server has sent ReadyForQuery.
#[derive(Debug)]
pub struct Connected {
    pub stream: UpstreamStream,
    /// The ParameterStatus and NoticeResponse messages that the server sent during start-up, unchanged.
    pub greeting: Vec<u8>,
    /// The values of the ParameterStatus messages.
    pub parameters: HashMap<String, String>,
    pub key: BackendKey,
    pub status: TransactionStatus,
    /// Bytes that the server sent after ReadyForQuery.
    pub leftover: BytesMut,
}

/// Everything needed to cancel a connection's statement. A server that gave no key (RDS Proxy) cannot be asked to cancel.
#[derive(Clone, PartialEq, Eq)]
pub struct BackendKey {
    /// Process ID of the backend.
    pub pid: i32,
    /// Empty if the server gave none.
    pub secret: Vec<u8>,
    /// The address that the connection was made to.
    pub endpoint: Endpoint,
}

// Omits the secret key.
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

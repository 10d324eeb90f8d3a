//! The client's side of connection start-up: TLS, the startup packet, cancel requests, the authentication exchange, and
//! FATAL errors for connections that are refused.
//! It does not verify tokens and knows nothing about servers or statements.
//! Next: `identity` verifies the token, and `upstream` connects to the server.

pub mod cancel;
mod error;
mod handshake;
mod oauthbearer;
mod password;
mod stream;
mod tls;
mod token;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::rustls::ServerConfig;

pub use error::HandshakeError;
pub use gatewright_wire::FatalError;
pub use gatewright_wire::startup::{CancelRequest, StartupMessage};
pub use handshake::handshake;
pub use oauthbearer::Discovery;
pub use stream::ClientStream;
pub use tls::{TlsFileError, server_config};
pub use token::{Authentication, CHOICE, Given};

/// Settings for connection start-up.
#[derive(Debug, Clone)]
pub struct HandshakeSettings {
    /// TLS configuration, see [`server_config`]. Without it, encryption requests are answered with `N`.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether a token may be sent without TLS.
    pub cleartext_password: CleartextPassword,
    /// The authentication method for clients that do not select one.
    pub authentication: Authentication,
    /// Sent to clients that use OAUTHBEARER and have no valid token.
    pub discovery: Option<Discovery>,
    /// Time limit from accepting the connection to receiving the startup packet, including TLS.
    pub handshake_timeout: Duration,
    /// Time limit from the startup packet to the completed login.
    pub authentication_timeout: Duration,
}

impl Default for HandshakeSettings {
    fn default() -> Self {
        Self {
            tls: None,
            cleartext_password: CleartextPassword::Never,
            authentication: Authentication::default(),
            discovery: None,
            handshake_timeout: Duration::from_secs(10),
            authentication_timeout: Duration::from_secs(30),
        }
    }
}

/// Which connections without TLS may send a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CleartextPassword {
    #[default]
    Never,
    /// Connections over the loopback interface.
    Loopback,
}

/// What a new connection requested.
#[derive(Debug)]
pub enum Handshake {
    /// A session.
    Session(Box<Accepted>),
    /// Cancellation of another connection's statement. The connection is already closed.
    Cancel(CancelRequest),
    /// Nothing: it was closed without sending a packet, as health checks of load balancers do.
    Gone,
}

/// A client that has sent its startup packet and is not yet authenticated.
#[derive(Debug)]
pub struct Accepted {
    pub stream: ClientStream,
    /// Its `protocol` is the negotiated version.
    pub startup: StartupMessage,
    /// The connection uses TLS.
    pub secure: bool,
    /// The client's address is a loopback address.
    pub loopback: bool,
    /// The client's address. IPv4-mapped IPv6 addresses are converted to IPv4.
    pub address: IpAddr,
    /// `address` as text.
    pub peer: String,
    /// Bytes received but not yet decoded.
    pub leftover: BytesMut,
}

/// Sends a FATAL error to a client and closes the connection.
///
/// Takes at most about one second, even if the client does not read.
pub async fn refuse(stream: impl AsyncRead + AsyncWrite + Unpin, refusal: &FatalError) {
    let mut out = BytesMut::new();
    refusal.encode(&mut out);
    close_with(stream, out.freeze()).await;
}

/// Sends a final message to a client and closes the connection, with the same time limit as [`refuse`].
pub async fn close_with(mut stream: impl AsyncRead + AsyncWrite + Unpin, last: Bytes) {
    let _ = tokio::time::timeout(LINGER, send_and_close(&mut stream, last)).await;
}

/// Time limit for sending the final message and draining the connection.
const LINGER: Duration = Duration::from_secs(1);

/// Maximum number of bytes that are read and discarded before closing.
const LINGER_BYTES: usize = 64 * 1024;

async fn send_and_close(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    last: Bytes,
) -> std::io::Result<()> {
    stream.write_all(&last).await?;
    stream.shutdown().await?;
    // Closing a socket with unread bytes resets the connection, and the client may lose the final message.
    let mut dropped = [0; 4096];
    let mut total = 0;
    while total < LINGER_BYTES {
        match stream.read(&mut dropped).await? {
            0 => break,
            count => total += count,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;

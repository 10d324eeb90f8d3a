//! Meets a client: TLS, startup packet, cancel requests, the token, and a clear refusal where it ends here.
//! It refuses to know what a token means, which server lies behind and what a statement is.
//! Next: `identity` says who the client is, `upstream` opens the way to the server.

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

/// What a listener asks of those who connect.
#[derive(Debug, Clone)]
pub struct HandshakeSettings {
    /// Certificate and key, see [`server_config`]; without them encryption requests are answered `N`.
    pub tls: Option<Arc<ServerConfig>>,
    /// Whether a password may cross a connection without TLS.
    pub cleartext_password: CleartextPassword,
    /// How a client that does not choose is asked for its token.
    pub authentication: Authentication,
    /// What a client without a token is told, where it asks by OAUTHBEARER.
    pub discovery: Option<Discovery>,
    /// From the first byte to the end of the startup packet, TLS included.
    pub handshake_timeout: Duration,
    /// From the end of the startup packet until the client is logged in.
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

/// Which connections without TLS may be asked for a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CleartextPassword {
    #[default]
    Never,
    /// Those from this machine.
    Loopback,
}

/// What a connection turned out to be.
#[derive(Debug)]
pub enum Handshake {
    /// A client that wants a session.
    Session(Box<Accepted>),
    /// A request to cancel another connection's statement. The connection is closed already.
    Cancel(CancelRequest),
    /// Closed before it said what it wants, as load balancers do.
    Gone,
}

/// A client that has sent its startup packet and is not yet authenticated.
#[derive(Debug)]
pub struct Accepted {
    pub stream: ClientStream,
    /// `protocol` is the version agreed on.
    pub startup: StartupMessage,
    /// Inside TLS.
    pub secure: bool,
    /// Connected from a loopback address.
    pub loopback: bool,
    /// Where it connected from; an IPv4 address in its own form.
    pub address: IpAddr,
    /// The same as text.
    pub peer: String,
    /// Bytes that the client sent after what has been read.
    pub leftover: BytesMut,
}

/// Tells a client why it is turned away and closes the connection.
///
/// Returns after about a second at most; a client that does not listen is left alone.
pub async fn refuse(stream: impl AsyncRead + AsyncWrite + Unpin, refusal: &FatalError) {
    let mut out = BytesMut::new();
    refusal.encode(&mut out);
    close_with(stream, out.freeze()).await;
}

/// Sends a client its last message and closes the connection, with the patience of [`refuse`].
pub async fn close_with(mut stream: impl AsyncRead + AsyncWrite + Unpin, last: Bytes) {
    let _ = tokio::time::timeout(LINGER, say_and_close(&mut stream, last)).await;
}

const LINGER: Duration = Duration::from_secs(1);

/// Bytes of a client being turned away that are read and dropped.
const LINGER_BYTES: usize = 64 * 1024;

async fn say_and_close(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    last: Bytes,
) -> std::io::Result<()> {
    stream.write_all(&last).await?;
    stream.shutdown().await?;
    // Closing a socket with unread bytes resets the connection, and the reset may overtake the message.
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

//! The client-side proxy: listens on loopback for clients that cannot present a token, and logs them in to a gateway
//! with the current token.
//! It listens only on loopback, connects only with verified TLS, and forwards everything after the login unchanged.
//! Next: `listener` handles the client's start-up, and `upstream` logs in to the gateway.

mod error;
mod session;
mod token;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::listener::HandshakeSettings;
use crate::listener::cancel::CancelRegistry;
use crate::upstream::{ClientTls, TlsMode};

pub use error::{ProxyError, TokenSourceError};
pub use token::TokenSource;

/// Settings of a proxy.
#[derive(Debug, Clone)]
pub struct ProxySettings {
    /// A loopback address. Port 0 selects any free port.
    pub listen: SocketAddr,
    /// Hosts and ports of the gateway, tried in order.
    pub gateway: Vec<(String, u16)>,
    /// Must use `verify-ca` or `verify-full`.
    pub tls: ClientTls,
    pub tokens: TokenSource,
    /// Maximum number of concurrent connections.
    pub max_connections: usize,
    /// Time limit per address of the gateway, until the session is ready.
    pub connect_timeout: Duration,
    /// How long open connections may continue after shutdown was requested.
    pub drain: Duration,
}

impl ProxySettings {
    /// Settings with defaults for everything else.
    pub fn new(
        listen: SocketAddr,
        gateway: Vec<(String, u16)>,
        tls: ClientTls,
        tokens: TokenSource,
    ) -> Self {
        Self {
            listen,
            gateway,
            tls,
            tokens,
            max_connections: 1000,
            connect_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(20),
        }
    }
}

/// A proxy that is bound to its port and accepts connections once [`Proxy::run`] is called.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// State shared by all connections.
#[derive(Debug)]
struct Shared {
    settings: ProxySettings,
    handshake: HandshakeSettings,
    registry: CancelRegistry<session::Cancellable>,
}

impl Proxy {
    /// Binds the port.
    ///
    /// # Errors
    /// The address is not a loopback address or is in use, or the TLS mode does not verify the gateway's certificate.
    pub async fn bind(settings: ProxySettings) -> Result<Self, ProxyError> {
        if !settings.listen.ip().is_loopback() {
            return Err(ProxyError::NotLoopback(settings.listen));
        }
        if !matches!(settings.tls.mode(), TlsMode::VerifyCa | TlsMode::VerifyFull) {
            return Err(ProxyError::UnverifiedTls);
        }
        let failed = |source| ProxyError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            address,
            listener,
            shared: Arc::new(Shared {
                settings,
                handshake: HandshakeSettings::default(),
                registry: CancelRegistry::new(),
            }),
        })
    }

    /// The address that the proxy listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the first `signal`. Then stops accepting connections, and returns when all connections have ended,
    /// the drain time is over, or the second `signal` arrives.
    pub async fn run<S: Future<Output = ()>>(self, signal: impl Fn() -> S) {
        let Self {
            listener, shared, ..
        } = self;
        let mut sessions = JoinSet::new();
        let stop = signal();
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => start(&mut sessions, &shared, stream),
                    Err(error) => {
                        // Most likely out of file descriptors. A pause allows connections to end.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
                Some(_) = sessions.join_next() => {}
            }
        }
        drop(listener);
        tracing::info!(
            connections = sessions.len(),
            seconds = shared.settings.drain.as_secs(),
            "shutting down; waiting for open connections"
        );
        let drained = async { while sessions.join_next().await.is_some() {} };
        tokio::select! {
            () = drained => {}
            () = tokio::time::sleep(shared.settings.drain) => {}
            () = signal() => {}
        }
    }
}

fn start(sessions: &mut JoinSet<()>, shared: &Arc<Shared>, stream: TcpStream) {
    let within_limit = sessions.len() < shared.settings.max_connections;
    sessions.spawn(session::serve(Arc::clone(shared), stream, within_limit));
}

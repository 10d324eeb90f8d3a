//! Listens on loopback for clients that cannot present a token themselves, and takes every connection to a gateway with
//! the token as it is then. It refuses to listen elsewhere, to talk to a gateway without verified TLS, and to look at
//! what is said once the gateway has let the client in.
//! Next: `listener` meets the client, `upstream` logs in at the gateway.

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

pub use error::{ProxyError, TokenFault};
pub use token::TokenSource;

/// What a proxy is told.
#[derive(Debug, Clone)]
pub struct ProxySettings {
    /// A loopback address; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Hosts and ports of the gateway, tried in order.
    pub gateway: Vec<(String, u16)>,
    /// One of the two modes that verify the gateway's certificate.
    pub tls: ClientTls,
    pub tokens: TokenSource,
    /// Connections at one time; those beyond it are turned away.
    pub max_connections: usize,
    /// From the first packet to the gateway to its readiness, for each address.
    pub connect_timeout: Duration,
    /// How long connections may go on after the proxy was told to stop.
    pub drain: Duration,
}

impl ProxySettings {
    /// Settings with defaults for all that can have one.
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

/// A proxy that has its port and serves it once it is run.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    listener: TcpListener,
    shared: Arc<Shared>,
}

/// What all connections use.
#[derive(Debug)]
struct Shared {
    settings: ProxySettings,
    handshake: HandshakeSettings,
    registry: CancelRegistry<session::Cancellable>,
}

impl Proxy {
    /// Takes the port.
    ///
    /// # Errors
    /// The address is not loopback or taken, or the gateway's certificate would not be verified.
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

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the first `signal`; then no new clients are taken, and those connected may go on until they leave,
    /// the time for it is over, or the second `signal`.
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
                        // Out of descriptors, most likely: a pause lets connections end.
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
            "stopping; open connections may go on for a while"
        );
        let rest = async { while sessions.join_next().await.is_some() {} };
        tokio::select! {
            () = rest => {}
            () = tokio::time::sleep(shared.settings.drain) => {}
            () = signal() => {}
        }
    }
}

fn start(sessions: &mut JoinSet<()>, shared: &Arc<Shared>, stream: TcpStream) {
    let room = sessions.len() < shared.settings.max_connections;
    sessions.spawn(session::serve(Arc::clone(shared), stream, room));
}

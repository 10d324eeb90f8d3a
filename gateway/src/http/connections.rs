//! Connections of a port: few at a time, and none that keeps its place without a request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::attended::Attended;

/// From the connection, or from the previous answer, to the end of the next request's headers. Also the time for a TLS
/// handshake.
const HEADERS: Duration = Duration::from_secs(5);

/// How long a client may take none of what is sent to it.
const STALL: Duration = Duration::from_secs(30);

/// A pause after a connection could not be accepted, usually for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The address of whoever is connected, as handlers get it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What a port takes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections that are served at one time; others wait to be accepted.
    pub connections: usize,
    /// A connection is closed after this time, whatever it does.
    pub lifetime: Duration,
}

/// The certificate of a port. It can be replaced while the port is open.
pub type Tls = Arc<ArcSwap<ServerConfig>>;

/// Accepts and serves connections. Never completes.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    tls: Option<Tls>,
    limits: Limits,
    port: &'static str,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) => {
                let routes = routes.clone().layer(Extension(Peer(peer)));
                let tls = tls.as_ref().map(|tls| tls.load_full());
                tokio::spawn(async move {
                    let _place = place;
                    let served = timeout(limits.lifetime, connection(stream, routes, tls)).await;
                    if let Ok(Err(error)) = served {
                        tracing::debug!(port, error, "an HTTP connection failed");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(port, %error, "an HTTP connection could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(
    stream: TcpStream,
    routes: Router,
    tls: Option<Arc<ServerConfig>>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = Attended::new(stream, STALL);
    let Some(tls) = tls else {
        return Ok(exchange(stream, routes).await?);
    };
    let accepted = timeout(HEADERS, TlsAcceptor::from(tls).accept(stream)).await??;
    Ok(exchange(accepted, routes).await?)
}

async fn exchange<S>(stream: S, routes: Router) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .await
}

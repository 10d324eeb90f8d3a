//! The HTTP server of the admin port, on a thread of its own: metrics and health must answer when the rest of the gateway
//! is busy.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use thiserror::Error;
use tokio::runtime;
use tokio::sync::oneshot;

use super::hosts::Hosts;
use super::{Metrics, connections, hosts};

/// Says whether the gateway can serve statements now, or why it cannot, one line per reason. Must not block.
pub type Readiness = Arc<dyn Fn() -> Result<(), Vec<String>> + Send + Sync>;

/// The admin port cannot be served.
#[derive(Debug, Error)]
pub enum AdminError {
    #[error(
        "the admin address {address} cannot be bound: {source}; choose another with [admin] address or --admin"
    )]
    Bind {
        address: SocketAddr,
        source: std::io::Error,
    },
    #[error("the thread of the admin port could not be started: {0}")]
    Thread(std::io::Error),
}

/// The server; dropping it closes the port.
pub struct AdminServer {
    address: SocketAddr,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Shared {
    metrics: Metrics,
    readiness: Readiness,
}

impl AdminServer {
    /// Binds the admin port and serves it. `hosts`: names by which it may be addressed, besides localhost and IP addresses.
    ///
    /// # Errors
    /// The address cannot be bound, or the operating system gives no thread.
    pub fn start(
        address: SocketAddr,
        hosts: &[String],
        metrics: Metrics,
        readiness: Readiness,
    ) -> Result<Self, AdminError> {
        let bind = |source| AdminError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(bind)?;
        listener.set_nonblocking(true).map_err(bind)?;
        let bound = listener.local_addr().map_err(bind)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(AdminError::Thread)?;
        let routes = Router::new()
            .route("/metrics", get(render))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .with_state(Shared { metrics, readiness })
            .layer(from_fn_with_state(Hosts::new(hosts), hosts::check));
        let (stop, stopped) = oneshot::channel();
        let thread = Builder::new()
            .name("admin".to_owned())
            .spawn(move || runtime.block_on(serve(listener, routes, stopped)))
            .map_err(AdminError::Thread)?;
        Ok(AdminServer {
            address: bound,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for AdminServer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the admin port panicked");
        }
    }
}

/// Serves until `stopped` completes. Requests in progress are cut off: a client that reads slowly must not keep the
/// gateway from stopping.
async fn serve(listener: TcpListener, routes: Router, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the admin port failed");
            return;
        }
    };
    tokio::select! {
        () = connections::serve(listener, routes) => {}
        _ = stopped => {}
    }
}

async fn render(State(shared): State<Shared>) -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        shared.metrics.render(),
    )
}

async fn ready(State(shared): State<Shared>) -> impl IntoResponse {
    match (shared.readiness)() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reasons) => (
            StatusCode::SERVICE_UNAVAILABLE,
            reasons.into_iter().map(|reason| reason + "\n").collect(),
        ),
    }
}

//! The admin port: metrics and health.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use thiserror::Error;

use super::Metrics;
use crate::http::{Hosts, HttpServer, HttpServerError, Limits, Port, check_host};

/// Scrapers and health checks take milliseconds.
const LIMITS: Limits = Limits {
    connections: 64,
    lifetime: Duration::from_secs(120),
};

/// Says whether the gateway can serve statements now, or why it cannot, one line per reason. Must not block.
pub type Readiness = Arc<dyn Fn() -> Result<(), Vec<String>> + Send + Sync>;

/// The admin port cannot be served.
#[derive(Debug, Error)]
#[error("the admin address {address}: {source}; choose another with [admin] address or --admin")]
pub struct AdminError {
    address: SocketAddr,
    source: HttpServerError,
}

/// The server; dropping it closes the port.
pub struct AdminServer(HttpServer);

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
        let routes = Router::new()
            .route("/metrics", get(render))
            .route("/healthz", get(|| async { "ok\n" }))
            .route("/readyz", get(ready))
            .with_state(Shared { metrics, readiness })
            .layer(from_fn_with_state(Hosts::new(hosts), check_host));
        let server = HttpServer::start(Port {
            name: "admin",
            address,
            tls: None,
            limits: LIMITS,
            routes,
        });
        let failed = |source| AdminError { address, source };
        server.map(AdminServer).map_err(failed)
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
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

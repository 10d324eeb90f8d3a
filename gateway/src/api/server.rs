//! The port of the API.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::grants::routes as grants;
use super::problem::Problem;
use super::sessions::routes as sessions;
use super::{DESCRIPTION, events, routes};
use crate::access::AccessGrants;
use crate::approvals::Approvals;
use crate::http::{Hosts, HttpServer, HttpServerError, Limits, Port, Tls, check_host};
use crate::identity::Verifier;
use crate::library::Library;

/// Streams of events live long; their readers come back with the last id that they saw.
const LIMITS: Limits = Limits {
    connections: 256,
    lifetime: Duration::from_secs(3600),
};

/// Streams of events at one time.
const READERS: usize = 128;

/// The longest body, in bytes.
const LONGEST_BODY: usize = 64 << 10;

/// The time for one request, but for streams.
const REQUEST: Duration = Duration::from_secs(20);

/// The verifier with the issuers in force.
pub type VerifierNow = Arc<dyn Fn() -> Arc<Verifier> + Send + Sync>;

/// Where the API is served.
#[derive(Clone)]
pub struct ApiSettings {
    pub address: SocketAddr,
    /// Names by which it may be addressed, besides localhost and IP addresses.
    pub hosts: Vec<String>,
    pub tls: Option<Tls>,
}

/// The API's port cannot be served.
#[derive(Debug, Error)]
#[error("the API's address {address}: {source}; choose another with [api] address")]
pub struct ApiError {
    address: SocketAddr,
    source: HttpServerError,
}

/// The server; dropping it closes the port.
pub struct ApiServer(HttpServer);

#[derive(Clone)]
pub(super) struct Shared {
    pub approvals: Approvals,
    pub grants: AccessGrants,
    /// `None`: sessions are not recorded.
    pub library: Option<Library>,
    pub verifier: VerifierNow,
    pub readers: Arc<Semaphore>,
}

impl ApiServer {
    /// Binds the port and serves the API.
    ///
    /// # Errors
    /// The address cannot be bound, or the operating system gives no thread.
    pub fn start(
        settings: ApiSettings,
        approvals: Approvals,
        grants: AccessGrants,
        library: Option<Library>,
        verifier: VerifierNow,
    ) -> Result<Self, ApiError> {
        let ApiSettings {
            address,
            hosts,
            tls,
        } = settings;
        let shared = Shared {
            approvals,
            grants,
            library,
            verifier,
            readers: Arc::new(Semaphore::new(READERS)),
        };
        let routes = Router::new()
            .route("/v1/openapi.json", get(describe))
            .route("/v1/requests", get(routes::list))
            .route("/v1/requests/events", get(events::of_requests))
            .route("/v1/requests/{id}", get(routes::show))
            .route("/v1/requests/{id}/{verdict}", post(routes::decide))
            .route("/v1/grants", get(grants::list).post(grants::ask))
            .route("/v1/grants/events", get(events::of_grants))
            .route("/v1/grants/{id}", get(grants::show))
            .route("/v1/grants/{id}/{verdict}", post(grants::decide))
            .route("/v1/sessions", get(sessions::list))
            .route("/v1/sessions/search", get(sessions::search))
            .route("/v1/sessions/{id}", get(sessions::show))
            .route("/v1/sessions/{id}/statements", get(sessions::statements))
            .route("/v1/sessions/{id}/statements/{number}", get(sessions::one))
            .fallback(|| async { routes::not_found() })
            .method_not_allowed_fallback(|| async { routes::no_such_method() })
            .layer(DefaultBodyLimit::max(LONGEST_BODY))
            .with_state(shared)
            .layer(from_fn(protect))
            .layer(from_fn_with_state(Hosts::new(&hosts), check_host));
        let server = HttpServer::start(Port {
            name: "api",
            address,
            tls,
            limits: LIMITS,
            routes,
        });
        let failed = |source| ApiError { address, source };
        server.map(ApiServer).map_err(failed)
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }
}

async fn describe() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], DESCRIPTION)
}

/// Bounds the time until an answer begins, and keeps answers out of caches: they show statements and values.
async fn protect(request: Request, next: Next) -> Response {
    let answered = timeout(REQUEST, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| {
        let text = "the request was not answered in time";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "timeout", text).into_response()
    });
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

//! Connections of the admin port: few at a time, and none that keeps its place without a request.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Connections that are served at one time; others wait to be accepted.
const MOST: usize = 64;

/// From the connection, or from the previous answer, to the end of the next request's headers.
const HEADERS: Duration = Duration::from_secs(5);

/// A connection is closed after this time, whatever it does: scrapers and health checks take milliseconds.
const CONNECTION: Duration = Duration::from_secs(120);

/// A pause after a connection could not be accepted, usually for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts and serves connections. Never completes.
pub(super) async fn serve(listener: TcpListener, routes: Router) {
    let places = Arc::new(Semaphore::new(MOST));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                let routes = routes.clone();
                tokio::spawn(async move {
                    let _place = place;
                    connection(stream, routes).await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection to the admin port could not be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, routes: Router) {
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    if let Ok(Err(error)) = timeout(CONNECTION, served).await {
        tracing::debug!(%error, "a connection to the admin port failed");
    }
}

//! A server on a thread of its own: it answers when the rest of the gateway is busy.

use std::net::{SocketAddr, TcpListener};
use std::thread::{Builder, JoinHandle};

use axum::Router;
use thiserror::Error;
use tokio::runtime;
use tokio::sync::oneshot;

use super::connections::{self, Limits, Tls};

/// A port cannot be served.
#[derive(Debug, Error)]
pub enum HttpServerError {
    #[error("it cannot be bound: {0}")]
    Bind(std::io::Error),
    #[error("its thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// What is served where.
pub struct Port {
    /// For the log, and the name of the thread.
    pub name: &'static str,
    pub address: SocketAddr,
    pub tls: Option<Tls>,
    pub limits: Limits,
    pub routes: Router,
}

/// The server; dropping it closes the port.
pub struct HttpServer {
    name: &'static str,
    address: SocketAddr,
    /// Dropped to stop the server.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Binds the port and serves it.
    ///
    /// # Errors
    /// The address cannot be bound, or the operating system gives no thread.
    pub fn start(port: Port) -> Result<Self, HttpServerError> {
        let listener = TcpListener::bind(port.address).map_err(HttpServerError::Bind)?;
        listener
            .set_nonblocking(true)
            .map_err(HttpServerError::Bind)?;
        let address = listener.local_addr().map_err(HttpServerError::Bind)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(HttpServerError::Thread)?;
        let name = port.name;
        let (stop, stopped) = oneshot::channel();
        let thread = Builder::new()
            .name(name.to_owned())
            .spawn(move || runtime.block_on(serve(listener, port, stopped)))
            .map_err(HttpServerError::Thread)?;
        Ok(HttpServer {
            name,
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!(port = self.name, "the thread of an HTTP port panicked");
        }
    }
}

/// Serves until `stopped` completes. Requests in progress are cut off: a client that reads slowly must not keep the
/// gateway from stopping.
async fn serve(listener: TcpListener, port: Port, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(port = port.name, %error, "an HTTP port failed");
            return;
        }
    };
    tokio::select! {
        () = connections::serve(listener, port.routes, port.tls, port.limits, port.name) => {}
        _ = stopped => {}
    }
}

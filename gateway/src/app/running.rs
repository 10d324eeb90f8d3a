//! Accepting connections until the gateway is told to stop, and stopping in order.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::connections::Connections;
use super::workers::Workers;
use crate::pool::Pools;
use crate::relay::Ending;

/// The gateway could not start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error(
        "the address {address} cannot be bound: {source}; choose another with [listen] address or --listen"
    )]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error("the session threads could not be started: {0}")]
    Threads(io::Error),
}

/// How sessions are run.
#[derive(Debug, Clone)]
pub struct RunSettings {
    pub listen: SocketAddr,
    /// Session threads.
    pub threads: usize,
    /// How long open transactions may take to finish once the gateway stops.
    pub drain: Duration,
}

impl RunSettings {
    /// One session thread per core.
    pub fn new(listen: SocketAddr) -> Self {
        RunSettings {
            listen,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            drain: Duration::from_secs(10),
        }
    }
}

/// A gateway that accepts connections.
pub struct Running {
    pub address: SocketAddr,
    settings: RunSettings,
    listener: TcpListener,
    workers: Workers,
    shutdown: watch::Sender<Option<Ending>>,
    pools: Arc<Pools>,
}

impl Running {
    /// Binds the address and starts the session threads. Connections are accepted once [`Running::run`] is awaited.
    ///
    /// # Errors
    /// The address cannot be bound, or a thread cannot be started.
    pub(super) async fn start(
        settings: RunSettings,
        connections: Arc<Connections>,
        shutdown: watch::Sender<Option<Ending>>,
    ) -> Result<Self, StartError> {
        let listen = |source| StartError::Listen {
            address: settings.listen,
            source,
        };
        let listener = TcpListener::bind(settings.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let workers =
            Workers::start(settings.threads, &connections).map_err(StartError::Threads)?;
        Ok(Running {
            address,
            settings,
            listener,
            workers,
            shutdown,
            pools: Arc::clone(&connections.pools),
        })
    }

    /// Accepts connections until `stop` completes, then lets the sessions finish.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let Running {
            listener,
            workers,
            shutdown,
            settings,
            pools,
            ..
        } = self;
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = &mut stop => break,
                accepted = listener.accept() => match accepted.and_then(|(stream, _)| stream.into_std()) {
                    Ok(stream) => workers.hand_over(stream),
                    Err(error) => {
                        // Most likely out of file descriptors: a pause lets sessions end.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                },
            }
        }
        drop(listener);
        tracing::info!(
            seconds = settings.drain.as_secs(),
            "stopping; open transactions may finish"
        );
        shutdown.send_replace(Some(Ending::Drain));
        tokio::spawn(async move { pools.retire().await });
        let finished = tokio::task::spawn_blocking(move || workers.finish());
        if tokio::time::timeout(settings.drain, finished)
            .await
            .is_err()
        {
            tracing::warn!("some sessions did not finish in time and are terminated");
            // Their threads cannot be joined.
            std::process::exit(0);
        }
    }
}

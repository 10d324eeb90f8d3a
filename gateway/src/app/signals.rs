//! Signals of the operating system.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from this call on. The future completes at SIGTERM or SIGINT.
pub fn stop_signal() -> impl Future<Output = ()> {
    let mut terminate = listen(SignalKind::terminate());
    let mut interrupt = listen(SignalKind::interrupt());
    async move {
        tokio::select! {
            () = next(&mut terminate) => {}
            () = next(&mut interrupt) => {}
        }
    }
}

/// SIGHUPs, one after the other.
pub struct Hangups(Option<Signal>);

impl Hangups {
    /// Listens from this call on.
    pub fn listen() -> Self {
        Hangups(listen(SignalKind::hangup()))
    }

    /// Completes at the next SIGHUP.
    pub async fn next(&mut self) {
        next(&mut self.0).await;
    }
}

fn listen(kind: SignalKind) -> Option<Signal> {
    match signal(kind) {
        Ok(signal) => Some(signal),
        Err(error) => {
            tracing::error!(%error, ?kind, "a signal handler could not be installed");
            None
        }
    }
}

/// A signal without a handler never comes.
async fn next(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

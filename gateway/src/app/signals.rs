//! Signals of the operating system.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Completes at SIGTERM or SIGINT.
pub async fn stop_signal() {
    let mut terminate = listen(SignalKind::terminate());
    let mut interrupt = listen(SignalKind::interrupt());
    tokio::select! {
        () = next(&mut terminate) => {}
        () = next(&mut interrupt) => {}
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

//! Where streams go. Each takes a few events and says whether they were received.

mod file;
mod otlp;
mod syslog;

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Deserialize;
use thiserror::Error;

use super::ocsf::Severity;
use super::service::StreamError;
use super::settings::{Destination, StreamSettings};
use otlp::Otlp;
use syslog::Syslog;

/// Events were not received.
#[derive(Debug, Error)]
pub(super) enum SinkError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("{0}")]
    Request(String),
    #[error("the receiver answered with status {0}")]
    Status(u16),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("it did not answer in time")]
    Late,
    #[error("an event is no event")]
    NoEvent,
}

/// Where one stream goes.
pub(super) enum Sink {
    File(PathBuf),
    Stdout,
    Syslog(Syslog),
    Otlp(Box<Otlp>),
}

/// What is read of an event that is sent with a head.
#[derive(Debug, Clone, Copy, Deserialize)]
struct Head {
    /// In milliseconds since 1970.
    time: u64,
    severity_id: Severity,
}

impl Head {
    fn of(event: &str) -> Result<Self, SinkError> {
        serde_json::from_str(event).map_err(|_| SinkError::NoEvent)
    }
}

impl Sink {
    pub fn new(stream: &StreamSettings) -> Result<Self, StreamError> {
        let unusable = |why: String| StreamError::Sink {
            name: stream.name.clone(),
            why,
        };
        Ok(match &stream.to {
            Destination::File(path) => Sink::File(path.clone()),
            Destination::Stdout => Sink::Stdout,
            Destination::Syslog(target) => {
                Sink::Syslog(Syslog::new(target).map_err(|error| unusable(error.to_string()))?)
            }
            Destination::Otlp(target) => {
                let otlp = Otlp::new(target).map_err(|error| unusable(error.to_string()))?;
                Sink::Otlp(Box::new(otlp))
            }
        })
    }

    /// Sends events. When this returns, they were received, as far as the protocol says so.
    pub async fn send(&mut self, events: &[&str]) -> Result<(), SinkError> {
        match self {
            Sink::File(path) => {
                let (path, lines) = (path.clone(), lines(events));
                blocking(move || file::append(&path, &lines)).await
            }
            Sink::Stdout => {
                let lines = lines(events);
                blocking(move || {
                    let mut out = io::stdout().lock();
                    out.write_all(&lines)?;
                    out.flush()
                })
                .await
            }
            Sink::Syslog(syslog) => syslog.send(events).await,
            Sink::Otlp(otlp) => otlp.send(events).await,
        }
    }
}

fn lines(events: &[&str]) -> Vec<u8> {
    let mut lines = events.join("\n").into_bytes();
    lines.push(b'\n');
    lines
}

/// Others are delivered meanwhile.
async fn blocking(
    write: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), SinkError> {
    let written = tokio::task::spawn_blocking(write).await;
    Ok(written.map_err(io::Error::other)??)
}

//! Delivers the events of one stream, in their order, and again until they are received.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::sync::watch;
use tokio::time::sleep;

use super::service::StreamMetrics;
use super::sinks::{Sink, SinkError};
use super::spool::{Position, Spool};
use super::writer::Progress;

/// About so many bytes of events are delivered at once.
const BATCH: u64 = 256 << 10;

/// The pauses between attempts are doubled from the shortest to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Events were not delivered.
#[derive(Debug, Error)]
enum NotDelivered {
    #[error("the events cannot be read: {0}")]
    Spool(#[from] io::Error),
    #[error(transparent)]
    Sink(#[from] SinkError),
}

/// One stream.
pub(super) struct Delivery {
    pub name: String,
    pub sink: Sink,
    pub spool: Arc<Mutex<Spool>>,
    pub position: Position,
    /// Where all streams are, by their order in the configuration.
    pub positions: Arc<Mutex<Vec<Position>>>,
    pub index: usize,
    pub metrics: Arc<dyn StreamMetrics>,
}

impl Delivery {
    /// Until everything is delivered that there will be.
    pub async fn run(mut self, mut progress: watch::Receiver<Progress>) {
        let mut pause = SHORTEST_PAUSE;
        let mut fails = false;
        loop {
            let known = *progress.borrow_and_update();
            match self.deliver().await {
                Ok(0) if known == Progress::Complete => return,
                Ok(0) => {
                    if progress.changed().await.is_err() {
                        return;
                    }
                }
                Ok(_) => {
                    pause = SHORTEST_PAUSE;
                    if std::mem::take(&mut fails) {
                        tracing::info!(stream = self.name, "the stream is delivered again");
                    }
                }
                Err(error) => {
                    self.metrics.failed(&self.name);
                    if !std::mem::replace(&mut fails, true) {
                        tracing::error!(stream = self.name, %error, "events could not be delivered; they are kept and sent again");
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Delivers some events. Returns how many.
    async fn deliver(&mut self) -> Result<u64, NotDelivered> {
        let (lines, behind) = {
            let spool = self.spool();
            self.metrics
                .pending(&self.name, spool.behind(self.position));
            spool.read(self.position, BATCH)?
        };
        let lines = String::from_utf8_lossy(&lines);
        let events: Vec<&str> = lines.lines().collect();
        if events.is_empty() {
            self.position = behind;
            return Ok(0);
        }
        self.sink.send(&events).await?;
        let count = events.len() as u64;
        self.position = behind;
        self.metrics.delivered(&self.name, count);
        self.note_position()?;
        Ok(count)
    }

    fn note_position(&self) -> io::Result<()> {
        let first = {
            let mut all = self
                .positions
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(own) = all.get_mut(self.index) {
                *own = self.position;
            }
            all.iter().min().copied().unwrap_or_default()
        };
        let mut spool = self.spool();
        self.metrics
            .pending(&self.name, spool.behind(self.position));
        spool.set_position(&self.name, self.position)?;
        spool.remove_before(first)
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

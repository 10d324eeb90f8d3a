//! Writes events to the disk, as lines.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use super::queue::{Queue, Queued};
use super::spool::{Position, Spool};
use super::{Texts, ocsf};

/// So much time passes between two rounds, so that one write to disk serves what comes meanwhile.
const PAUSE: Duration = Duration::from_millis(50);

/// What failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(1);

/// The streams are told how far the events go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// There may be more than before.
    Grows,
    /// Nothing will follow.
    Complete,
}

pub(super) struct Writer {
    pub spool: Arc<Mutex<Spool>>,
    /// Where all streams are.
    pub positions: Arc<Mutex<Vec<Position>>>,
    pub queue: Arc<Queue>,
    pub events: mpsc::UnboundedReceiver<Queued>,
    pub texts: Texts,
    pub limit: u64,
    pub progress: watch::Sender<Progress>,
    /// Lines that could not be written, and how many bytes they count for in memory.
    pub unwritten: (Vec<u8>, usize),
}

impl Writer {
    /// Until the sessions have ended, and everything is written.
    pub async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        while !*stopping.borrow_and_update() {
            let has_failed = !self.unwritten.0.is_empty();
            tokio::select! {
                Some(queued) = self.events.recv(), if !has_failed => {
                    self.render(queued);
                    sleep(PAUSE).await;
                }
                () = sleep(RETRY), if has_failed => {}
                changed = stopping.changed() => if changed.is_err() { break },
            }
            self.round();
        }
        self.round();
        if !self.unwritten.0.is_empty() {
            let lines = self.unwritten.0.iter().filter(|byte| **byte == b'\n');
            lines.for_each(|_| self.queue.lost());
        }
        let noted = self.spool().note_sequence(self.queue.next());
        if let Err(error) = noted {
            tracing::warn!(%error, "the number of the next event cannot be written; events that were lost may not show");
        }
        self.progress.send_replace(Progress::Complete);
    }

    /// Writes what has come.
    fn round(&mut self) {
        while let Ok(queued) = self.events.try_recv() {
            self.render(queued);
        }
        let (lines, bytes) = std::mem::take(&mut self.unwritten);
        if lines.is_empty() {
            return;
        }
        let appended = self.spool().append(&lines);
        match appended {
            Ok(()) => {
                self.queue.waiting.fetch_sub(bytes, Ordering::AcqRel);
                if self.queue.loses.swap(false, Ordering::AcqRel) {
                    tracing::info!("events of statements can be written again");
                }
                self.progress.send_replace(Progress::Grows);
            }
            Err(error) => {
                tracing::warn!(%error, "events of statements cannot be written for the streams");
                self.unwritten = (lines, bytes);
            }
        }
    }

    /// So many bytes of events are written and not delivered by every stream.
    fn waiting(&self) -> u64 {
        let first = {
            let all = self.positions.lock();
            let all = all.unwrap_or_else(PoisonError::into_inner);
            all.iter().min().copied().unwrap_or_default()
        };
        self.spool().behind(first)
    }

    fn spool(&self) -> MutexGuard<'_, Spool> {
        self.spool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn render(&mut self, queued: Queued) {
        if self.waiting() + self.unwritten.0.len() as u64 >= self.limit {
            self.queue.waiting.fetch_sub(queued.bytes, Ordering::AcqRel);
            self.queue.lost();
            return;
        }
        let event = ocsf::event(&queued.statement, Some(queued.sequence), self.texts);
        self.unwritten
            .0
            .extend_from_slice(event.to_string().as_bytes());
        self.unwritten.0.push(b'\n');
        self.unwritten.1 += queued.bytes;
    }
}

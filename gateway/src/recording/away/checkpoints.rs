//! Checkpoints of the log in a second place. Whoever rewrites the log on this machine cannot rewrite those, and they show it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gatewright_record::directory::Directory;
use gatewright_record::log::{Checkpoint, LogError, PublicKey, TreeSize};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::newest;
use crate::objects::{ObjectError, Objects, Put};
use crate::recording::{RecordMetrics, now};

/// What failed is tried again after this time, if the interval is not shorter.
const RETRY: Duration = Duration::from_secs(10);

/// How long the last checkpoint may take once the gateway stops.
const LAST: Duration = Duration::from_secs(5);

/// The end of a checkpoint's name.
const EXTENSION: &str = "checkpoint";

/// The newest checkpoint is not in its second place.
#[derive(Debug, Error)]
enum NotKept {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Place(#[from] ObjectError),
    #[error("the place already has a checkpoint with the name of this one")]
    Exists,
    #[error("the place did not answer in time")]
    Late,
}

/// Keeps them.
pub(in crate::recording) struct Checkpoints {
    directory: Directory,
    key: PublicKey,
    place: Objects,
    interval: Duration,
    metrics: Arc<dyn RecordMetrics>,
    /// The size of the log when one was kept last.
    kept: Option<TreeSize>,
    /// The last attempt failed, and the log says so.
    fails: bool,
}

impl Checkpoints {
    pub fn new(
        directory: Directory,
        key: PublicKey,
        place: Objects,
        interval: Duration,
        metrics: Arc<dyn RecordMetrics>,
    ) -> Self {
        Checkpoints {
            directory,
            key,
            place,
            interval,
            metrics,
            kept: None,
            fails: false,
        }
    }

    /// Until the record is complete, and its last checkpoint is kept.
    pub async fn run(mut self, mut complete: watch::Receiver<bool>) {
        while !*complete.borrow_and_update() {
            let kept = self.keep().await;
            let pause = match kept {
                Ok(()) => self.interval,
                Err(_) => self.interval.min(RETRY),
            };
            self.note(kept);
            tokio::select! {
                () = sleep(pause) => {}
                changed = complete.changed() => if changed.is_err() { break },
            }
        }
        let last = timeout(LAST, self.keep()).await;
        self.note(last.unwrap_or(Err(NotKept::Late)));
    }

    /// Puts the newest checkpoint there, unless it is there.
    async fn keep(&mut self) -> Result<(), NotKept> {
        let Some((note, checkpoint)) = newest(&self.directory, &self.key)? else {
            return Ok(());
        };
        if self.kept == Some(checkpoint.size()) {
            return Ok(());
        }
        let name = name(&checkpoint);
        match self.place.put_new(&name, Bytes::from(note)).await? {
            Put::New => {
                self.kept = Some(checkpoint.size());
                self.metrics.checkpoint(true);
                Ok(())
            }
            Put::Exists => Err(NotKept::Exists),
        }
    }

    fn note(&mut self, kept: Result<(), NotKept>) {
        match kept {
            Ok(()) => {
                if std::mem::take(&mut self.fails) {
                    tracing::info!("checkpoints of the record's log are kept again");
                }
            }
            Err(error) => {
                self.metrics.checkpoint(false);
                if !std::mem::replace(&mut self.fails, true) {
                    tracing::error!(%error, "the newest checkpoint of the record's log could not be put in its second place");
                }
            }
        }
    }
}

/// Of one log, the names sort by size. With the time in it, no two checkpoints have the same.
fn name(checkpoint: &Checkpoint) -> String {
    let (origin, size) = (checkpoint.origin(), checkpoint.size());
    format!("{origin}/{size:013}-{:017}.{EXTENSION}", now())
}

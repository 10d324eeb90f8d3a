//! The thread that puts into other places what must not be on this machine alone. It has an event loop of its own: what a network does must not
//! hold back what is written here.

mod checkpoints;
mod uploads;

use std::io;
use std::thread::JoinHandle;

use gatewright_record::directory::Directory;
use gatewright_record::log::{Checkpoint, LogError, PublicKey};
use tokio::runtime::Builder;
use tokio::sync::watch;

pub(super) use checkpoints::Checkpoints;
pub(super) use uploads::{Uploads, object_name};

/// The thread, until it is told that the record is complete.
pub(super) struct Away {
    complete: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Away {
    /// `None`: there is nothing to do.
    pub fn start(
        checkpoints: Option<Checkpoints>,
        uploads: Option<Uploads>,
    ) -> io::Result<Option<Self>> {
        if checkpoints.is_none() && uploads.is_none() {
            return Ok(None);
        }
        let (complete, is_complete) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let work = async move {
            let others = is_complete.clone();
            tokio::join!(
                async {
                    if let Some(checkpoints) = checkpoints {
                        checkpoints.run(is_complete).await;
                    }
                },
                async {
                    if let Some(uploads) = uploads {
                        uploads.run(others).await;
                    }
                }
            );
        };
        let thread = std::thread::Builder::new()
            .name("record away".to_owned())
            .spawn(move || runtime.block_on(work))?;
        Ok(Some(Away { complete, thread }))
    }

    /// Nothing more is recorded. Waits until that has been put away, but not for long.
    pub fn finish(self) {
        self.complete.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the thread that puts the record away has panicked");
        }
    }
}

/// The newest checkpoint of the log, as it is stored. `None`: nothing has been logged yet.
fn newest(
    directory: &Directory,
    key: &PublicKey,
) -> Result<Option<(Vec<u8>, Checkpoint)>, LogError> {
    let path = directory.checkpoint();
    match std::fs::read(&path) {
        Ok(note) => {
            let checkpoint = key.open(&note)?;
            Ok(Some((note, checkpoint)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(LogError::Io { path, source }),
    }
}

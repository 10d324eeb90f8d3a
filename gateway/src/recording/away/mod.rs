//! The thread that puts into other places what must not be on this machine alone. It has an event loop of its own: what a network does must not
//! hold back what is written here.

mod checkpoints;

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::Builder;
use tokio::sync::watch;

pub(super) use checkpoints::Checkpoints;

/// The thread, until it is told that the record is complete.
pub(super) struct Away {
    complete: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

impl Away {
    pub fn start(checkpoints: Checkpoints) -> io::Result<Self> {
        let (complete, is_complete) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("record away".to_owned())
            .spawn(move || runtime.block_on(checkpoints.run(is_complete)))?;
        Ok(Away { complete, thread })
    }

    /// Nothing more is recorded. Waits until that has been put away, but not for long.
    pub fn finish(self) {
        self.complete.send_replace(true);
        if self.thread.join().is_err() {
            tracing::error!("the thread that puts the record away has panicked");
        }
    }
}

//! The thread that reloads the directory when it changes.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};

use super::chain::Chain;
use super::{DirectoryError, DirectorySettings};

/// The directory is scanned after no event has arrived for this long.
const QUIET: Duration = Duration::from_millis(60);
/// While events keep arriving, the directory is scanned after this long.
const MAX_SETTLE: Duration = Duration::from_millis(400);
/// Some file systems report no events, and a link's target can change elsewhere.
const POLL: Duration = Duration::from_secs(2);

pub(super) enum Signal {
    Changed,
    Settings(Box<DirectorySettings>, Sender<Result<(), DirectoryError>>),
    Stop,
}

/// Wakes the loader thread on changes in the directory.
pub(super) struct Watcher {
    watcher: RecommendedWatcher,
    path: PathBuf,
}

impl Watcher {
    pub(super) fn start(path: &Path, signals: Sender<Signal>) -> Result<Watcher, DirectoryError> {
        let failed = |error: notify::Error| DirectoryError::Watch {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        let mut watcher =
            notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
                // Loading reads the files, so access events would trigger another load.
                if !event.is_ok_and(|event| event.kind.is_access() && !closed_after_writing(&event))
                {
                    // Without a receiver, the directory is being dropped.
                    let _ = signals.send(Signal::Changed);
                }
            })
            .map_err(failed)?;
        watcher
            .watch(path, RecursiveMode::NonRecursive)
            .map_err(failed)?;
        Ok(Watcher {
            watcher,
            path: path.to_owned(),
        })
    }

    /// Restarts the watch, since the path may now point to a different directory.
    fn renew(&mut self, path: &Path) {
        // Fails if the old directory was replaced, which is the usual reason for this call.
        let _ = self.watcher.unwatch(&self.path);
        path.clone_into(&mut self.path);
        if let Err(error) = self.watcher.watch(path, RecursiveMode::NonRecursive) {
            tracing::warn!(path = %path.display(), %error, "policy directory cannot be watched; polling it every {} s", POLL.as_secs());
        }
    }
}

fn closed_after_writing(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind};
    event.kind == EventKind::Access(AccessKind::Close(AccessMode::Write))
}

/// Loads policies and swaps the set, on its own thread, until told to stop.
pub(super) fn run(
    mut chain: Chain,
    mut watcher: Watcher,
    inbox: Receiver<Signal>,
) -> Result<JoinHandle<()>, DirectoryError> {
    let path = chain.path().to_owned();
    thread::Builder::new()
        .name("policy-directory".into())
        .spawn(move || {
            while let Some(settings) = next(&inbox) {
                if let Some((settings, reply)) = settings {
                    let moved = settings.path != chain.path();
                    if moved {
                        watcher.renew(&settings.path);
                    }
                    // The requester may no longer be waiting.
                    let _ = reply.send(chain.replace_settings(*settings));
                } else {
                    if chain.folder_replaced() {
                        watcher.renew(chain.path());
                    }
                    // Failures were already reported to the observer.
                    let _ = chain.refresh();
                }
            }
        })
        .map_err(|error| DirectoryError::Watch {
            path,
            reason: error.to_string(),
        })
}

type Request = (Box<DirectorySettings>, Sender<Result<(), DirectoryError>>);

/// The next step: apply new settings, or scan the directory. `None` means stop.
fn next(inbox: &Receiver<Signal>) -> Option<Option<Request>> {
    match inbox.recv_timeout(POLL) {
        Ok(Signal::Settings(settings, reply)) => return Some(Some((settings, reply))),
        Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
        Err(RecvTimeoutError::Timeout) => return Some(None),
        Ok(Signal::Changed) => {}
    }
    let until = Instant::now() + MAX_SETTLE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match inbox.recv_timeout(QUIET.min(left)) {
            Ok(Signal::Changed) if !left.is_zero() => {}
            Ok(Signal::Changed) | Err(RecvTimeoutError::Timeout) => return Some(None),
            Ok(Signal::Settings(settings, reply)) => return Some(Some((settings, reply))),
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

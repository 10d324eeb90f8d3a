//! Keeps the policies in force equal to the `*.wasm` files of a folder and their settings, while statements run.
//! It refuses to know what policies decide, and never touches the data path but to swap one `Arc` for another.
//! Next room: `set`, which is what is swapped.

mod chain;
mod scan;
mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use thiserror::Error;

use self::chain::Chain;
use self::watch::Signal;
use crate::host::PolicyHost;
use crate::set::PolicySet;
use crate::settings::PolicySettings;

/// Which folder, and how each of its policies is set up.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectorySettings {
    pub path: PathBuf,
    /// By policy name, which is the file's stem.
    pub policies: BTreeMap<String, PolicySettings>,
    /// For policies that `policies` does not name.
    pub default: PolicySettings,
    /// These are asked first, in this order; then the others by name.
    pub order: Vec<String>,
}

/// Why a folder cannot be served.
#[derive(Debug, Error)]
pub enum DirectoryError {
    #[error("the policy folder {} cannot be read: {error}", path.display())]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("the policy folder {} cannot be watched: {reason}", path.display())]
    Watch { path: PathBuf, reason: String },
    /// The rest of the new settings is in force; these policies go on with their old ones.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refused>),
    #[error("the thread that loads policies is gone")]
    Stopped,
}

/// A policy that did not take its new settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{policy}: {reason}")]
pub struct Refused {
    pub policy: String,
    pub reason: String,
}

/// A folder of policies under watch. Dropped, it is watched no more.
pub struct Directory {
    current: Arc<ArcSwap<PolicySet>>,
    signals: Sender<Signal>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Directory {
    /// Loads what is there before it returns; what fails to load is reported to the observer and, if required, is `missing`.
    pub fn open(
        host: Arc<PolicyHost>,
        settings: DirectorySettings,
    ) -> Result<Directory, DirectoryError> {
        readable(&settings.path)?;
        let (signals, inbox) = mpsc::channel();
        // Watching begins before the first look, so that nothing falls between them.
        let watcher = watch::Watcher::start(&settings.path, signals.clone())?;
        let mut chain = Chain::new(host, settings);
        // What fails has been reported to the observer.
        let _ = chain.refresh();
        let current = chain.published();
        let thread = watch::run(chain, watcher, inbox)?;
        Ok(Directory {
            current,
            signals,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The policies in force now. Cheap enough for every statement.
    pub fn current(&self) -> Arc<PolicySet> {
        self.current.load_full()
    }

    /// Puts new settings in force, restarting the policies whose own have changed. Blocks until that is done.
    pub fn replace_settings(&self, settings: DirectorySettings) -> Result<(), DirectoryError> {
        readable(&settings.path)?;
        let (reply, answer) = mpsc::channel();
        self.signals
            .send(Signal::Settings(Box::new(settings), reply))
            .map_err(|_| DirectoryError::Stopped)?;
        answer.recv().map_err(|_| DirectoryError::Stopped)?
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Gone already, the thread needs no word.
        let _ = self.signals.send(Signal::Stop);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn readable(path: &Path) -> Result<(), DirectoryError> {
    std::fs::read_dir(path)
        .map(drop)
        .map_err(|error| DirectoryError::Unreadable {
            path: path.to_owned(),
            error,
        })
}

//! Keeps the policies in force in step with the `*.wasm` files of a directory and their settings, while statements run.
//! This module does not know what policies decide. It touches the data path only by swapping the `Arc` of the current
//! `set`.

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

/// The directory of policies, and the settings of each.
#[derive(Debug, Clone, PartialEq)]
pub struct DirectorySettings {
    pub path: PathBuf,
    /// By policy name, which is the file's stem.
    pub policies: BTreeMap<String, PolicySettings>,
    /// For policies not listed in `policies`.
    pub default: PolicySettings,
    /// Names evaluated first, in this order. The others follow by name.
    pub order: Vec<String>,
}

/// Why a directory cannot be served or its settings replaced.
#[derive(Debug, Error)]
pub enum DirectoryError {
    #[error("the policy directory {} cannot be read: {error}", path.display())]
    Unreadable {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("the policy directory {} cannot be watched: {reason}", path.display())]
    Watch { path: PathBuf, reason: String },
    /// The listed policies keep their old settings. All other new settings are in force.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Refused>),
    #[error("the policy loader thread has stopped")]
    Stopped,
}

/// A policy that could not be loaded with its new settings.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{policy}: {reason}")]
pub struct Refused {
    pub policy: String,
    pub reason: String,
}

/// A watched directory of policies. Dropping it stops the watch.
pub struct Directory {
    current: Arc<ArcSwap<PolicySet>>,
    signals: Sender<Signal>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Directory {
    /// Loads the existing policies before it returns. A policy that fails to load is reported to the observer and, if
    /// required, listed as `missing`.
    ///
    /// # Errors
    /// When the directory cannot be read or watched. A policy that fails to load is not an error.
    pub fn open(
        host: Arc<PolicyHost>,
        settings: DirectorySettings,
    ) -> Result<Directory, DirectoryError> {
        readable(&settings.path)?;
        let (signals, inbox) = mpsc::channel();
        // The watch starts before the first scan so that no change is missed.
        let watcher = watch::Watcher::start(&settings.path, signals.clone())?;
        let mut chain = Chain::new(host, settings);
        // Failures were already reported to the observer.
        let _ = chain.refresh();
        let current = chain.published();
        let thread = watch::run(chain, watcher, inbox)?;
        Ok(Directory {
            current,
            signals,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The policies in force. Cheap enough to call for every statement.
    pub fn current(&self) -> Arc<PolicySet> {
        self.current.load_full()
    }

    /// Puts new settings in force and restarts the policies whose settings changed. Blocks until done.
    ///
    /// # Errors
    /// When a policy rejects its new settings, or the loader thread has stopped.
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
        // Fails only if the thread has already stopped.
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

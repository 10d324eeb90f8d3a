//! The thread that keeps the index up with the record: it reads what is written, and neither sessions nor the thread that writes wait for
//! it. A crash, or a store that is out of reach, only delays it: it begins again with what the index does not have as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use gatewright_contract::SessionId;
use gatewright_record::deletion::Logged;
use gatewright_record::directory::Directory;
use gatewright_record::follow::{Follower, Reached, Wants};
use gatewright_record::log::{Log, PublicKey};
use tokio::runtime::{Builder, Runtime};

use super::error::LibraryError;
use super::gather::Gatherer;
use super::index::{Index, IndexSettings, Indexed, SessionEntry};
use crate::recording::RecordChanges;

/// So often it is looked for what is new.
const INTERVAL: Duration = Duration::from_millis(500);

/// What failed is tried again this often.
const RETRY: Duration = Duration::from_secs(2);

/// So many statements are written to the store at once, or those of so many events.
const BATCH: usize = 200;
const BATCH_EVENTS: usize = 10_000;

/// Shows how far the index is behind. Implemented by `admin`.
pub trait IndexMetrics: Send + Sync {
    /// So many sessions have something that is not in the index.
    fn behind(&self, sessions: u64);
    /// Something could not be indexed, and is tried again.
    fn failed(&self);
}

/// The thread. Dropping it ends it.
pub struct Indexer {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread works with.
struct Work {
    index: Index,
    settings: IndexSettings,
    directory: Directory,
    record: String,
    runtime: Runtime,
    /// Sessions that are being read.
    open: BTreeMap<SessionId, Reading>,
    /// What was read and is not written to the store yet.
    pending: Pending,
}

#[derive(Default)]
struct Pending {
    indexed: Vec<Indexed>,
    statements: usize,
    /// Sessions that are read as far as they go.
    read: BTreeSet<SessionId>,
}

struct Reading {
    follower: Follower,
    gatherer: Gatherer,
    /// Nothing of it is in the index yet that stays.
    is_new: bool,
}

impl Indexer {
    /// Starts the thread for the record in this directory.
    ///
    /// # Errors
    /// The operating system gives no thread, or the record has no name.
    pub fn start(
        index: Index,
        settings: IndexSettings,
        directory: Directory,
        changes: RecordChanges,
        metrics: Arc<dyn IndexMetrics>,
    ) -> io::Result<Self> {
        let mut work = Work::new(index, settings, directory)?;
        let (stop, stopped) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new().name("index".to_owned());
        let thread = thread.spawn(move || {
            let mut due = Due::default();
            loop {
                due.note(&changes);
                let outcome = work.pass(&mut due);
                metrics.behind(due.count());
                let pause = match outcome {
                    Ok(()) => INTERVAL,
                    Err(error) => {
                        tracing::warn!(%error, "the index of the record is behind; it is tried again");
                        metrics.failed();
                        RETRY
                    }
                };
                match stopped.recv_timeout(pause) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Indexer {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

#[cfg(test)]
impl Indexer {
    /// False once the thread has panicked.
    pub(super) fn thread_is_alive(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that indexes the record has panicked");
        }
    }
}

/// How much of a record is indexed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// What the index does not have as a whole.
    Rest,
    /// Everything anew.
    All,
}

/// Brings the index of a record up to date, once. Returns how many sessions were read.
///
/// # Errors
/// The record cannot be read, or the store failed.
pub fn build(
    index: Index,
    settings: IndexSettings,
    directory: Directory,
    build: Build,
) -> Result<u64, LibraryError> {
    let mut work = Work::new(index, settings, directory)?;
    let mut due = Due::default();
    work.find(&mut due, build)?;
    let count = due.written.len() as u64;
    work.pass(&mut due)?;
    Ok(count)
}

/// What is not in the index yet.
#[derive(Default)]
struct Due {
    written: BTreeSet<SessionId>,
    deleted: BTreeSet<SessionId>,
    /// What was there before was looked for.
    is_found: bool,
}

impl Due {
    fn note(&mut self, changes: &RecordChanges) {
        let mut changed = changes.take();
        self.written.append(&mut changed.written);
        self.deleted.append(&mut changed.deleted);
    }

    fn count(&self) -> u64 {
        self.written.len() as u64
    }
}

impl Work {
    fn new(index: Index, settings: IndexSettings, directory: Directory) -> io::Result<Self> {
        let record = name(&directory)?;
        Ok(Work {
            index,
            settings,
            directory,
            record,
            runtime: Builder::new_current_thread().enable_all().build()?,
            open: BTreeMap::new(),
            pending: Pending::default(),
        })
    }

    fn pass(&mut self, due: &mut Due) -> Result<(), LibraryError> {
        if !due.is_found {
            self.find(due, Build::Rest)?;
        }
        self.remove(due)?;
        let outcome = self.read_all(due);
        if outcome.is_err() {
            // What was read and is not in the store is read again, from the beginning of its session.
            let pending = std::mem::take(&mut self.pending);
            let lost = pending.indexed.iter();
            let lost = lost.filter_map(|indexed| indexed.session.id.parse().ok());
            lost.for_each(|session: SessionId| {
                self.open.remove(&session);
            });
        }
        outcome
    }

    fn read_all(&mut self, due: &mut Due) -> Result<(), LibraryError> {
        for session in due.written.clone() {
            self.session(session, due)?;
        }
        self.flush(due)
    }

    /// Writes what was read to the store.
    fn flush(&mut self, due: &mut Due) -> Result<(), LibraryError> {
        let indexed = self.pending.indexed.clone();
        self.runtime.block_on(self.index.write(indexed))?;
        let Pending { read, .. } = std::mem::take(&mut self.pending);
        due.written.retain(|session| !read.contains(session));
        Ok(())
    }

    /// Looks for what the index does not have as a whole, and for what it has and the record has not.
    fn find(&mut self, due: &mut Due, build: Build) -> Result<(), LibraryError> {
        let known = self.index.known(self.record.clone());
        let known: BTreeMap<_, _> = self.runtime.block_on(known)?.into_iter().collect();
        let there = self.directory.list()?;
        for session in there.keys() {
            let is_whole = known.get(&session.to_string()).copied().unwrap_or_default();
            if build == Build::All || !is_whole {
                due.written.insert(*session);
            }
        }
        let gone = known.keys().filter_map(|id| id.parse().ok());
        let gone: Vec<SessionId> = gone.filter(|id| !there.contains_key(id)).collect();
        if !gone.is_empty() {
            // What only the object store has is not deleted.
            let deleted = self.deleted()?;
            due.deleted
                .extend(gone.into_iter().filter(|id| deleted.contains(id)));
        }
        due.is_found = true;
        Ok(())
    }

    /// Sessions that the log says are deleted.
    fn deleted(&self) -> io::Result<BTreeSet<SessionId>> {
        let log = Log::open(self.directory.log(), &key(&self.directory)?);
        let entries = log.and_then(|log| log.entries());
        let entries = entries.map_err(io::Error::other)?;
        Ok(Logged::of(&entries).deleted().collect())
    }

    fn remove(&mut self, due: &mut Due) -> Result<(), LibraryError> {
        if due.deleted.is_empty() {
            return Ok(());
        }
        for session in &due.deleted {
            due.written.remove(session);
            self.open.remove(session);
        }
        let deleted: Vec<_> = due.deleted.iter().map(ToString::to_string).collect();
        for batch in deleted.chunks(BATCH) {
            self.runtime.block_on(self.index.remove(batch.to_vec()))?;
        }
        due.deleted.clear();
        Ok(())
    }

    /// Reads a session as far as it is written.
    fn session(&mut self, id: SessionId, due: &mut Due) -> Result<(), LibraryError> {
        if !self.directory.segment(id, 0).exists() {
            self.pending.read.insert(id);
            return Ok(());
        }
        let mut reading = self.open.remove(&id).unwrap_or_else(|| self.begin(id));
        loop {
            let gatherer = &mut reading.gatherer;
            let mut events = 0;
            let reached = reading.follower.read(&mut |place, event| {
                gatherer.take(place, event);
                events += 1;
                match gatherer.changed.len() >= BATCH || events >= BATCH_EVENTS {
                    true => Wants::Nothing,
                    false => Wants::More,
                }
            })?;
            self.pending.add(reading.news(reached == Reached::Over));
            match reached {
                Reached::Enough => self.flush(due)?,
                Reached::Over => break,
                Reached::End => {
                    self.open.insert(id, reading);
                    break;
                }
            }
        }
        self.pending.read.insert(id);
        match self.pending.is_full() {
            true => self.flush(due),
            false => Ok(()),
        }
    }

    fn begin(&self, id: SessionId) -> Reading {
        let entry = SessionEntry {
            id: id.to_string(),
            record: self.record.clone(),
            ..SessionEntry::default()
        };
        Reading {
            follower: Follower::new(self.directory.clone(), id)
                .reading_as(self.settings.identities.clone()),
            gatherer: Gatherer::new(entry, &self.settings),
            is_new: true,
        }
    }
}

impl Pending {
    fn add(&mut self, indexed: Indexed) {
        self.statements += indexed.statements.len();
        self.indexed.push(indexed);
    }

    fn is_full(&self) -> bool {
        self.statements >= BATCH || self.indexed.len() >= BATCH
    }
}

impl Reading {
    /// What was read since it was asked last.
    fn news(&mut self, is_whole: bool) -> Indexed {
        let gatherer = &mut self.gatherer;
        let damages = i64::try_from(self.follower.damages()).unwrap_or(i64::MAX);
        gatherer.session.damages = damages;
        let statements = std::mem::take(&mut gatherer.changed).into_values();
        Indexed {
            session: gatherer.session.clone(),
            statements: statements.collect(),
            viewings: std::mem::take(&mut gatherer.viewings),
            is_whole,
            from_the_beginning: std::mem::take(&mut self.is_new),
        }
    }
}

/// The name of the record: that of its log's key.
pub(super) fn name(directory: &Directory) -> io::Result<String> {
    Ok(key(directory)?.name().to_owned())
}

fn key(directory: &Directory) -> io::Result<PublicKey> {
    let key = fs::read_to_string(directory.log().join("key.pub"))?;
    PublicKey::from_text(&key).map_err(io::Error::other)
}

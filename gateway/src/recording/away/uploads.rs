//! Finished segments and the log on their way to an object store, in the order of the log: what its checkpoint there says is there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewright_contract::SessionId;
use gatewright_record::deletion::{self, Logged};
use gatewright_record::directory::{Directory, segment_name};
use gatewright_record::log::{Entry, Log, LogError, PublicKey, TreeSize};
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::newest;
use crate::objects::{ObjectError, Objects, Put};
use crate::recording::now;
use crate::recording::recorder::Core;

/// So often it is looked for something to upload.
const INTERVAL: Duration = Duration::from_secs(1);

/// What failed is tried again after this time.
const RETRY: Duration = Duration::from_secs(5);

/// So often it is looked for local copies that may go.
const REMOVAL: Duration = Duration::from_secs(60);

/// How long the last uploads may take once the gateway stops. The rest is uploaded after the next start.
const LAST: Duration = Duration::from_secs(10);

/// The file with the number of entries whose segments are in the store.
const POSITION: &str = "uploaded";

/// Something is not in the store.
#[derive(Debug, Error)]
pub(super) enum NotUploaded {
    #[error("{}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Store(#[from] ObjectError),
    #[error("the store has another object with the name {0}")]
    Differs(String),
    #[error("the store did not answer in time")]
    Late,
}

/// Uploads.
pub(in crate::recording) struct Uploads {
    pub core: Arc<Core>,
    pub directory: Directory,
    pub key: PublicKey,
    pub store: Objects,
    /// Which store it is.
    pub place: String,
    /// After this time, sessions are only in the store. `None`: as long as they are in the record.
    pub keep_local: Option<Duration>,
    /// So many entries of the log are in the store, with their segments.
    pub position: u64,
    /// The files of the log that are there. `None`: it has not been asked.
    pub known: Option<BTreeSet<String>>,
    /// The size of the log that is there. `None`: it has not been uploaded in this run.
    pub logged: Option<TreeSize>,
    /// The last attempt failed, and the log says so.
    pub fails: bool,
    pub last_removal: Option<Instant>,
}

impl Uploads {
    /// Where an earlier run has ended.
    ///
    /// # Errors
    /// That cannot be read.
    pub fn begin(mut self) -> io::Result<Self> {
        let text = match fs::read_to_string(self.directory.root().join(POSITION)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(self),
            Err(error) => return Err(error),
        };
        // Another store has to get everything that is still here.
        let number = text.strip_prefix(&format!("{}\n", self.place));
        self.position = number
            .and_then(|number| number.trim().parse().ok())
            .unwrap_or(0);
        Ok(self)
    }

    /// Until the record is complete, and is in the store.
    pub async fn run(mut self, mut complete: watch::Receiver<bool>) {
        while !*complete.borrow_and_update() {
            let uploaded = self.pass().await;
            let pause = match uploaded {
                Ok(()) => INTERVAL,
                Err(_) => RETRY,
            };
            self.note(uploaded);
            tokio::select! {
                () = sleep(pause) => {}
                changed = complete.changed() => if changed.is_err() { break },
            }
        }
        let last = timeout(LAST, self.pass()).await;
        self.note(last.unwrap_or(Err(NotUploaded::Late)));
    }

    async fn pass(&mut self) -> Result<(), NotUploaded> {
        let Some((note, checkpoint)) = newest(&self.directory, &self.key)? else {
            return Ok(());
        };
        let size = checkpoint.size();
        if self.logged != Some(size) {
            let log = Log::open(self.directory.log(), &self.key)?;
            // The checkpoint may be older than the log is now.
            let entries = log.entries_from(self.position)?;
            let new = usize::try_from(size.saturating_sub(self.position)).unwrap_or(usize::MAX);
            let entries = entries.get(..new).unwrap_or(&entries);
            self.upload(entries).await?;
            self.upload_log(note).await?;
            self.logged = Some(size);
        }
        let since = self.last_removal.map(|last| last.elapsed());
        let is_time = |keep: &Duration| since.is_none_or(|since| since >= REMOVAL.min(*keep));
        if let Some(keep) = self.keep_local.filter(is_time) {
            self.remove_local(keep)?;
            self.last_removal = Some(Instant::now());
        }
        Ok(())
    }

    async fn upload(&mut self, entries: &[Entry]) -> Result<(), NotUploaded> {
        let deleted = entries.iter().filter(|entry| entry.deleted.is_some());
        let deleted: BTreeSet<SessionId> = deleted.map(|entry| entry.session).collect();
        let mut waiting: u64 = entries.iter().map(weight).sum();
        self.core.set_backlog(waiting);
        for entry in entries {
            match entry.deleted {
                Some(_) => self.delete(entry).await?,
                None => self.upload_segment(entry, &deleted).await?,
            }
            waiting -= weight(entry);
            self.core.set_backlog(waiting);
            self.position += 1;
            self.note_position()?;
        }
        Ok(())
    }

    async fn upload_segment(
        &self,
        entry: &Entry,
        deleted: &BTreeSet<SessionId>,
    ) -> Result<(), NotUploaded> {
        let path = self.directory.segment(entry.session, entry.segment);
        let content = match fs::read(&path) {
            Ok(content) => Bytes::from(content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if !deleted.contains(&entry.session) {
                    self.core.metrics.uploaded(false);
                    tracing::error!(session = %entry.session, segment = entry.segment, "a segment that the log has is missing, and cannot be uploaded");
                }
                return Ok(());
            }
            Err(source) => return Err(NotUploaded::Read { path, source }),
        };
        let name = object_name(entry.session, entry.segment);
        self.put(&name, content).await?;
        self.core.metrics.uploaded(true);
        Ok(())
    }

    /// What was uploaded before a crash is there already.
    async fn put(&self, name: &str, content: Bytes) -> Result<(), NotUploaded> {
        match self.store.put_new(name, content.clone()).await? {
            Put::New => Ok(()),
            Put::Exists if self.store.get(name).await? == content => Ok(()),
            Put::Exists => Err(NotUploaded::Differs(name.to_owned())),
        }
    }

    /// The log says that the session is deleted.
    async fn delete(&self, tombstone: &Entry) -> Result<(), NotUploaded> {
        for segment in (0..=tombstone.segment).rev() {
            let name = object_name(tombstone.session, segment);
            self.store.delete(&name).await?;
        }
        Ok(())
    }

    /// The tiles and bundles first, then the checkpoint that says that they are there.
    async fn upload_log(&mut self, note: Vec<u8>) -> Result<(), NotUploaded> {
        let mut known = match self.known.take() {
            Some(known) => known,
            None => {
                let listed = self.store.list(LOG).await?;
                listed.into_iter().map(|object| object.name).collect()
            }
        };
        let uploaded = self.upload_tiles(&mut known).await;
        self.known = Some(known);
        uploaded?;
        self.store
            .replace(&format!("{LOG}/checkpoint"), Bytes::from(note))
            .await?;
        Ok(())
    }

    async fn upload_tiles(&self, known: &mut BTreeSet<String>) -> Result<(), NotUploaded> {
        let root = self.directory.root();
        for path in files(&root.join(LOG))? {
            let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) else {
                continue;
            };
            let is_new = !known.contains(name) && !name.ends_with(".new");
            if !is_new || path == self.directory.checkpoint() {
                continue;
            }
            match fs::read(&path) {
                Ok(content) => {
                    self.put(name, Bytes::from(content)).await?;
                    known.insert(name.to_owned());
                }
                // A wider one has taken its place.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(NotUploaded::Read { path, source }),
            }
        }
        Ok(())
    }

    /// Removes local copies of whole sessions that are in the store and ended long enough ago.
    fn remove_local(&self, keep: Duration) -> Result<(), NotUploaded> {
        let log = Log::open(self.directory.log(), &self.key)?;
        let entries = log.entries()?;
        let uploaded = usize::try_from(self.position).unwrap_or(usize::MAX);
        let logged = Logged::of(entries.get(..uploaded).unwrap_or(&entries));
        let stored = self
            .directory
            .list()
            .map_err(|source| self.unreadable(source))?;
        let before = now().saturating_sub(u64::try_from(keep.as_micros()).unwrap_or(u64::MAX));
        for last in logged.ended_before(before) {
            if let Some(segments) = stored.get(&last.session) {
                let removed = deletion::remove(&self.directory, segments);
                removed.map_err(|source| self.unreadable(source))?;
            }
        }
        Ok(())
    }

    fn note_position(&self) -> Result<(), NotUploaded> {
        let path = self.directory.root().join(POSITION);
        let new = path.with_extension("new");
        let text = format!("{}\n{}\n", self.place, self.position);
        let written = fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
        written.map_err(|source| NotUploaded::Read { path, source })
    }

    fn unreadable(&self, source: io::Error) -> NotUploaded {
        NotUploaded::Read {
            path: self.directory.root().to_owned(),
            source,
        }
    }

    fn note(&mut self, uploaded: Result<(), NotUploaded>) {
        match uploaded {
            Ok(()) => {
                if std::mem::take(&mut self.fails) {
                    tracing::info!("the record is uploaded again");
                }
            }
            Err(error) => {
                self.core.metrics.uploaded(false);
                if !std::mem::replace(&mut self.fails, true) {
                    tracing::error!(%error, "the record could not be uploaded; it stays here until it can");
                }
            }
        }
    }
}

/// The folder of the log.
const LOG: &str = "log";

/// What an entry counts for while it waits.
fn weight(entry: &Entry) -> u64 {
    match entry.deleted {
        Some(_) => 0,
        None => entry.length,
    }
}

/// The name of a segment in the store.
pub(in crate::recording) fn object_name(session: SessionId, segment: u32) -> String {
    format!("sessions/{}", segment_name(session, segment))
}

/// The files in a folder and in those in it.
fn files(folder: &Path) -> Result<Vec<PathBuf>, NotUploaded> {
    let unreadable = |source| NotUploaded::Read {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        match entry.file_type().map_err(unreadable)?.is_dir() {
            true => found.append(&mut files(&entry.path())?),
            false => found.push(entry.path()),
        }
    }
    Ok(found)
}

//! Before anything is recorded: one gateway for each directory, the key of the log, and an end for what a crash has left open.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gatewright_contract::{SessionId, StatementId};
use gatewright_record::directory::Directory;
use gatewright_record::journal::{self, Journal};
use gatewright_record::log::{LogError, LogWriter, SigningKey};
use gatewright_record::recovery::recover;
use gatewright_record::segment::Codec;
use thiserror::Error;

use super::away::{Checkpoints, Uploads};
use super::recorder::Core;
use super::retention::Deleter;
use super::segments::Place;
use super::writer::RecordWriter;
use super::{Durability, RecordSettings, now};
use crate::objects::{self, Objects, PlaceError};

/// The size of the journal in bytes. When it is full, the files of all sessions are written to disk.
const JOURNAL: u64 = 8 << 20;

/// The record cannot be used.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("the record in {} cannot be used: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("another gateway records in {}", .0.display())]
    InUse(PathBuf),
    #[error("the key of the record's log cannot be used ({}): {source}", path.display())]
    Key { path: PathBuf, source: io::Error },
    #[error("{} is no key of a log", .0.display())]
    NoKey(PathBuf),
    #[error("the log of the record cannot be used: {0}")]
    Log(#[from] LogError),
    #[error("the record cannot be put in {place}: {source}")]
    Elsewhere {
        place: String,
        source: Box<PlaceError>,
    },
    #[error("a thread of the record could not be started: {0}")]
    Thread(io::Error),
}

/// What is ready to begin.
pub(super) struct Prepared {
    pub writer: RecordWriter,
    /// `None`: nothing is ever deleted.
    pub deleter: Option<Deleter>,
    /// `None`: everything stays here.
    pub checkpoints: Option<Checkpoints>,
    /// `None`: nothing is uploaded.
    pub uploads: Option<Uploads>,
}

/// Prepares the directory.
pub(super) fn prepare(settings: RecordSettings, core: Arc<Core>) -> Result<Prepared, StartError> {
    let directory = Directory::new(&settings.directory);
    let unusable = |source| StartError::Directory {
        path: settings.directory.clone(),
        source,
    };
    directory.create().map_err(unusable)?;
    let lock = lock(&settings.directory)?;
    let key = key(&settings.key_file)?;
    let uploads = uploads(&settings, &directory, &key, &core)?;
    let deleter = Deleter {
        store: uploads.as_ref().map(|uploads| uploads.store.clone()),
        core: Arc::clone(&core),
        directory: directory.clone(),
        key: key.public(),
        retention: settings.retention.clone(),
    };
    let checkpoints = checkpoints(&settings, &directory, &key, &core)?;
    let mut log = LogWriter::open(directory.log(), key)?;
    let mut codec = Codec::new().map_err(unusable)?;
    let journal = journal(&directory, &log, settings.durability, unusable)?;
    end_lost(&directory, &mut log, &mut codec, unusable)?;
    let place = Place {
        directory,
        codec,
        max_segment: settings.max_segment,
        recipients: settings.recipients,
        journal,
        has_new_names: true,
        _lock: lock,
    };
    let writer = RecordWriter::new(core, place, log, settings.interval);
    let deletes = !deleter.retention.keeps_everything();
    Ok(Prepared {
        writer,
        deleter: deletes.then_some(deleter),
        checkpoints,
        uploads,
    })
}

fn checkpoints(
    settings: &RecordSettings,
    directory: &Directory,
    key: &SigningKey,
    core: &Core,
) -> Result<Option<Checkpoints>, StartError> {
    let Some(place) = &settings.checkpoints else {
        return Ok(None);
    };
    Ok(Some(Checkpoints::new(
        directory.clone(),
        key.public(),
        elsewhere(place)?,
        settings.checkpoint_interval,
        Arc::clone(&core.metrics),
    )))
}

fn uploads(
    settings: &RecordSettings,
    directory: &Directory,
    key: &SigningKey,
    core: &Arc<Core>,
) -> Result<Option<Uploads>, StartError> {
    let Some(place) = &settings.store else {
        return Ok(None);
    };
    let uploads = Uploads {
        core: Arc::clone(core),
        directory: directory.clone(),
        key: key.public(),
        store: elsewhere(place)?,
        place: place.to_string(),
        keep_local: settings.keep_local,
        position: 0,
        known: None,
        logged: None,
        fails: false,
        last_removal: None,
    };
    let begun = uploads.begin().map_err(|source| StartError::Directory {
        path: settings.directory.clone(),
        source,
    });
    begun.map(Some)
}

/// A place on other machines.
fn elsewhere(place: &objects::Place) -> Result<Objects, StartError> {
    place.create().map_err(|source| StartError::Elsewhere {
        place: place.to_string(),
        source: Box::new(source),
    })
}

/// Puts what is in the journal into the segments, and opens it where statements wait for the disk.
fn journal(
    directory: &Directory,
    log: &LogWriter,
    durability: Durability,
    unusable: impl Fn(io::Error) -> StartError,
) -> Result<Option<Journal>, StartError> {
    let entries = log.log().entries()?;
    let logged: BTreeSet<_> = entries
        .iter()
        .map(|entry| (entry.session, entry.segment))
        .collect();
    journal::restore(directory, |session, segment| {
        logged.contains(&(session, segment))
    })
    .map_err(&unusable)?;
    match durability {
        Durability::Statement => Journal::open(&directory.journal(), JOURNAL)
            .map(Some)
            .map_err(&unusable),
        Durability::Interval | Durability::None => match fs::remove_file(directory.journal()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(error)),
            Ok(()) | Err(_) => Ok(None),
        },
    }
}

/// Ends the sessions that have no end, and logs what is not logged.
fn end_lost(
    directory: &Directory,
    log: &mut LogWriter,
    codec: &mut Codec,
    unusable: impl Fn(io::Error) -> StartError,
) -> Result<(), StartError> {
    let mut logged: BTreeMap<SessionId, (BTreeSet<u32>, bool)> = BTreeMap::new();
    for entry in log.log().entries()? {
        let (segments, has_ended) = logged.entry(entry.session).or_default();
        segments.insert(entry.segment);
        *has_ended |= entry.is_last;
    }
    let mut entries = Vec::new();
    let mut lost = 0;
    for (session, segments) in directory.list().map_err(&unusable)? {
        let (known, has_ended) = logged.remove(&session).unwrap_or_default();
        if has_ended {
            continue;
        }
        lost += 1;
        let found = recover(directory, session, &segments, &known, now(), codec);
        entries.append(&mut found.map_err(&unusable)?);
    }
    if lost > 0 {
        tracing::warn!(
            sessions = lost,
            "the gateway had stopped without closing these sessions; their records have been closed"
        );
    }
    Ok(log.append(&entries)?)
}

/// The lock is held until the file is closed.
fn lock(directory: &Path) -> Result<File, StartError> {
    let path = directory.join("lock");
    let failed = |source| StartError::Directory {
        path: directory.to_owned(),
        source,
    };
    let file = File::create(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StartError::InUse(directory.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

/// Reads the key, or creates one.
fn key(path: &Path) -> Result<SigningKey, StartError> {
    let failed = |source| StartError::Key {
        path: path.to_owned(),
        source,
    };
    match fs::read_to_string(path) {
        Ok(text) => SigningKey::from_text(&text).map_err(|_| StartError::NoKey(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A name of its own, so that checkpoints of two logs are never taken for each other.
            let name = format!("gatewright-record-{:016x}", StatementId::generate().low64());
            let key = SigningKey::generate(&name)?;
            write_private(path, key.text().as_bytes()).map_err(failed)?;
            tracing::info!(file = %path.display(), "created a key for the log of the record");
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

//! Where a record is, and with what it is read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use gatewright_contract::SessionId;
use gatewright_record::directory::{Directory, Segments};
use gatewright_record::log::{Log, PublicKey};
use gatewright_record::sealed::Identities;
use gatewright_record::segment::Scan;
use gatewright_record::{Event, session};
use tempfile::TempDir;

use super::fetch::{self, Wanted};
use crate::app;
use crate::config;
use crate::library::{Build, Index, IndexSettings, build};
use crate::objects::Place;
use crate::recording::Keep;
use crate::store::{Store, StoreSettings};

/// Where the record is.
#[derive(Debug, Args)]
pub(in crate::cli) struct RecordPlace {
    /// The configuration file of the gateway
    #[arg(
        long,
        value_name = "FILE",
        default_value = "gatewright.toml",
        conflicts_with = "directory"
    )]
    config: PathBuf,
    /// The directory of the record, or the URL of the object store that it is in
    #[arg(long, value_name = "PLACE")]
    directory: Option<String>,
    /// Read the files, where the gateway has an index
    #[arg(long)]
    files: bool,
    /// A file with identities, as age-keygen writes it, for what is encrypted
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
}

impl RecordPlace {
    /// The index that the gateway of the configuration file keeps. `None`: there is none, or the files are to be read.
    pub fn index(&self) -> Result<Option<Index>> {
        if self.directory.is_some() || self.files || !self.identity.is_empty() {
            return Ok(None);
        }
        let config = config::load(&self.config).map_err(|report| anyhow!("{report}"))?;
        let (Some(_), Some(approvals)) = (config.record, config.approvals) else {
            return Ok(None);
        };
        let store = app::runtime()?.block_on(Store::open(approvals.store));
        Ok(Some(Index::new(store.context("the store of the index")?)))
    }

    /// The whole record.
    pub fn open(&self) -> Result<Record> {
        self.read(&Wanted::All)
    }

    /// Only what these sessions need.
    pub fn open_for(&self, sessions: &[SessionId]) -> Result<Record> {
        self.read(&Wanted::These(sessions))
    }

    /// The directory on this machine, to change something there.
    pub fn open_here(&self) -> Result<Record> {
        match self.place()? {
            (Some(directory), _) => self.record(directory, None),
            (None, store) => bail!(
                "this is done in the directory of a gateway, not in {}",
                store.map(|store| store.to_string()).unwrap_or_default()
            ),
        }
    }

    fn read(&self, wanted: &Wanted<'_>) -> Result<Record> {
        let (directory, store) = self.place()?;
        let Some(store) = store else {
            return self.record(directory.context("a directory")?, None);
        };
        let local = directory.map(Directory::new);
        let copy = fetch::fetched(&store, local.as_ref(), wanted)?;
        self.record(copy.path().to_owned(), Some(copy))
    }

    /// The directory on this machine, and the store that has what is not there.
    fn place(&self) -> Result<(Option<PathBuf>, Option<Place>)> {
        if let Some(directory) = &self.directory {
            return Ok(match Place::parse(directory, Path::new(""))? {
                Place::Directory(path) => (Some(path), None),
                store @ Place::Store(..) => (None, Some(store)),
            });
        }
        let config = config::load(&self.config).map_err(|report| anyhow!("{report}"))?;
        let record = config.record.with_context(|| {
            let file = self.config.display();
            format!("{file} has no [record]; pass --directory for another record")
        })?;
        // Otherwise everything is here, too.
        let store = record.store.filter(|_| record.keep_local.is_some());
        Ok((Some(record.directory), store))
    }

    fn record(&self, root: PathBuf, copy: Option<TempDir>) -> Result<Record> {
        let mut identities = Identities::default();
        for path in &self.identity {
            let read = Identities::from_text(&read(path)?);
            identities = identities.and(read.with_context(|| format!("{}", path.display()))?);
        }
        Ok(Record {
            directory: Directory::new(root),
            identities,
            _copy: copy,
        })
    }
}

/// A record to be read.
pub(in crate::cli) struct Record {
    pub directory: Directory,
    pub identities: Identities,
    /// Removed when the record has been read.
    _copy: Option<TempDir>,
}

impl Record {
    /// An index of all of it, in memory.
    pub fn indexed(&self) -> Result<Index> {
        let store = app::runtime()?.block_on(Store::open(StoreSettings::Memory));
        let index = Index::new(store?);
        let settings = IndexSettings {
            keep: Keep::Rows,
            identities: self.identities.clone(),
            masks: Vec::new(),
        };
        build(index.clone(), settings, self.directory.clone(), Build::All)?;
        Ok(index)
    }

    /// Whether the log has something of this session. It may be in a store only.
    pub fn has_logged(&self, session: SessionId) -> Result<bool> {
        let log = self.directory.log();
        let path = log.join("key.pub");
        if !path.exists() {
            return Ok(false);
        }
        let key = PublicKey::from_text(&read(&path)?)?;
        let entries = Log::open(log, &key)?.entries()?;
        Ok(entries.iter().any(|entry| entry.session == session))
    }

    /// The segments of a session.
    pub fn segments(&self, session: SessionId) -> Result<Segments> {
        let segments = self.directory.of(session)?;
        ensure!(
            !segments.is_empty(),
            "there is no session {session} in the record"
        );
        Ok(segments)
    }

    /// Passes on the events of a session, with what is encrypted for somebody else as [`Event::Sealed`].
    pub fn read(
        &self,
        segments: &Segments,
        each: &mut dyn FnMut(Event<'_>),
    ) -> Result<Vec<(u32, Scan)>> {
        Ok(session::read_as(segments, &self.identities, each)?)
    }
}

pub(in crate::cli) fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

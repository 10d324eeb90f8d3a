//! Where a record is, and with what it is read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use gatewright_contract::SessionId;
use gatewright_record::directory::{Directory, Segments};
use gatewright_record::sealed::Identities;
use gatewright_record::segment::Scan;
use gatewright_record::{Event, session};

use crate::app;
use crate::config;
use crate::library::{Build, Index, IndexSettings, build};
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
    /// The directory of the record
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
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

    pub fn open(&self) -> Result<Record> {
        let root = match &self.directory {
            Some(directory) => directory.clone(),
            None => {
                let config = config::load(&self.config).map_err(|report| anyhow!("{report}"))?;
                let record = config.record.with_context(|| {
                    let file = self.config.display();
                    format!("{file} has no [record]; pass --directory for another record")
                })?;
                record.directory
            }
        };
        let mut identities = Identities::default();
        for path in &self.identity {
            let read = Identities::from_text(&read(path)?);
            identities = identities.and(read.with_context(|| format!("{}", path.display()))?);
        }
        Ok(Record {
            directory: Directory::new(root),
            identities,
        })
    }
}

/// A record to be read.
pub(in crate::cli) struct Record {
    pub directory: Directory,
    pub identities: Identities,
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

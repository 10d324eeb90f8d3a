//! Where a record is, and with what it is read.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use gatewright_contract::SessionId;
use gatewright_record::directory::{Directory, Segments};
use gatewright_record::sealed::Identities;
use gatewright_record::segment::Scan;
use gatewright_record::{Event, session};

use crate::config;

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
    /// A file with identities, as age-keygen writes it, for what is encrypted
    #[arg(long, value_name = "FILE")]
    identity: Vec<PathBuf>,
}

impl RecordPlace {
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

//! `gatewright record index`.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use gatewright_record::directory::Directory;
use gatewright_record::sealed::Identities;

use crate::app;
use crate::config;
use crate::library::{Build, Index, IndexSettings, build};
use crate::store::Store;

#[derive(Debug, Args)]
pub(super) struct IndexArguments {
    /// The configuration file of the gateway, which says where the store is
    #[arg(long, value_name = "FILE", default_value = "gatewright.toml")]
    config: PathBuf,
    /// The directory of another record
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

pub(super) fn index(arguments: &IndexArguments) -> Result<()> {
    let config = config::load(&arguments.config).map_err(|report| anyhow!("{report}"))?;
    let file = arguments.config.display();
    let approvals = config.approvals;
    let approvals = approvals.with_context(|| {
        format!("{file} has no [approvals], and so no store that an index could be in")
    })?;
    let directory = match (&arguments.directory, config.record) {
        (Some(directory), _) => directory.clone(),
        (None, Some(record)) => record.directory,
        (None, None) => return Err(anyhow!("{file} has no [record]; pass --directory")),
    };
    let store = app::runtime()?.block_on(Store::open(approvals.store));
    let index = Index::new(store.context("the store")?);
    let settings = IndexSettings {
        keep: config.library.index,
        identities: Identities::default(),
        masks: config.library.masks,
    };
    let count = build(index, settings, Directory::new(directory), Build::All)?;
    println!("{count} sessions are indexed");
    Ok(())
}

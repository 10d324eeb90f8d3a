//! A record that is in an object store, or whose older sessions are: a copy of what is to be read, for as long as it is read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use gatewright_contract::SessionId;
use gatewright_record::directory::Directory;
use tempfile::TempDir;

use crate::app;
use crate::objects::{Objects, Place};

/// So many objects are read at once.
const AT_ONCE: usize = 8;

/// Which sessions are to be read.
pub(super) enum Wanted<'a> {
    All,
    These(&'a [SessionId]),
}

impl Wanted<'_> {
    fn has(&self, name: &str) -> bool {
        match self {
            Wanted::All => true,
            Wanted::These(sessions) => sessions
                .iter()
                .any(|session| name.contains(&session.to_string())),
        }
    }
}

/// Copies the log and these sessions. What is in the local directory is taken from there.
pub(super) fn fetched(
    place: &Place,
    local: Option<&Directory>,
    wanted: &Wanted<'_>,
) -> Result<TempDir> {
    let copy = tempfile::Builder::new()
        .prefix("gatewright-record-")
        .tempdir()?;
    fs::create_dir(copy.path().join("sessions"))?;
    if let Some(local) = local {
        symlink(fs::canonicalize(local.log())?, copy.path().join("log"))?;
        for segments in local.list()?.values() {
            for segment in segments.values() {
                let name = segment.file_name().context("a name")?;
                symlink(
                    fs::canonicalize(segment)?,
                    copy.path().join("sessions").join(name),
                )?;
            }
        }
    }
    let fetching = async {
        let objects = place.open()?;
        if local.is_none() {
            // Before what it says is there.
            fetch(&objects, copy.path(), "log/checkpoint").await?;
            let log = objects.list("log").await?;
            let log = log.into_iter().map(|object| object.name);
            all(&objects, copy.path(), log.collect()).await?;
        }
        let sessions = objects.list("sessions").await?;
        let sessions = sessions.into_iter().map(|object| object.name);
        all(
            &objects,
            copy.path(),
            sessions.filter(|name| wanted.has(name)).collect(),
        )
        .await
    };
    let fetched: Result<()> = app::runtime()?.block_on(fetching);
    fetched.with_context(|| format!("{place} cannot be read"))?;
    Ok(copy)
}

async fn all(objects: &Objects, copy: &Path, names: Vec<String>) -> Result<()> {
    let names = names.into_iter().filter(|name| !copy.join(name).exists());
    let fetched = stream::iter(names).map(async |name| fetch(objects, copy, &name).await);
    fetched.buffer_unordered(AT_ONCE).try_collect().await
}

async fn fetch(objects: &Objects, copy: &Path, name: &str) -> Result<()> {
    let content = objects.get(name).await?;
    let path = copy.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(path, content)?)
}

//! Checkpoints that were kept elsewhere.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use gatewright_record::log::{Checkpoint, PublicKey};

use super::place::read;
use crate::app;
use crate::objects::Place;

/// So many are read at once.
const AT_ONCE: usize = 16;

/// Reads a file with one, or all those of this log that are in a place. The log is compared with each: where it was rewritten, the newest are
/// those of the new one.
pub(super) fn kept(place: &str, key: &PublicKey) -> Result<Vec<Checkpoint>> {
    let path = Path::new(place);
    if path.is_file() {
        let note = read(path)?;
        let opened = key.open(note.as_bytes());
        return Ok(vec![opened.with_context(|| place.to_owned())?]);
    }
    let objects = Place::parse(place, Path::new(""))?.open()?;
    let checkpoints = app::runtime()?.block_on(async {
        let listed = objects.list(key.name()).await?;
        let read = stream::iter(listed).map(async |object| {
            let note = objects.get(&object.name).await?;
            key.open(&note).with_context(|| object.name)
        });
        read.buffered(AT_ONCE).try_collect::<Vec<_>>().await
    })?;
    ensure!(
        !checkpoints.is_empty(),
        "there are no checkpoints of {} in {place}",
        key.name()
    );
    Ok(checkpoints)
}

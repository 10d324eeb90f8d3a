//! The record as people read it.

use std::sync::Arc;

use anyhow::{Context, Result};
use gatewright_record::directory::Directory;

use crate::admin::Metrics;
use crate::library::{Index, Library, LibrarySettings};
use crate::recording::{RecordSettings, Recorder};
use crate::store::{Store, StoreSettings};

/// Opens the index of a record that is being written. It has connections to the store of its own, so that approvals do not wait for it.
///
/// # Errors
/// The store cannot be used, or the operating system gives no thread.
pub async fn library(
    store: StoreSettings,
    record: &RecordSettings,
    recorder: Recorder,
    settings: LibrarySettings,
    metrics: &Metrics,
) -> Result<Library> {
    let store = Store::open(store).await;
    let index = Index::new(store.context("the store of the index cannot be used")?);
    let directory = Directory::new(&record.directory);
    let library = Library::start(
        index,
        directory,
        recorder,
        settings,
        Arc::new(metrics.clone()),
    );
    library.context("the record cannot be indexed")
}

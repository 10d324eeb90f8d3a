//! The catalog: what relations, columns, views and functions a database has, read over a service connection.
//! It knows how to ask PostgreSQL and when to ask again; what the answers mean for a statement is the business of
//! `gatewright-sql`, whose value it builds. The next room is `gate`.

mod questions;
mod reader;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use gatewright_sql::Catalog;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, timeout};

use crate::upstream::{Target, UpstreamError};

pub use reader::CatalogError;

/// How long a statement waits for a fresh catalog before it is judged with the one at hand.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// The catalog of one database, kept up to date.
pub struct CatalogHandle {
    target: Target,
    current: ArcSwap<Catalog>,
    /// Reads that were asked for, and reads that are done: a reader that starts after a request serves it.
    wanted: watch::Sender<u64>,
    done: watch::Sender<u64>,
    /// The last request that a read served which succeeded.
    served: watch::Sender<u64>,
    reading: Mutex<()>,
    /// Counts changes of sessions through this gateway.
    changes: AtomicU64,
}

impl CatalogHandle {
    /// A handle that has read nothing yet; every relation is unresolved until [`CatalogHandle::refresh`] succeeded.
    pub fn new(target: Target) -> Arc<Self> {
        Arc::new(CatalogHandle {
            target,
            current: ArcSwap::from_pointee(Catalog::default()),
            wanted: watch::Sender::new(0),
            done: watch::Sender::new(0),
            served: watch::Sender::new(0),
            reading: Mutex::new(()),
            changes: AtomicU64::new(0),
        })
    }

    /// True once a catalog was read.
    pub fn is_read(&self) -> bool {
        self.current.load().generation > 0
    }

    /// Some session has changed, or may have changed, what the database holds.
    pub fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// How often [`CatalogHandle::note_change`] was told.
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// The newest catalog.
    pub fn current(&self) -> Arc<Catalog> {
        self.current.load_full()
    }

    /// Reads the catalog once. Requests made before the reading starts are served by it.
    ///
    /// # Errors
    /// The service connection cannot be made, or the server refuses a catalog query. The old catalog stays in force.
    pub async fn refresh(&self) -> Result<(), CatalogError> {
        let _one_at_a_time = self.reading.lock().await;
        let serves = *self.wanted.borrow();
        let outcome = reader::read(&self.target, self.current())
            .await
            .map(|read| {
                if let Some(read) = read {
                    self.current.store(Arc::new(read));
                }
            });
        if outcome.is_ok() {
            self.served.send_replace(serves);
        }
        self.done.send_replace(serves);
        outcome
    }

    /// Keeps the catalog fresh: when asked, and every `interval`. Runs until dropped.
    pub async fn keep_fresh(self: Arc<Self>, interval: Duration) {
        let mut wanted = self.wanted.subscribe();
        loop {
            // A handle that is alive always has its sender, so the only news is a request or the interval.
            let _ = timeout(interval, wanted.changed()).await;
            wanted.mark_unchanged();
            let started = Instant::now();
            if let Err(error) = self.refresh().await {
                tracing::warn!(database = %self.target.dbname, %error, "the catalog could not be read; the last one stays in force");
                tokio::time::sleep_until(started + Duration::from_secs(1)).await;
            }
        }
    }

    /// Asks for a read and waits until one that started after this call is done, but no longer than a few seconds. False when it was
    /// not done by then, or failed: what is at hand may be older than the call.
    pub async fn refreshed(self: Arc<Self>) -> bool {
        let mut done = self.done.subscribe();
        let mut request = 0;
        self.wanted.send_modify(|wanted| {
            *wanted += 1;
            request = *wanted;
        });
        let finished = timeout(REFRESH_TIMEOUT, done.wait_for(|served| *served >= request)).await;
        finished.is_ok() && *self.served.borrow() >= request
    }
}

impl From<UpstreamError> for CatalogError {
    fn from(error: UpstreamError) -> Self {
        CatalogError::Connection(error)
    }
}

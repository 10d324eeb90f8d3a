//! Reads a database's catalog (relations, columns, views, functions) over a service connection, and keeps it up to
//! date. It knows the catalog queries and when to repeat them. What the catalog means for a statement is determined by
//! `gatewright-sql`, whose `Catalog` it builds.
//! Next: `gate` analyses statements with the catalog.

mod queries;
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

/// How long a statement waits for a fresh catalog before it is judged with the current one.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// The catalog of one database, kept up to date.
pub struct CatalogHandle {
    target: Target,
    current: ArcSwap<Catalog>,
    /// The number of the last request for a read. A read serves all requests made before it started.
    wanted: watch::Sender<u64>,
    /// The last request served by a completed read, successful or not.
    done: watch::Sender<u64>,
    /// The last request served by a successful read.
    served: watch::Sender<u64>,
    reading: Mutex<()>,
    /// The number of changes made by sessions through this gateway.
    changes: AtomicU64,
    /// How many of them the current catalog shows.
    shown: AtomicU64,
}

impl CatalogHandle {
    /// A handle with an empty catalog. Relations cannot be resolved until [`CatalogHandle::refresh`] succeeds.
    pub fn new(target: Target) -> Arc<Self> {
        Arc::new(CatalogHandle {
            target,
            current: ArcSwap::from_pointee(Catalog::default()),
            wanted: watch::Sender::new(0),
            done: watch::Sender::new(0),
            served: watch::Sender::new(0),
            reading: Mutex::new(()),
            changes: AtomicU64::new(0),
            shown: AtomicU64::new(0),
        })
    }

    /// Whether the catalog has been read.
    pub fn is_read(&self) -> bool {
        self.current.load().generation > 0
    }

    /// Records that a session has changed, or may have changed, the database's objects.
    pub fn note_change(&self) {
        self.changes.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of calls of [`CatalogHandle::note_change`].
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Whether the current catalog shows every change made by sessions through this gateway.
    pub fn shows_all_changes(&self) -> bool {
        self.shown.load(Ordering::Relaxed) >= self.changes()
    }

    /// The current catalog.
    pub fn current(&self) -> Arc<Catalog> {
        self.current.load_full()
    }

    /// Whether this is the current catalog.
    pub fn is_current(&self, catalog: &Arc<Catalog>) -> bool {
        Arc::ptr_eq(&self.current.load(), catalog)
    }

    /// Reads the catalog once, which serves all earlier requests.
    ///
    /// # Errors
    /// The server cannot be reached, or a catalog query fails. The previous catalog remains in use.
    pub async fn refresh(&self) -> Result<(), CatalogError> {
        let _one_at_a_time = self.reading.lock().await;
        let serves = *self.wanted.borrow();
        let shows = self.changes();
        let outcome = reader::read(&self.target, self.current())
            .await
            .map(|read| {
                if let Some(read) = read {
                    self.current.store(Arc::new(read));
                }
            });
        if outcome.is_ok() {
            self.shown.store(shows, Ordering::Relaxed);
            self.served.send_replace(serves);
        }
        self.done.send_replace(serves);
        outcome
    }

    /// Reads the catalog on request and every `interval`. Runs until dropped.
    pub async fn keep_fresh(self: Arc<Self>, interval: Duration) {
        let mut wanted = self.wanted.subscribe();
        loop {
            // A request may have come before this subscribed, or during the last read.
            let served = *self.done.borrow();
            let request = wanted.wait_for(|request| *request > served);
            // The sender lives as long as this handle, so this returns only on a request or after the interval.
            let _ = timeout(interval, request).await;
            let started = Instant::now();
            if let Err(error) = self.refresh().await {
                tracing::warn!(database = %self.target.dbname, %error, "the catalog could not be read; the previous one remains in use");
                tokio::time::sleep_until(started + Duration::from_secs(1)).await;
            }
        }
    }

    /// Requests a read and waits a few seconds for it. Returns whether a read that started after this call has
    /// succeeded; otherwise the current catalog may be outdated.
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

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::task::Poll;

    use super::*;

    #[tokio::test]
    async fn a_request_from_before_the_catalog_is_kept_fresh_is_served() {
        // Nothing listens there.
        let target = "postgres://app@127.0.0.1:1/shop?sslmode=disable";
        let handle = CatalogHandle::new(target.parse().unwrap());
        let mut request = Box::pin(Arc::clone(&handle).refreshed());
        let waits = std::future::poll_fn(|context| {
            Poll::Ready(request.as_mut().poll(context).is_pending())
        });
        assert!(waits.await);
        let fresh = tokio::spawn(Arc::clone(&handle).keep_fresh(Duration::from_secs(3600)));
        assert!(!request.await);
        assert_eq!(
            *handle.done.borrow(),
            1,
            "it was given up before it was served"
        );
        fresh.abort();
    }
}

//! Reads a database's catalog (relations, columns, views, functions) over a service connection, and keeps it up to
//! date. It knows the catalog queries and when to repeat them. What the catalog means for a statement is determined by
//! `gatewright-sql`, whose `Catalog` it builds.
//! Next: `gate` analyses statements with the catalog.

mod changes;
mod error;
mod queries;
mod reader;
mod requests;
mod rows;
mod stamps;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use gatewright_sql::Catalog;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use crate::upstream::Target;
use changes::How;
use requests::Requests;
use watch::Watch;

pub use error::CatalogError;

/// How long a statement waits for a fresh catalog before it is judged with the current one, or refused.
const REFRESH_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a statement waits for a check, which reads the catalog if it has changed, before it is refused.
const CHECKED_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a check may take before the connection is taken for dead.
const CHECK_TIMEOUT: Duration = Duration::from_secs(4);

/// Why the catalog is read or checked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Occasion {
    Read,
    Check,
    Interval,
}

/// The catalog of one database, kept up to date.
pub struct CatalogHandle {
    target: Target,
    current: ArcSwap<Catalog>,
    reads: Requests,
    checks: Requests,
    /// The connection for reads and checks.
    watch: Mutex<Option<Watch>>,
    made: Instant,
    /// When the last successful check or read began, in microseconds after `made`; 0: there was none.
    checked: AtomicU64,
    /// The number of changes made by sessions through this gateway.
    changes: AtomicU64,
    /// How many of them the current catalog shows.
    shown: AtomicU64,
    /// Told of each catalog that a newer one has replaced.
    replaced: OnceLock<Replaced>,
}

type Replaced = Box<dyn Fn(&Arc<Catalog>) + Send + Sync>;

impl CatalogHandle {
    /// A handle with an empty catalog. Relations cannot be resolved until [`CatalogHandle::refresh`] succeeds.
    pub fn new(target: Target) -> Arc<Self> {
        Arc::new(CatalogHandle {
            target,
            current: ArcSwap::from_pointee(Catalog::default()),
            reads: Requests::default(),
            checks: Requests::default(),
            watch: Mutex::new(None),
            made: Instant::now(),
            checked: AtomicU64::new(0),
            changes: AtomicU64::new(0),
            shown: AtomicU64::new(0),
            replaced: OnceLock::new(),
        })
    }

    /// Has `tell` called with each catalog that a newer one has replaced. Only the first call counts.
    pub fn when_replaced(&self, tell: impl Fn(&Arc<Catalog>) + Send + Sync + 'static) {
        let _ = self.replaced.set(Box::new(tell));
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

    /// Reads the whole catalog, which serves all earlier requests.
    ///
    /// # Errors
    /// The server cannot be reached, or a catalog query fails. The previous catalog remains in use.
    pub async fn refresh(&self) -> Result<(), CatalogError> {
        let mut watch = self.watch.lock().await;
        self.read(&mut watch, How::Everything).await
    }

    async fn read(&self, watch: &mut Option<Watch>, how: How) -> Result<(), CatalogError> {
        let (reads, checks) = (self.reads.newest(), self.checks.newest());
        let shows = self.changes();
        let begun = self.now();
        let outcome = reader::read(&self.target, watch, self.current(), how)
            .await
            .map(|read| {
                if let Some(read) = read {
                    let last = self.current.swap(Arc::new(read));
                    if let Some(tell) = self.replaced.get() {
                        tell(&last);
                    }
                }
            });
        if outcome.is_ok() {
            self.checked.store(begun, Ordering::Release);
        }
        // A request for a read counts temporary tables, too.
        if how != How::LastingChanges {
            if outcome.is_ok() {
                self.shown.store(shows, Ordering::Relaxed);
            }
            self.reads.done(reads, outcome.is_ok());
        }
        self.checks.done(checks, outcome.is_ok());
        outcome
    }

    /// Asks the server whether the catalog still holds, and reads it if not. Serves all earlier requests for a check.
    async fn check(&self) -> Result<(), CatalogError> {
        let mut watch = self.watch.lock().await;
        let requests = self.checks.newest();
        let begun = self.now();
        let unchanged = match &mut *watch {
            Some(watch) => timeout_at(Instant::now() + CHECK_TIMEOUT, watch.is_unchanged()).await,
            None => Ok(Ok(false)),
        };
        match unchanged {
            Ok(Ok(true)) => {
                self.checked.store(begun, Ordering::Release);
                self.checks.done(requests, true);
                return Ok(());
            }
            Ok(Ok(false)) => {}
            // Whatever happened to the connection, a new one may do.
            Ok(Err(_)) | Err(_) => *watch = None,
        }
        self.read(&mut watch, How::LastingChanges).await
    }

    /// Reads the catalog on request and every `interval`, and checks it on request. While nobody asks, the connection is closed: it would
    /// keep the database from being dropped or copied. Runs until dropped.
    pub async fn keep_fresh(self: Arc<Self>, interval: Duration) {
        let mut read_next = Instant::now() + interval;
        let mut used = false;
        loop {
            // A request may have come before this began, or during the last read.
            let occasion = tokio::select! {
                biased;
                () = self.reads.pending() => Occasion::Read,
                () = tokio::time::sleep_until(read_next) => Occasion::Interval,
                () = self.checks.pending() => Occasion::Check,
            };
            let started = Instant::now();
            let outcome = match occasion {
                Occasion::Check => {
                    used = true;
                    self.check().await
                }
                Occasion::Interval if !used => {
                    read_next = started + interval;
                    self.close().await;
                    Ok(())
                }
                Occasion::Read => {
                    used = true;
                    let mut watch = self.watch.lock().await;
                    self.read(&mut watch, How::Changes).await
                }
                Occasion::Interval => {
                    used = false;
                    read_next = started + interval;
                    self.refresh().await
                }
            };
            if let Err(error) = outcome {
                tracing::warn!(database = %self.target.dbname, %error, "the catalog could not be read");
                tokio::time::sleep_until(started + Duration::from_secs(1)).await;
            }
        }
    }

    async fn close(&self) {
        let mut watch = self.watch.lock().await;
        self.checked.store(0, Ordering::Release);
        if let Some(watch) = watch.take() {
            watch.close().await;
        }
    }

    /// Requests a read and waits a few seconds for it. Returns whether a read that started after this call has
    /// succeeded; otherwise the current catalog may be outdated.
    pub async fn refreshed(self: Arc<Self>) -> bool {
        self.reads.served(REFRESH_TIMEOUT).await
    }

    /// Requests a read for which nobody waits.
    pub fn read_soon(&self) {
        self.reads.ask_unless_asked();
    }

    /// Whether the catalog was found to hold no longer than `max_age` ago. Under steady use it stays so without waiting: a check is
    /// requested in time.
    pub fn is_fresh(&self, max_age: Duration) -> bool {
        let checked = self.checked.load(Ordering::Acquire);
        let age = Duration::from_micros(self.now().saturating_sub(checked));
        if checked == 0 || max_age.is_zero() || age > max_age {
            return false;
        }
        if age > max_age / 2 {
            self.checks.ask_unless_asked();
        }
        true
    }

    /// Requests a check and waits a few seconds for it. Returns whether the current catalog shows everything that was committed before
    /// this call.
    pub async fn checked(self: Arc<Self>) -> bool {
        self.checks.served(CHECKED_TIMEOUT).await
    }

    fn now(&self) -> u64 {
        let age = self.made.elapsed().as_micros();
        u64::try_from(age).unwrap_or(u64::MAX).max(1)
    }
}

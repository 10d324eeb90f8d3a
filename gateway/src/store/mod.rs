//! Where the gateway keeps what must outlive it: SQLite in a file, or PostgreSQL for several gateways. It runs transactions,
//! brings the schema up to date, and says when something has changed. It does not know what the tables mean.
//! Next: `approvals` keeps its requests here.

mod error;
mod migrations;
mod postgres;
mod sqlite;
mod value;
mod wakes;
mod worker;

#[cfg(test)]
pub(crate) mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use crate::upstream::Target;
use postgres::PostgresBackend;
use sqlite::SqliteBackend;
use worker::{Access, Workers};

pub use error::StoreError;
pub use value::{Row, Value};
pub use wakes::Wakes;

/// Connections to PostgreSQL for transactions. One more listens for notifications.
const POSTGRES_CONNECTIONS: usize = 4;

/// Where the store is.
#[derive(Debug, Clone)]
pub enum StoreSettings {
    /// A database in memory, which ends with the process.
    Memory,
    /// A SQLite file. It is made if it does not exist; only its owner can read it.
    File(PathBuf),
    /// A PostgreSQL database. The tables are in its schema `gatewright`.
    Postgres(Target),
}

/// Whose SQL a transaction speaks, where the two differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

/// A transaction. The statements run on SQLite and PostgreSQL alike: parameters are `$1`, `$2` and so on.
pub trait Transaction {
    /// Runs one statement and returns its rows.
    ///
    /// # Errors
    /// The statement failed; the transaction is rolled back.
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError>;

    fn dialect(&self) -> Dialect;

    /// The store's clock as the transaction began, in milliseconds since 1970. All gateways that share a store go by it.
    fn now(&self) -> i64;

    /// Makes sure that nobody else changes the schema meanwhile, and that there is a place for it.
    ///
    /// # Errors
    /// The database cannot hold the store, or as [`Transaction::query`].
    fn begin_migration(&mut self) -> Result<(), StoreError>;

    /// Once the transaction is committed, wakes every gateway that shares the store.
    ///
    /// # Errors
    /// As [`Transaction::query`].
    fn announce(&mut self) -> Result<(), StoreError>;
}

/// A store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    workers: Workers,
    /// Raised by the commits of this process that announced themselves.
    own: watch::Sender<u64>,
    listen: Option<Target>,
    /// The schema is known to be up to date.
    migrated: AtomicBool,
}

impl Store {
    /// Opens the store and brings its schema up to date. A store that cannot be reached now is opened all the same: what needs it
    /// fails until it is back, and nothing else does.
    ///
    /// # Errors
    /// It cannot be used, or it was last used by a newer gateway.
    pub async fn open(settings: StoreSettings) -> Result<Self, StoreError> {
        let own = watch::Sender::new(0);
        let (workers, listen) = match settings {
            StoreSettings::Memory => (Workers::start(vec![SqliteBackend::memory()])?, None),
            StoreSettings::File(path) => (Workers::start(vec![SqliteBackend::file(path)])?, None),
            StoreSettings::Postgres(target) => {
                let backends = (0..POSTGRES_CONNECTIONS)
                    .map(|_| PostgresBackend::new(target.clone()))
                    .collect::<Result<_, _>>()?;
                (Workers::start(backends)?, Some(target))
            }
        };
        let store = Store {
            shared: Arc::new(Shared {
                workers,
                own,
                listen,
                migrated: AtomicBool::new(false),
            }),
        };
        match store.migrate().await {
            Err(error @ StoreError::Unavailable(_)) => {
                tracing::error!(%error, "the store cannot be reached; what needs it fails until it is back");
            }
            migrated => migrated?,
        }
        Ok(store)
    }

    /// Runs a transaction, which is committed if `work` succeeds. `work` may be run again if others interfered.
    ///
    /// # Errors
    /// What `work` returned, or why the transaction could not be run. After [`StoreError::Unavailable`] it is not known
    /// whether it was committed.
    pub async fn run<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        W: FnMut(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
    {
        self.run_or_orphan(work, |_| {}).await
    }

    /// The same for a transaction that only reads. It neither waits for those that write nor holds them up.
    ///
    /// # Errors
    /// As [`Store::run`].
    pub async fn read<T, E, W>(&self, work: W) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        W: FnMut(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
    {
        if !self.shared.migrated.load(Ordering::Acquire) {
            self.migrate().await?;
        }
        let own = self.shared.own.clone();
        let workers = &self.shared.workers;
        workers.run(Access::Read, work, |_| {}, own).await
    }

    /// As [`Store::run`]. `orphaned` gets the result if the future was dropped before it.
    ///
    /// # Errors
    /// As [`Store::run`].
    pub async fn run_or_orphan<T, E, W, O>(&self, work: W, orphaned: O) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        W: FnMut(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        O: FnOnce(Result<T, E>) + Send + 'static,
    {
        if !self.shared.migrated.load(Ordering::Acquire) {
            self.migrate().await?;
        }
        let own = self.shared.own.clone();
        let workers = &self.shared.workers;
        workers.run(Access::Write, work, orphaned, own).await
    }

    /// What completes whenever something may have changed.
    pub fn wakes(&self) -> Wakes {
        Wakes::new(self.shared.own.subscribe(), self.shared.listen.clone())
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let own = self.shared.own.clone();
        let work = |transaction: &mut dyn Transaction| migrations::run(transaction);
        let workers = &self.shared.workers;
        workers.run(Access::Write, work, |_| {}, own).await?;
        self.shared.migrated.store(true, Ordering::Release);
        Ok(())
    }
}

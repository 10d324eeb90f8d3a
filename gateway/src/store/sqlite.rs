//! SQLite: one connection, on one thread. Other processes may use the file too.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::worker::{Access, Announced, Backend, End};
use super::{Dialect, Row, StoreError, Transaction, Value};

/// How long a transaction waits for another process's.
const BUSY: Duration = Duration::from_secs(5);

pub(super) struct SqliteBackend {
    /// `None`: in memory.
    path: Option<PathBuf>,
    connection: Option<Connection>,
}

struct SqliteTransaction<'c> {
    connection: &'c Connection,
    now: i64,
    announced: bool,
    /// The first statement that failed.
    failed: Option<StoreError>,
}

impl SqliteBackend {
    pub fn memory() -> Self {
        SqliteBackend {
            path: None,
            connection: None,
        }
    }

    pub fn file(path: PathBuf) -> Self {
        SqliteBackend {
            path: Some(path),
            connection: None,
        }
    }

    fn open(path: Option<&PathBuf>) -> Result<Connection, StoreError> {
        let Some(path) = path else {
            return Ok(Connection::open_in_memory()?);
        };
        // SQLite gives its other files the same mode.
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| StoreError::Open {
                path: path.clone(),
                source: Arc::new(error),
            })?;
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY)?;
        // FULL: an approval that was used up stays so, also where the power fails.
        connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        Ok(connection)
    }
}

impl Backend for SqliteBackend {
    fn run(
        &mut self,
        access: Access,
        work: &mut dyn FnMut(&mut dyn Transaction) -> End,
    ) -> Result<Announced, StoreError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Self::open(self.path.as_ref())?),
        };
        if !connection.is_autocommit() {
            // The last one panicked, or could not be rolled back.
            connection.execute_batch("ROLLBACK")?;
        }
        connection.execute_batch(match access {
            // Takes the lock for writing at once: a transaction that read first could not get it later.
            Access::Write => "BEGIN IMMEDIATE",
            Access::Read => "BEGIN",
        })?;
        let mut transaction = SqliteTransaction {
            connection,
            now: now(),
            announced: false,
            failed: None,
        };
        let end = work(&mut transaction);
        let SqliteTransaction {
            announced, failed, ..
        } = transaction;
        match (failed, end) {
            (None, End::Commit) => {
                connection.execute_batch("COMMIT").inspect_err(|_| {
                    // If this fails as well, the next BEGIN does.
                    let _ = connection.execute_batch("ROLLBACK");
                })?;
                Ok(Announced(announced))
            }
            (failed, _) => {
                if let Err(error) = connection.execute_batch("ROLLBACK") {
                    tracing::warn!(%error, "a transaction of the store could not be rolled back; it is opened anew");
                    if self.path.is_some() {
                        self.connection = None;
                    }
                }
                failed.map_or(Ok(Announced(false)), Err)
            }
        }
    }
}

impl Transaction for SqliteTransaction<'_> {
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        let outcome = query(self.connection, sql, parameters);
        if let (Err(error), None) = (&outcome, &self.failed) {
            self.failed = Some(error.clone());
        }
        outcome
    }

    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn begin_migration(&mut self) -> Result<(), StoreError> {
        // The transaction has the lock for writing already.
        Ok(())
    }

    fn announce(&mut self) -> Result<(), StoreError> {
        self.announced = true;
        Ok(())
    }
}

fn query(connection: &Connection, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
    let mut statement = connection.prepare(sql)?;
    for (number, value) in (1..).zip(parameters) {
        // `$1` is a name to SQLite, and one that may occur anywhere.
        let name = format!("${number}");
        let Some(index) = statement.parameter_index(&name)? else {
            continue;
        };
        match value {
            Value::Null => statement.raw_bind_parameter(index, rusqlite::types::Null)?,
            Value::Integer(number) => statement.raw_bind_parameter(index, number)?,
            Value::Text(text) => statement.raw_bind_parameter(index, text)?,
            Value::Bytes(bytes) => statement.raw_bind_parameter(index, bytes)?,
        }
    }
    let columns = statement.column_count();
    let mut found = statement.raw_query();
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let values: Result<_, StoreError> = (0..columns)
            .map(|column| value(row.get_ref(column)?))
            .collect();
        rows.push(Row::new(values?));
    }
    Ok(rows)
}

fn value(value: ValueRef<'_>) -> Result<Value, StoreError> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(StoreError::Value("a floating-point number")),
    })
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

//! PostgreSQL: each thread has a connection of its own, and an event loop that waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::worker::{Access, Announced, Backend, End};
use super::{Dialect, Row, StoreError, Transaction, Value};
use crate::upstream::service::Service;
use crate::upstream::{Answer, Target, UpstreamError};

/// The channel on which commits are announced.
pub(super) const CHANNEL: &str = "gatewright";

/// What the server may take for one statement, before the connection is given up.
const LIMIT: Duration = Duration::from_secs(6);

/// What connecting may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

/// After a connection failed, transactions fail at once for this long.
const PAUSE: Duration = Duration::from_millis(300);

/// The server ends what this gateway no longer waits for.
const PARAMETERS: [(&str, &str); 6] = [
    ("search_path", "gatewright"),
    ("bytea_output", "hex"),
    ("default_transaction_isolation", "read committed"),
    ("statement_timeout", "5000"),
    ("lock_timeout", "4000"),
    ("idle_in_transaction_session_timeout", "10000"),
];

const BEGIN: &str = "BEGIN; SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// Among those of the gateways' locks, the one for migrations.
const MIGRATION_LOCK: &str = "SELECT pg_advisory_xact_lock(7305808869231650420)";

// pg_type.dat
const BOOL: u32 = 16;
const BYTEA: u32 = 17;
const INT8: u32 = 20;
const INT2: u32 = 21;
const INT4: u32 = 23;
const VOID: u32 = 2278;

pub(super) struct PostgresBackend {
    runtime: Runtime,
    target: Target,
    service: Option<Service>,
    failed_at: Option<Instant>,
}

struct PostgresTransaction<'b> {
    runtime: &'b Runtime,
    service: &'b mut Service,
    now: i64,
    announced: bool,
    /// The first statement that failed.
    failed: Option<StoreError>,
    /// The connection cannot be used further.
    broken: bool,
}

impl PostgresBackend {
    pub fn new(mut target: Target) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| StoreError::Thread(Arc::new(error)))?;
        target.connect_timeout = target.connect_timeout.min(CONNECT_LIMIT);
        Ok(PostgresBackend {
            runtime,
            target,
            service: None,
            failed_at: None,
        })
    }

    /// Begins a transaction, on a new connection if the last one is not usable. Returns the server's clock.
    fn begin(&mut self) -> Result<(Service, i64), StoreError> {
        if let Some(mut service) = self.service.take() {
            // The server may have closed it since.
            if let Ok(now) = begin(&self.runtime, &mut service) {
                return Ok((service, now));
            }
        }
        if self.failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(StoreError::Unavailable("no connection yet".to_owned()));
        }
        let connected = self
            .runtime
            .block_on(Service::connect_with(&self.target, &PARAMETERS))
            .map_err(unavailable)
            .and_then(|mut service| {
                let now = begin(&self.runtime, &mut service)?;
                Ok((service, now))
            });
        self.failed_at = connected.is_err().then(Instant::now);
        connected
    }
}

impl Backend for PostgresBackend {
    fn run(
        &mut self,
        // Here, those that write do not hold up those that read.
        _: Access,
        work: &mut dyn FnMut(&mut dyn Transaction) -> End,
    ) -> Result<Announced, StoreError> {
        let (mut service, now) = self.begin()?;
        let mut transaction = PostgresTransaction {
            runtime: &self.runtime,
            service: &mut service,
            now,
            announced: false,
            failed: None,
            broken: false,
        };
        let end = work(&mut transaction);
        let PostgresTransaction {
            announced,
            failed,
            broken,
            ..
        } = transaction;
        if broken {
            return Err(failed.unwrap_or_else(|| StoreError::Unavailable("lost".to_owned())));
        }
        let commits = failed.is_none() && end == End::Commit;
        let last = if commits { "COMMIT" } else { "ROLLBACK" };
        let ended = query(&self.runtime, &mut service, last, &[]);
        if ended.is_ok() {
            self.service = Some(service);
        }
        match (failed, commits, ended) {
            (Some(failed), ..) => Err(failed),
            (None, true, Err(error)) => Err(unavailable(error)),
            (None, ..) => Ok(Announced(commits && announced)),
        }
    }
}

impl Transaction for PostgresTransaction<'_> {
    fn query(&mut self, sql: &str, parameters: &[Value]) -> Result<Vec<Row>, StoreError> {
        if let Some(failed) = &self.failed {
            return Err(failed.clone());
        }
        let outcome = match query(self.runtime, self.service, sql, parameters) {
            Ok(answer) => rows(answer),
            Err(UpstreamError::Server { fields, names_role }) => {
                Err(StoreError::Postgres(Arc::new(UpstreamError::Server {
                    fields,
                    names_role,
                })))
            }
            Err(error) => {
                self.broken = true;
                Err(unavailable(error))
            }
        };
        if let Err(error) = &outcome {
            self.failed = Some(error.clone());
        }
        outcome
    }

    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn now(&self) -> i64 {
        self.now
    }

    fn begin_migration(&mut self) -> Result<(), StoreError> {
        self.query(MIGRATION_LOCK, &[])?;
        let mut rows = self.query(
            "SELECT current_setting('server_encoding'), (SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = 'gatewright')",
            &[],
        )?;
        let mut row = rows.pop().ok_or(StoreError::Value("no row"))?;
        let encoding = row.text()?;
        if encoding != "UTF8" {
            return Err(StoreError::Encoding { encoding });
        }
        // Whoever made the schema for the gateway need not allow it to make others.
        if row.integer()? == 0 {
            self.query("CREATE SCHEMA gatewright", &[])?;
        }
        Ok(())
    }

    fn announce(&mut self) -> Result<(), StoreError> {
        if !self.announced {
            self.announced = true;
            self.query("SELECT pg_notify($1, '')", &[Value::from(CHANNEL)])?;
        }
        Ok(())
    }
}

fn begin(runtime: &Runtime, service: &mut Service) -> Result<i64, StoreError> {
    let rows = runtime
        .block_on(async { timeout(LIMIT, service.query(BEGIN)).await })
        .map_err(|_| StoreError::Unavailable("no answer in time".to_owned()))?
        .map_err(unavailable)?;
    let now = rows
        .first()
        .and_then(|row| row.first()?.as_deref()?.parse().ok());
    now.ok_or(StoreError::Value("no time"))
}

fn query(
    runtime: &Runtime,
    service: &mut Service,
    sql: &str,
    parameters: &[Value],
) -> Result<Answer, UpstreamError> {
    let texts: Vec<Option<Vec<u8>>> = parameters.iter().map(text).collect();
    let texts: Vec<Option<&[u8]>> = texts.iter().map(Option::as_deref).collect();
    let asked = runtime.block_on(async { timeout(LIMIT, service.query_with(sql, &texts)).await });
    asked.unwrap_or_else(|_| {
        Err(UpstreamError::Timeout {
            endpoint: "the store".to_owned(),
            limit: LIMIT,
        })
    })
}

fn unavailable(error: UpstreamError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// A value in the type's text form.
fn text(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string().into_bytes()),
        Value::Text(text) => Some(text.clone().into_bytes()),
        Value::Bytes(bytes) => Some(format!("\\x{}", hex::encode(bytes)).into_bytes()),
    }
}

fn rows(answer: Answer) -> Result<Vec<Row>, StoreError> {
    let types: Vec<u32> = answer
        .columns
        .iter()
        .flatten()
        .map(|column| column.type_oid)
        .collect();
    let rows = answer.rows.into_iter().map(|cells| {
        let values: Result<_, StoreError> = cells
            .into_iter()
            .zip(&types)
            .map(|(cell, type_oid)| value(cell, *type_oid))
            .collect();
        Ok(Row::new(values?))
    });
    rows.collect()
}

fn value(cell: Option<String>, type_oid: u32) -> Result<Value, StoreError> {
    let Some(text) = cell else {
        return Ok(Value::Null);
    };
    Ok(match type_oid {
        INT2 | INT4 | INT8 => Value::Integer(
            text.parse()
                .map_err(|_| StoreError::Value("not an integer"))?,
        ),
        BOOL => Value::Integer(i64::from(text == "t")),
        VOID => Value::Null,
        BYTEA => {
            let digits = text.strip_prefix("\\x").unwrap_or_default();
            Value::Bytes(hex::decode(digits).map_err(|_| StoreError::Value("not bytes"))?)
        }
        _ => Value::Text(text),
    })
}

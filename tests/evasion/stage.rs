//! The fixture: one server, one gateway with `mask-columns`, and a database for each worker.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Postgres, PostgresSettings, Psql, locate};
use tempfile::TempDir;

use crate::corpus::Entry;
use crate::secrets::Needles;

const TEMPLATE: &str = "attacked";
/// Entries played concurrently.
const WORKERS: usize = 6;

/// Where the gateway masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In statements, before the server runs them, with masks that show nothing of a value.
    Query,
    /// In results.
    Result,
}

pub struct Stage {
    pub place: Place,
    gateway: Gateway,
    server: Postgres,
    pub needles: Needles,
    _folders: [TempDir; 2],
}

/// The folder of the test's files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("evasion")
}

/// The fixture shared by all tests of one place.
pub fn stage(place: Place) -> Result<&'static Stage> {
    static STAGES: [OnceLock<Stage>; 2] = [OnceLock::new(), OnceLock::new()];
    static START: Mutex<()> = Mutex::new(());
    let _one_at_a_time = START.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = &STAGES[usize::from(place == Place::Query)];
    if stage.get().is_none() {
        let _ = stage.set(Stage::start(place)?);
    }
    stage.get().context("the stage was set above")
}

impl Stage {
    fn start(place: Place) -> Result<Self> {
        let settings = PostgresSettings::default()
            .set("max_connections", "200")
            .set("shared_preload_libraries", "'pg_stat_statements'")
            .set("wal_level", "logical")
            .set("max_wal_senders", "4")
            .set("log_statement", "none");
        let server = Postgres::start_with(&settings)?;
        let template = server.create_database(TEMPLATE)?;
        let schema = std::fs::read_to_string(folder().join("schema.sql"))?;
        Psql::new(&template)?.query(&schema)?;
        let needles =
            Needles::all(|word| Psql::new(&template)?.query(&format!("SELECT md5('{word}')")))?;
        let policies = tempfile::tempdir()?;
        let bundled = locate::target_directory().join("policies/mask-columns.wasm");
        if !bundled.is_file() {
            bail!(
                "{} does not exist. Build it: `cargo xtask policies` (`cargo xtask test` does)",
                bundled.display()
            );
        }
        std::fs::copy(bundled, policies.path().join("mask-columns.wasm"))?;
        let configured = tempfile::tempdir()?;
        let settings = configured.path().join("settings.toml");
        std::fs::write(&settings, settings_for(place)?)?;
        let gateway = GatewayCommand::dev(&server.dsn())
            .policies(policies.path())
            .settings(&settings)
            .start()?;
        Ok(Self {
            place,
            gateway,
            server,
            needles,
            _folders: [policies, configured],
        })
    }

    /// The same database through the gateway.
    pub fn through(&self, direct: &Dsn) -> Result<Dsn> {
        self.gateway.database(&direct.database)
    }

    pub fn gateway_log(&self) -> Result<String> {
        self.gateway.log()
    }

    fn clone_database(&self) -> Result<Dsn> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("copy_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        // Concurrent copies of one template fail.
        static COPYING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
        Psql::new(&self.server.dsn())?
            .query(&format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))?;
        Ok(self.server.dsn().with_database(&name))
    }

    /// Runs `job` in a database that is dropped afterwards.
    pub fn in_own_database<T>(&self, job: impl FnOnce(&Dsn) -> Result<T>) -> Result<T> {
        let direct = self.clone_database()?;
        let result = job(&direct);
        let _ = Psql::new(&self.server.dsn())?
            .query(&format!("DROP DATABASE {} WITH (FORCE)", direct.database));
        result
    }

    /// Runs `job` for every entry, several concurrently. No two jobs use the same database at once.
    pub fn for_each<T: Send>(
        &self,
        entries: &[Entry],
        job: impl Fn(&Entry, &Dsn) -> T + Sync,
    ) -> Result<Vec<T>> {
        let next = AtomicUsize::new(0);
        let done: Mutex<Vec<(usize, T)>> = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|_| {
                    scope.spawn(|| {
                        let direct = self.clone_database()?;
                        loop {
                            let at = next.fetch_add(1, Ordering::Relaxed);
                            let Some(entry) = entries.get(at) else {
                                return anyhow::Ok(());
                            };
                            let result = job(entry, &direct);
                            done.lock()
                                .unwrap_or_else(PoisonError::into_inner)
                                .push((at, result));
                        }
                    })
                })
                .collect();
            workers.into_iter().try_for_each(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })?;
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_by_key(|(at, _)| *at);
        Ok(done.into_iter().map(|(_, result)| result).collect())
    }
}

/// The settings of `mask-columns`. A mask that shows a part of a value lets conditions ask for that part, which is no leak, but
/// the corpus cannot tell: where conditions see masks, the masks show nothing.
fn settings_for(place: Place) -> Result<String> {
    let settings = std::fs::read_to_string(folder().join("settings.toml"))?;
    let (value, settings) = match place {
        Place::Query => ("query", settings.replace("\"email\" }", "\"redact\" }")),
        Place::Result => ("result", settings),
    };
    ensure!(
        place == Place::Result || !settings.contains("method = \"email\""),
        "a mask that shows a part"
    );
    Ok(settings.replacen(
        "[mask-columns]",
        &format!("[mask-columns]\nwhere = \"{value}\""),
        1,
    ))
}

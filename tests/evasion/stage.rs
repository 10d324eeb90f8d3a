//! The fixture: a server of each version, a gateway with `mask-columns` for each place, and a database for each worker.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::{
    Dsn, Gateway, GatewayCommand, Postgres, PostgresSettings, Psql, Version, locate,
};
use tempfile::TempDir;

use crate::corpus::Entry;
use crate::secrets::Needles;

const TEMPLATE: &str = "attacked";
const TRUSTED: &str = "local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n";
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
    /// The server's major version.
    pub major: u32,
    /// What not every server has: extensions that can be installed, and `xml`.
    parts: BTreeSet<String>,
    gateway: Gateway,
    server: Postgres,
    pub needles: Needles,
    _folders: [TempDir; 2],
}

/// The folder of the test's files.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("evasion")
}

/// Runs a test on each version that is wanted for the place.
pub fn on_each_version(place: Place, test: impl Fn(&Stage) -> Result<()>) -> Result<()> {
    let mut failures = Vec::new();
    for version in versions(place)? {
        let stage = stage(place, version)?;
        let what = format!("PostgreSQL {}, {place:?}", stage.major);
        println!("{what}");
        if let Err(failure) = test(stage) {
            failures.push(format!("{what}: {failure:#}"));
        }
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// `EVASION_SERVERS` may be `all`, `installed` or `18`. By default the versions take a place each: what leaks does so mostly for
/// reasons that the two share.
fn versions(place: Place) -> Result<Vec<Version>> {
    let wanted = std::env::var("EVASION_SERVERS").ok();
    Ok(match (wanted.as_deref(), place) {
        (Some("all"), _) => Version::ALL.to_vec(),
        (Some("18"), _) | (None, Place::Query) => vec![Version::Eighteen],
        (Some("installed"), _) | (None, Place::Result) => vec![Version::Installed],
        (Some(other), _) => bail!("EVASION_SERVERS is all, installed or 18, not {other}"),
    })
}

/// The fixture shared by all tests of one place and version.
pub fn stage(place: Place, version: Version) -> Result<&'static Stage> {
    static STAGES: [OnceLock<Stage>; 4] = [const { OnceLock::new() }; 4];
    static START: Mutex<()> = Mutex::new(());
    let _one_at_a_time = START.lock().unwrap_or_else(PoisonError::into_inner);
    let at = 2 * usize::from(version == Version::Eighteen) + usize::from(place == Place::Query);
    if STAGES[at].get().is_none() {
        let _ = STAGES[at].set(Stage::start(place, version)?);
    }
    STAGES[at].get().context("the stage was set above")
}

impl Stage {
    fn start(place: Place, version: Version) -> Result<Self> {
        let mut settings = PostgresSettings::default()
            .version(version)
            .set("max_connections", "200")
            .set("shared_preload_libraries", "'pg_stat_statements'")
            .set("wal_level", "logical")
            .set("max_wal_senders", "4")
            .set("log_statement", "none");
        // Thousands of connections would spend most of the time on digests of the password.
        settings.host_based_access = Some(TRUSTED.to_owned());
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
        let number = Psql::new(&template)?.query("SHOW server_version_num")?;
        let stage = Self {
            place,
            major: number.parse::<u32>()? / 10_000,
            parts: parts(&template)?,
            gateway,
            server,
            needles,
            _folders: [policies, configured],
        };
        // A policy that was built for another gateway is not loaded, and then no attack can succeed.
        stage.in_own_database(|direct| {
            Psql::new(&stage.through(direct)?)?.query("SELECT id, email FROM people")
        })?;
        Ok(stage)
    }

    /// Whether the entry can be played here.
    pub fn takes(&self, entry: &Entry) -> bool {
        entry.only.is_none_or(|only| only == self.place)
            && entry.needs.iter().all(|part| self.parts.contains(part))
            && entry.since.is_none_or(|first| first <= self.major)
            && entry.until.is_none_or(|last| self.major <= last)
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

fn parts(dsn: &Dsn) -> Result<BTreeSet<String>> {
    let extensions = Psql::new(dsn)?.query("SELECT name FROM pg_available_extensions")?;
    let mut parts: BTreeSet<String> = extensions.lines().map(str::to_owned).collect();
    if Psql::new(dsn)?.query("SELECT xmlcomment('')").is_ok() {
        parts.insert("xml".to_owned());
    }
    Ok(parts)
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

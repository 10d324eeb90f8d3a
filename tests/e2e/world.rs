//! The shared fixture: one PostgreSQL server for all tests, a database and a gateway for each.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};
use gatewright_harness::{
    Dsn, Gateway, GatewayCommand, Postgres, PostgresSettings, Psql, Version, locate,
};
use gatewright_tests::raw::Client;
use tempfile::TempDir;

/// The server shared by all tests. It logs every statement and ends with the test process.
pub fn postgres() -> Result<&'static Postgres> {
    postgres_of(Version::Installed)
}

/// The shared server of this version.
pub fn postgres_of(version: Version) -> Result<&'static Postgres> {
    static SERVERS: [OnceLock<Postgres>; 2] = [const { OnceLock::new() }; 2];
    static START: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one_at_a_time = START
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let [installed, eighteen] = &SERVERS;
    let server = match version {
        Version::Installed => installed,
        Version::Eighteen => eighteen,
    };
    if server.get().is_none() {
        let settings = PostgresSettings::default()
            .version(version)
            .set("max_connections", "500")
            .set("max_prepared_transactions", "10");
        let _ = server.set(Postgres::start_with(&settings)?);
    }
    server.get().context("the server was set above")
}

/// A new database named after the test.
pub fn database(test: &str) -> Result<Dsn> {
    database_of(Version::Installed, test)
}

/// The same with this version of PostgreSQL.
pub fn database_of(version: Version, test: &str) -> Result<Dsn> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("{test}_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    postgres_of(version)?.create_database(&name)
}

/// A database with a gateway in front of it.
pub struct World {
    pub gateway: Gateway,
    /// The database, bypassing the gateway.
    pub direct: Dsn,
    /// The directory of policies.
    pub policies: TempDir,
}

impl World {
    /// `gatewright dev` with bundled policies and their settings (TOML).
    pub fn with_policies(test: &str, names: &[&str], settings: &str) -> Result<Self> {
        Self::of_version(Version::Installed, test, names, settings)
    }

    /// The same with this version of PostgreSQL.
    pub fn of_version(
        version: Version,
        test: &str,
        names: &[&str],
        settings: &str,
    ) -> Result<Self> {
        let policies = tempfile::tempdir()?;
        for name in names {
            std::fs::copy(bundled(name)?, policies.path().join(format!("{name}.wasm")))?;
        }
        Self::build(version, test, policies, settings)
    }

    /// `gatewright dev` with this directory of policies.
    pub fn with_directory(test: &str, policies: TempDir, settings: &str) -> Result<Self> {
        Self::build(Version::Installed, test, policies, settings)
    }

    /// The same with more arguments for `gatewright dev`.
    pub fn with_arguments(
        version: Version,
        test: &str,
        names: &[&str],
        settings: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        let policies = tempfile::tempdir()?;
        for name in names {
            std::fs::copy(bundled(name)?, policies.path().join(format!("{name}.wasm")))?;
        }
        Self::build_with(version, test, policies, settings, arguments)
    }

    fn build(version: Version, test: &str, policies: TempDir, settings: &str) -> Result<Self> {
        Self::build_with(version, test, policies, settings, &[])
    }

    fn build_with(
        version: Version,
        test: &str,
        policies: TempDir,
        settings: &str,
        arguments: &[&str],
    ) -> Result<Self> {
        let direct = database_of(version, test)?;
        let file = policies.path().join("settings.toml");
        std::fs::write(&file, settings)?;
        let command = GatewayCommand::dev(&postgres_of(version)?.dsn())
            .policies(policies.path())
            .settings(&file);
        let command = arguments
            .iter()
            .fold(command, |command, argument| command.argument(argument));
        let gateway = command.start()?;
        Ok(Self {
            gateway,
            direct,
            policies,
        })
    }

    /// The database through the gateway.
    pub fn dsn(&self) -> Result<Dsn> {
        self.gateway.database(&self.direct.database)
    }

    /// A connection through the gateway.
    pub fn client(&self) -> Result<Client> {
        Client::connect(&self.dsn()?)
    }

    /// Runs a script that must succeed, bypassing the gateway.
    pub fn prepare(&self, sql: &str) -> Result<String> {
        Psql::new(&self.direct)?.query(sql)
    }

    /// psql through the gateway.
    pub fn psql(&self) -> Result<Psql> {
        Psql::new(&self.dsn()?)
    }
}

/// A policy built by `cargo xtask policies`.
pub fn bundled(name: &str) -> Result<PathBuf> {
    let path = locate::target_directory()
        .join("policies")
        .join(format!("{name}.wasm"));
    if !path.is_file() {
        bail!(
            "{} does not exist. Build it: `cargo xtask policies` (`cargo xtask test` does)",
            path.display()
        );
    }
    Ok(path)
}

/// Replaces a file atomically: written beside, then renamed.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let beside = folder.join(format!(".{name}.new"));
    std::fs::write(&beside, bytes)?;
    std::fs::rename(beside, folder.join(name))?;
    Ok(())
}

/// Retries until `attempt` returns true, for at most 30 seconds.
pub fn eventually(what: &str, mut attempt: impl FnMut() -> Result<bool>) -> Result<()> {
    let start = std::time::Instant::now();
    while start.elapsed() < std::time::Duration::from_secs(30) {
        if attempt()? {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    bail!("timed out after 30 s waiting until {what}")
}

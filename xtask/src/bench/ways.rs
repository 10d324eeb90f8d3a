//! The routes to the server that are compared.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{
    Dsn, Gateway, GatewayCommand, PgBouncer, Postgres, PostgresSettings, Psql,
};
use tempfile::TempDir;

use super::Effort;
use crate::cargo;

/// A route to the server. All use TCP on 127.0.0.1 without TLS and password authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Direct,
    PgBouncer,
    AllowAll,
    Policies,
}

impl Way {
    pub const ALL: [Self; 4] = [
        Self::Direct,
        Self::PgBouncer,
        Self::AllowAll,
        Self::Policies,
    ];
}

const POLICIES: [&str; 3] = ["deny-list", "mask-columns", "row-limit"];

/// One column is masked, in one of two otherwise identical tables. The limits are never reached.
const SETTINGS: &str = r#"
[mask-columns]
columns = [{ column = "public.people_masked.email", method = "email" }]

[row-limit]
rows = 1000000000
bytes = 1000000000000
"#;

/// The running servers.
pub struct Ways {
    // Drop order: PostgreSQL's clients stop before it does.
    gateway_policies: Gateway,
    gateway_allow_all: Gateway,
    pgbouncer: PgBouncer,
    postgres: Postgres,
    _policies: TempDir,
}

impl Ways {
    /// Starts all of them and fills the database `bench`.
    pub fn start(gateway: &Path, built: &[PathBuf], effort: &Effort) -> Result<Self> {
        let connections = effort.idle + 100;
        let settings = PostgresSettings::default()
            // PgBouncer keeps idle server connections while the next route opens its own.
            .set("max_connections", &(2 * connections + 50).to_string())
            .set("shared_buffers", "'512MB'")
            .set("autovacuum", "off")
            .set("log_statement", "none");
        let postgres = Postgres::start_with(&settings)?;
        let database = postgres.create_database("bench")?;
        fill(&database, effort)?;

        let folder = tempfile::Builder::new()
            .prefix("gatewright-bench-")
            .tempdir()?;
        for name in POLICIES {
            let file = built
                .iter()
                .find(|path| path.file_stem().is_some_and(|stem| stem == name));
            let file = file.with_context(|| format!("no {name}.wasm was built"))?;
            std::fs::copy(file, folder.path().join(format!("{name}.wasm")))?;
        }
        let settings = folder.path().join("settings.toml");
        std::fs::write(&settings, SETTINGS)?;

        let command = || {
            GatewayCommand::dev(&postgres.dsn())
                .binary(gateway)
                .environment("RUST_LOG", "warn")
        };
        Ok(Self {
            gateway_policies: command()
                .policies(folder.path())
                .settings(&settings)
                .start()?,
            gateway_allow_all: command().start()?,
            pgbouncer: PgBouncer::start(&postgres.dsn(), connections)?,
            postgres,
            _policies: folder,
        })
    }

    /// The URL for clients of this route.
    pub fn dsn(&self, way: Way) -> Result<Dsn> {
        Ok(match way {
            Way::Direct => self.postgres.dsn().with_database("bench"),
            Way::PgBouncer => self.pgbouncer.dsn().with_database("bench"),
            Way::AllowAll => self.gateway_allow_all.database("bench")?,
            Way::Policies => self.gateway_policies.database("bench")?,
        })
    }

    /// Fails unless the policies are in force; otherwise the numbers would be meaningless.
    pub fn check(&self) -> Result<()> {
        let email = "SELECT email FROM people_masked WHERE id = 1";
        let direct = Psql::new(&self.dsn(Way::Direct)?)?.query(email)?;
        let allowed = Psql::new(&self.dsn(Way::AllowAll)?)?.query(email)?;
        let masked = Psql::new(&self.dsn(Way::Policies)?)?.query(email)?;
        ensure!(
            direct == allowed && direct != masked,
            "the email address must be masked with the policies and only with them"
        );
        let refused = Psql::new(&self.dsn(Way::Policies)?)?.query("DELETE FROM people_masked");
        ensure!(
            refused.is_err(),
            "deny-list let an unbounded DELETE through"
        );
        Ok(())
    }

    /// The resident memory of the process between client and server; `None` if there is none.
    pub fn resident_bytes(&self, way: Way) -> Result<Option<u64>> {
        Ok(match way {
            Way::Direct => None,
            Way::PgBouncer => Some(self.pgbouncer.process().resident_bytes()?),
            Way::AllowAll => Some(self.gateway_allow_all.process().resident_bytes()?),
            Way::Policies => Some(self.gateway_policies.process().resident_bytes()?),
        })
    }
}

fn fill(database: &Dsn, effort: &Effort) -> Result<()> {
    super::workload::pgbench(database, &["--initialize", "--quiet", "--scale=10"])?;
    let rows = effort.rows;
    Psql::new(database)?.query(&format!(
        "CREATE TABLE people (id integer, name text, email text, joined timestamptz, balance numeric(12, 2));
         INSERT INTO people SELECT i, 'Customer number ' || i, 'customer' || i || '@example.com',
             timestamptz '2024-01-01' + i * interval '1 minute', (i % 1000000) / 100.0 FROM generate_series(1, {rows}) AS i;
         CREATE TABLE people_masked AS SELECT * FROM people;
         VACUUM (ANALYZE, FREEZE) people;
         VACUUM (ANALYZE, FREEZE) people_masked;"
    ))?;
    Ok(())
}

/// The path of the bench client.
pub fn client() -> PathBuf {
    gatewright_harness::locate::target_directory()
        .join(cargo::Profile::Release.folder())
        .join("bench-client")
}

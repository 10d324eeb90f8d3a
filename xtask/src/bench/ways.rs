//! The routes to the server that are compared.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::{
    Child, Dsn, Gateway, GatewayCommand, PgBouncer, Postgres, PostgresSettings, Psql,
};
use tempfile::TempDir;

use super::Effort;
use super::workload::{Masked, Policies};
use crate::cargo;

/// A route to the server. All use TCP on 127.0.0.1 without TLS and password authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Direct,
    PgBouncer,
    AllowAll,
    Policies,
    BaselineAllowAll,
    BaselinePolicies,
}

impl Way {
    /// The routes of every run.
    pub const ALL: [Self; 4] = [
        Self::Direct,
        Self::PgBouncer,
        Self::AllowAll,
        Self::Policies,
    ];
    /// The routes that compare two builds of the gateway, old and new.
    pub const BUILDS: [Self; 4] = [
        Self::BaselineAllowAll,
        Self::AllowAll,
        Self::BaselinePolicies,
        Self::Policies,
    ];
    /// The number of routes.
    pub const COUNT: usize = 6;
}

/// A build of the gateway and of the policies.
pub struct Build {
    pub gateway: PathBuf,
    /// The directory with the built policies.
    pub policies: PathBuf,
}

impl Build {
    /// What `cargo xtask bench` has built in a target directory.
    pub fn within(target: &Path) -> Self {
        Self {
            gateway: target
                .join(cargo::Profile::Release.folder())
                .join("gatewright"),
            policies: target.join("policies"),
        }
    }
}

const POLICIES: [&str; 3] = ["deny-list", "mask-columns", "row-limit"];
/// Those that are asked about statements besides.
const MORE: [&str; 2] = ["approve-destructive", "guard-table"];
/// Looks into every result, so it is in force only where that is what is measured.
const INSPECTS: &str = "mask-content";

/// The tables with rows are alike but for their masks. The limits are never reached.
const SETTINGS: &str = r#"
[mask-columns]
columns = [
    { column = "public.people_masked.email", method = "email" },
    { column = "public.people_masked_in_result.email", method = "email", where = "result" },
    { column = "public.people_all_masked.id", method = "null" },
    { column = "public.people_all_masked.name", method = "redact" },
    { column = "public.people_all_masked.email", method = "email" },
    { column = "public.people_all_masked.joined", method = "null" },
    { column = "public.people_all_masked.balance", method = "null" },
    { column = "public.people_all_masked_in_result.id", method = "null", where = "result" },
    { column = "public.people_all_masked_in_result.name", method = "redact", where = "result" },
    { column = "public.people_all_masked_in_result.email", method = "email", where = "result" },
    { column = "public.people_all_masked_in_result.joined", method = "null", where = "result" },
    { column = "public.people_all_masked_in_result.balance", method = "null", where = "result" },
]

[row-limit]
rows = 1000000000
bytes = 1000000000000
"#;

/// The running servers.
pub struct Ways {
    // Drop order: PostgreSQL's clients stop before it does.
    current: Gateways,
    baseline: Option<Gateways>,
    pgbouncer: PgBouncer,
    postgres: Postgres,
}

/// Gateways of one build: without policies, with three, with five, and with three and one that inspects text.
struct Gateways {
    allow_all: Gateway,
    policies: Gateway,
    five: Gateway,
    inspecting: Gateway,
    _folders: [TempDir; 3],
}

/// A folder with these policies of the build and their settings.
fn folder(build: &Build, policies: &[&str]) -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("gatewright-bench-")
        .tempdir()?;
    for name in policies {
        let file = format!("{name}.wasm");
        let built = build.policies.join(&file);
        std::fs::copy(&built, folder.path().join(&file))
            .with_context(|| format!("copying {}", built.display()))?;
    }
    std::fs::write(folder.path().join("settings.toml"), SETTINGS)?;
    Ok(folder)
}

impl Gateways {
    fn start(build: &Build, postgres: &Postgres) -> Result<Self> {
        let folders = [
            folder(build, &POLICIES)?,
            folder(build, &[&POLICIES[..], &MORE].concat())?,
            folder(build, &[&POLICIES[..], &[INSPECTS]].concat())?,
        ];
        let command = || {
            GatewayCommand::dev(&postgres.dsn())
                .binary(&build.gateway)
                .environment("RUST_LOG", "warn")
        };
        let with = |folder: &TempDir| {
            let settings = folder.path().join("settings.toml");
            let command = command().policies(folder.path()).settings(&settings);
            command.start()
        };
        Ok(Self {
            allow_all: command().start()?,
            policies: with(&folders[0])?,
            five: with(&folders[1])?,
            inspecting: with(&folders[2])?,
            _folders: folders,
        })
    }
}

impl Gateways {
    fn with(&self, policies: Policies) -> &Gateway {
        match policies {
            Policies::Three => &self.policies,
            Policies::Five => &self.five,
            Policies::Inspecting => &self.inspecting,
        }
    }
}

impl Ways {
    /// Starts all of them and fills the database `bench`.
    pub fn start(current: &Build, baseline: Option<&Build>, effort: &Effort) -> Result<Self> {
        let connections = effort.idle.iter().max().copied().unwrap_or(0) + 100;
        let settings = PostgresSettings::default()
            // PgBouncer keeps idle server connections while the next route opens its own.
            .set("max_connections", &(2 * connections + 50).to_string())
            .set("shared_buffers", "'512MB'")
            .set("autovacuum", "off")
            .set("log_statement", "none");
        let postgres = Postgres::start_with(&settings)?;
        let database = postgres.create_database("bench")?;
        fill(&database, effort)?;

        Ok(Self {
            current: Gateways::start(current, &postgres)?,
            baseline: baseline
                .map(|build| Gateways::start(build, &postgres))
                .transpose()?,
            pgbouncer: PgBouncer::start(&postgres.dsn(), connections)?,
            postgres,
        })
    }

    /// The URL for clients of this route.
    pub fn dsn(&self, way: Way, policies: Policies) -> Result<Dsn> {
        Ok(match way {
            Way::Direct => self.postgres.dsn().with_database("bench"),
            Way::PgBouncer => self.pgbouncer.dsn().with_database("bench"),
            Way::AllowAll | Way::Policies | Way::BaselineAllowAll | Way::BaselinePolicies => {
                self.gateway(way, policies)?.database("bench")?
            }
        })
    }

    fn gateway(&self, way: Way, policies: Policies) -> Result<&Gateway> {
        let baseline = || self.baseline.as_ref().context("there is no baseline");
        Ok(match way {
            Way::AllowAll => &self.current.allow_all,
            Way::Policies => self.current.with(policies),
            Way::BaselineAllowAll => &baseline()?.allow_all,
            Way::BaselinePolicies => baseline()?.with(policies),
            Way::Direct | Way::PgBouncer => bail!("{way:?} has no gateway"),
        })
    }

    /// Fails unless the policies are in force; otherwise the numbers would be meaningless.
    pub fn check(&self) -> Result<()> {
        self.check_pair(Way::AllowAll, Way::Policies)?;
        if self.baseline.is_some() {
            self.check_pair(Way::BaselineAllowAll, Way::BaselinePolicies)?;
        }
        Ok(())
    }

    fn check_pair(&self, allow_all: Way, policies: Way) -> Result<()> {
        let email = "SELECT email FROM people_masked WHERE id = 1";
        let psql = |way| Psql::new(&self.dsn(way, Policies::Three)?);
        let direct = psql(Way::Direct)?.query(email)?;
        let allowed = psql(allow_all)?.query(email)?;
        let masked = psql(policies)?.query(email)?;
        ensure!(
            direct == allowed && direct != masked,
            "the email address must be masked with the policies and only with them"
        );
        let refused = psql(policies)?.query("DELETE FROM people_masked");
        ensure!(
            refused.is_err(),
            "deny-list let an unbounded DELETE through"
        );
        Ok(())
    }

    /// The process between client and server; `None` if there is none.
    pub fn process(&self, way: Way, policies: Policies) -> Result<Option<&Child>> {
        Ok(match way {
            Way::Direct => None,
            Way::PgBouncer => Some(self.pgbouncer.process()),
            _ => Some(self.gateway(way, policies)?.process()),
        })
    }
}

fn fill(database: &Dsn, effort: &Effort) -> Result<()> {
    super::measure::pgbench(database, &["--initialize", "--quiet", "--scale=10"])?;
    let (rows, table) = (effort.rows, Masked::Nothing.table());
    let psql = Psql::new(database)?;
    psql.query(&format!(
        "CREATE TABLE {table} (id integer, name text, email text, joined timestamptz, balance numeric(12, 2));
         INSERT INTO {table} SELECT i, 'Customer number ' || i, 'customer' || i || '@example.com',
             timestamptz '2024-01-01' + i * interval '1 minute', (i % 1000000) / 100.0 FROM generate_series(1, {rows}) AS i;
         VACUUM (ANALYZE, FREEZE) {table};"
    ))?;
    let masked = Masked::EVERY.into_iter();
    for copy in masked
        .filter(|masked| *masked != Masked::Nothing)
        .map(Masked::table)
    {
        psql.query(&format!(
            "CREATE TABLE {copy} AS SELECT * FROM {table}; VACUUM (ANALYZE, FREEZE) {copy};"
        ))?;
    }
    Ok(())
}

/// The path of the bench client.
pub fn client() -> PathBuf {
    gatewright_harness::locate::target_directory()
        .join(cargo::Profile::Release.folder())
        .join("bench-client")
}

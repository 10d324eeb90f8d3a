//! The routes to the server that are compared.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::{
    Child, Dsn, PgBouncer, Postgres, PostgresSettings, Provider, Psql, certificates,
};
use tempfile::TempDir;

use super::Effort;
use super::gateways::{Configured, Gateways, Recording};
use super::served;
use super::workload::{Masked, Workload};
use crate::cargo;

/// The database that all routes lead to.
pub const DATABASE: &str = "bench";
/// How long thousands of sessions may take to end.
const SECONDS_TO_END: u32 = 60;

/// A route to the server. All use TCP on 127.0.0.1 and password authentication, without TLS unless the workload is about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Direct,
    PgBouncer,
    AllowAll,
    Policies,
    BaselineAllowAll,
    BaselinePolicies,
    /// The same policies behind gateways with a configuration file, of which the first records nothing.
    Unrecorded,
    /// Statements are recorded, and written to disk at intervals.
    Statements,
    /// Statements and what they gave.
    Rows,
    /// The same, and statements wait until it is on disk that they are attempted.
    RowsOnDisk,
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
    /// The routes that show what recording costs.
    pub const RECORD: [Self; 4] = [
        Self::Unrecorded,
        Self::Statements,
        Self::Rows,
        Self::RowsOnDisk,
    ];
    /// The number of routes.
    pub const COUNT: usize = 10;
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

/// The running servers. Those that only some workloads need run only for them.
pub struct Ways {
    // Drop order: PostgreSQL's clients stop before it does.
    current: Gateways,
    baseline: Option<Gateways>,
    over_tls: Option<Configured>,
    crowded: Option<Configured>,
    recording: Option<Recording>,
    pgbouncer: PgBouncer,
    postgres: Postgres,
    _provider: Option<Provider>,
    _certificates: TempDir,
}

/// What is measured: the builds, the routes and the workloads.
pub struct Plan<'a> {
    pub current: &'a Build,
    pub baseline: Option<&'a Build>,
    pub routes: [Way; 4],
    pub workloads: &'a [Workload],
}

impl Ways {
    /// Starts all of them and fills the database `bench`.
    pub fn start(plan: &Plan<'_>, effort: &Effort) -> Result<Self> {
        let connections = effort.idle.iter().max().copied().unwrap_or(0) + 100;
        let folder = tempfile::Builder::new()
            .prefix("gatewright-bench-")
            .tempdir()?;
        certificates(folder.path())?;
        let file = |name: &str| folder.path().join(name);
        let settings = PostgresSettings {
            tls: Some((file("server.crt"), file("server.key"))),
            ..PostgresSettings::default()
        };
        let settings = settings
            .set("max_connections", &(connections + 50).to_string())
            .set("shared_buffers", "'512MB'")
            .set("autovacuum", "off")
            .set("log_statement", "none");
        let postgres = Postgres::start_with(&settings)?;
        fill(&postgres.create_database(DATABASE)?, effort)?;

        let tls = plan.workloads.iter().any(|workload| workload.tls());
        let crowd = plan.workloads.iter().any(|workload| workload.is_crowded());
        let record = plan.routes.contains(&Way::Statements);
        let provider = (tls || crowd || record)
            .then(served::provider)
            .transpose()?;
        let configured = |provider, certificates| {
            Configured::start(plan.current, &postgres, provider, certificates)
        };
        let recording = |provider| Recording::start(plan.current, &postgres, provider);
        Ok(Self {
            current: Gateways::start(plan.current, &postgres)?,
            baseline: plan
                .baseline
                .map(|build| Gateways::start(build, &postgres))
                .transpose()?,
            over_tls: provider
                .as_ref()
                .filter(|_| tls)
                .map(|provider| configured(provider, Some(folder.path())))
                .transpose()?,
            crowded: provider
                .as_ref()
                .filter(|_| crowd)
                .map(|provider| configured(provider, None))
                .transpose()?,
            recording: provider
                .as_ref()
                .filter(|_| record)
                .map(recording)
                .transpose()?,
            pgbouncer: PgBouncer::start(&postgres.dsn(), connections, Some(folder.path()))?,
            postgres,
            _provider: provider,
            _certificates: folder,
        })
    }

    /// The URL for clients of this route, and the process between them and the server; `None` if there is none.
    pub fn route(&self, way: Way, workload: Workload) -> Result<(Dsn, Option<&Child>)> {
        let baseline = || self.baseline.as_ref().context("there is no baseline");
        let policies = workload.policies();
        let gateway = match way {
            Way::Direct => {
                return Ok((self.postgres.dsn().with_database(DATABASE), None));
            }
            Way::PgBouncer => {
                let dsn = self.pgbouncer.dsn().with_database(DATABASE);
                return Ok((dsn, Some(self.pgbouncer.process())));
            }
            Way::AllowAll | Way::Policies if workload.tls() => {
                let served = self.over_tls.as_ref().context("no gateway has TLS")?;
                return served.of(way == Way::Policies).route();
            }
            Way::AllowAll | Way::Policies if workload.is_crowded() => {
                let served = self.crowded.as_ref().context("no gateway takes so many")?;
                return served.of(way == Way::Policies).route();
            }
            Way::Unrecorded | Way::Statements | Way::Rows | Way::RowsOnDisk => {
                let served = self.recording.as_ref().context("no gateway records")?;
                return served.of(way)?.route();
            }
            Way::AllowAll => &self.current.allow_all,
            Way::Policies => self.current.with(policies),
            Way::BaselineAllowAll => &baseline()?.allow_all,
            Way::BaselinePolicies => baseline()?.with(policies),
        };
        Ok((gateway.database(DATABASE)?, Some(gateway.process())))
    }

    /// Ends all sessions of the server. PgBouncer keeps its server connections, which would leave none for the next route.
    pub fn end_sessions(&self) -> Result<()> {
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
        let psql = Psql::new(&self.postgres.dsn())?;
        psql.query(end)?;
        let left = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'";
        for _ in 0..SECONDS_TO_END {
            // Gateways connect again.
            if psql.query(left)?.trim().parse::<u32>()? < 50 {
                return Ok(());
            }
            std::thread::sleep(Duration::from_secs(1));
        }
        bail!("sessions of the server have not ended")
    }

    /// Fails unless the policies are in force; otherwise the numbers would be meaningless.
    pub fn check(&self) -> Result<()> {
        let three = Workload::Pipeline { clients: 1 };
        let dsn = |way| -> Result<Dsn> { Ok(self.route(way, three)?.0) };
        let direct = dsn(Way::Direct)?;
        is_in_force(&direct, &dsn(Way::AllowAll)?, &dsn(Way::Policies)?)?;
        if self.baseline.is_some() {
            let (without, with) = (Way::BaselineAllowAll, Way::BaselinePolicies);
            is_in_force(&direct, &dsn(without)?, &dsn(with)?)?;
        }
        for configured in [&self.over_tls, &self.crowded].into_iter().flatten() {
            let [without, with] = [false, true].map(|policies| &configured.of(policies).dsn);
            is_in_force(&direct, without, with)?;
        }
        if let Some(recording) = &self.recording {
            for way in Way::RECORD {
                is_in_force(&direct, &dsn(Way::AllowAll)?, &recording.of(way)?.dsn)?;
            }
        }
        Ok(())
    }
}

fn is_in_force(direct: &Dsn, without: &Dsn, with: &Dsn) -> Result<()> {
    let email = "SELECT email FROM people_masked WHERE id = 1";
    let raw = Psql::new(direct)?.query(email)?;
    let allowed = Psql::new(without)?.query(email)?;
    let masked = Psql::new(with)?.query(email)?;
    ensure!(
        raw == allowed && raw != masked,
        "the email address must be masked with the policies and only with them"
    );
    let refused = Psql::new(with)?.query("DELETE FROM people_masked");
    ensure!(
        refused.is_err(),
        "deny-list let an unbounded DELETE through"
    );
    Ok(())
}

fn fill(database: &Dsn, effort: &Effort) -> Result<()> {
    super::measure::pgbench(database, false, &["--initialize", "--quiet", "--scale=10"])?;
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

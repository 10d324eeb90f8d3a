//! The requirements of the subcommands, with their descriptions and Debian packages.

use clap::ValueEnum;

/// A requirement of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Need {
    /// compiles PostgreSQL's parser
    CCompiler,
    /// required by bindgen to read PostgreSQL's parser
    Libclang,
    /// the standard library for wasm32-unknown-unknown, or Debian's compiler that includes it
    WasmTarget,
    /// initdb and postgres
    PostgresServer,
    Psql,
    Pgbench,
    #[value(name = "pgbouncer")]
    PgBouncer,
    /// Python with the drivers of tests/drivers/requirements.txt
    PythonDrivers,
    Node,
    Npm,
    /// node-postgres and its extensions
    NodeDrivers,
    /// the client of tests/drivers/sqlx
    SqlxDriver,
    /// the identity provider for tests
    OidcProvider,
    /// a browser for the tests of the console
    Chromium,
    /// what drives the browser
    BrowserDriver,
    /// counts instructions
    Valgrind,
    /// PostgreSQL 18: server, client programs and libpq
    #[value(name = "postgres18")]
    Postgres18,
    /// what the record is sent to: an S3-compatible server, the schema of OCSF, the messages of OTLP
    Receivers,
}

/// Requirements for building the gateway and the policies.
pub const BUILD: [Need; 3] = [Need::CCompiler, Need::Libclang, Need::WasmTarget];

/// Requirements for running the tests. A need that npm, Python or cargo installs follows the needs it depends on.
pub const TESTS: [Need; 15] = [
    Need::PostgresServer,
    Need::Psql,
    Need::Pgbench,
    Need::PgBouncer,
    Need::PythonDrivers,
    Need::Node,
    Need::Npm,
    Need::NodeDrivers,
    Need::SqlxDriver,
    Need::OidcProvider,
    Need::Chromium,
    Need::BrowserDriver,
    Need::Valgrind,
    Need::Postgres18,
    Need::Receivers,
];

impl Need {
    /// Whether it is installed into the target directory instead of from a system package.
    pub fn is_ours(self) -> bool {
        matches!(
            self,
            Self::OidcProvider
                | Self::Postgres18
                | Self::Receivers
                | Self::NodeDrivers
                | Self::BrowserDriver
                | Self::SqlxDriver
        )
    }

    pub fn what(self) -> &'static str {
        match self {
            Self::PostgresServer => "PostgreSQL's server programs (initdb, postgres), 13 or later",
            Self::Psql => "psql",
            Self::Pgbench => "pgbench",
            Self::PgBouncer => "PgBouncer",
            Self::Libclang => "libclang",
            Self::CCompiler => "a C compiler (cc)",
            Self::WasmTarget => "a Rust standard library for wasm32",
            Self::PythonDrivers => "Python with psycopg, asyncpg and pg8000",
            Self::NodeDrivers => "node-postgres (npm installs it)",
            Self::SqlxDriver => "the sqlx client for tests (cargo builds it)",
            Self::Node => "Node.js 18 or later",
            Self::Npm => "npm 7 or later",
            Self::OidcProvider => "the identity provider for tests (npm installs it)",
            Self::Chromium => "Chromium",
            Self::BrowserDriver => "playwright-core and axe-core (npm installs them)",
            Self::Valgrind => "valgrind with callgrind",
            Self::Postgres18 => "PostgreSQL 18 for tests (pip installs it)",
            Self::Receivers => {
                "an S3-compatible server, the schema of OCSF and the messages of OTLP (pip installs them)"
            }
        }
    }

    pub fn debian_packages(self) -> &'static [&'static str] {
        match self {
            Self::PostgresServer | Self::Pgbench => &["postgresql"],
            Self::Psql => &["postgresql-client"],
            Self::PgBouncer => &["pgbouncer"],
            Self::Libclang => &["libclang-dev"],
            Self::CCompiler => &["gcc", "libc6-dev"],
            Self::WasmTarget => &["rustc-web", "rust-web-src"],
            Self::PythonDrivers | Self::Postgres18 | Self::Receivers => &["python3-venv"],
            Self::Chromium => &["chromium"],
            Self::Valgrind => &["valgrind"],
            Self::SqlxDriver => &[],
            Self::Node => &["nodejs"],
            Self::Npm | Self::NodeDrivers | Self::OidcProvider | Self::BrowserDriver => &["npm"],
        }
    }
}

/// The packages that provide all of `needs`, without duplicates.
pub fn packages(needs: impl IntoIterator<Item = Need>) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs
        .into_iter()
        .flat_map(|need| need.debian_packages())
        .copied()
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

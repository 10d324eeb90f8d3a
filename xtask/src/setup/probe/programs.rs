//! Checks of programs that are located and started: PostgreSQL's, PgBouncer, Node.js, Python, and the drivers for
//! tests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::{limited, locate};

use super::{ANSWER, LIMIT, answer, expect_answer, gist};

const OLDEST_POSTGRES: u32 = 13;
const OLDEST_NODE: u32 = 18;
/// Trusted Types, Fetch Metadata and `:has` are older.
const OLDEST_CHROMIUM: u32 = 120;
/// The first version that reads the lock files in tests.
const OLDEST_NPM: u32 = 7;

pub fn postgres_server() -> Result<()> {
    let folder = locate::postgres_bin()?;
    for name in ["initdb", "postgres"] {
        postgres_program(&folder.join(name), name, OLDEST_POSTGRES)?;
    }
    Ok(())
}

pub fn psql() -> Result<()> {
    postgres_program(&locate::psql()?, "psql", OLDEST_POSTGRES)
}

pub fn pgbench() -> Result<()> {
    postgres_program(&locate::pgbench()?, "pgbench", OLDEST_POSTGRES)
}

pub fn postgres18() -> Result<()> {
    let folder = locate::postgres18()?;
    for name in ["initdb", "postgres", "psql", "pgbench"] {
        postgres_program(&folder.join("bin").join(name), name, 18)?;
    }
    let libpq = locate::libpq18()?;
    ensure!(libpq.is_file(), "{} does not exist", libpq.display());
    Ok(())
}

/// Runs a program under callgrind.
pub fn valgrind() -> Result<()> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    expect_answer(command.args(["echo", ANSWER]), LIMIT)
}

pub fn pgbouncer() -> Result<()> {
    version(&locate::pgbouncer()?, "PgBouncer ", 1)
}

pub fn node() -> Result<()> {
    let node = locate::node()?;
    let script = "console.log(6 * 7, process.versions.node)";
    let said = answer(Command::new(&node).args(["-e", script]), LIMIT)?;
    at_least(&node, &said, "42 ", OLDEST_NODE)
}

pub fn npm() -> Result<()> {
    version(&locate::program("npm", "npm")?, "", OLDEST_NPM)
}

pub fn python_drivers() -> Result<()> {
    let script = "import psycopg, asyncpg, pg8000; print(6 * 7)";
    expect_answer(
        Command::new(locate::python_with_drivers()?).args(["-c", script]),
        LIMIT,
    )
}

pub fn receivers() -> Result<()> {
    let script = "import moto.server, ocsf_json_schema, jsonschema, opentelemetry.proto, duckdb; print(6 * 7)";
    expect_answer(
        Command::new(locate::python_with_drivers()?)
            .args(["-c", script])
            .env("PYTHONPATH", locate::receivers()?),
        LIMIT,
    )
}

pub fn node_drivers() -> Result<()> {
    let script =
        "['pg', 'pg-cursor', 'pg-copy-streams'].forEach(name => require(name)); console.log(6 * 7)";
    expect_answer(
        Command::new(locate::node()?)
            .args(["--input-type=commonjs", "-e", script])
            .current_dir(locate::node_drivers()?),
        LIMIT,
    )
}

pub fn oidc_provider() -> Result<()> {
    let script = "await import('oidc-provider'); console.log(6 * 7)";
    expect_answer(
        Command::new(locate::node()?)
            .args(["--input-type=module", "-e", script])
            .current_dir(locate::oidc_provider()?),
        LIMIT,
    )
}

pub fn chromium() -> Result<()> {
    version(&locate::chromium()?, "Chromium ", OLDEST_CHROMIUM)
}

pub fn browser_driver() -> Result<()> {
    let script =
        "['playwright-core', 'axe-core'].forEach(name => require(name)); console.log(6 * 7)";
    expect_answer(
        Command::new(locate::node()?)
            .args(["--input-type=commonjs", "-e", script])
            .current_dir(locate::browser_driver()?),
        LIMIT,
    )
}

/// Without a database URL, the client must report that it lacks one.
pub fn sqlx_driver() -> Result<()> {
    let program = locate::sqlx_driver()?;
    let output = limited::output(Command::new(&program).env_remove("DSN"), LIMIT)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        said.contains("DSN is not set"),
        "{} ran, but printed `{}`",
        program.display(),
        gist(&said)
    );
    Ok(())
}

fn postgres_program(program: &Path, name: &str, oldest: u32) -> Result<()> {
    version(program, &format!("{name} (PostgreSQL) "), oldest)
}

fn version(program: &Path, prefix: &str, oldest: u32) -> Result<()> {
    let said = answer(Command::new(program).arg("--version"), LIMIT)?;
    at_least(program, &said, prefix, oldest)
}

fn at_least(program: &Path, said: &str, prefix: &str, oldest: u32) -> Result<()> {
    let major = major(said, prefix)
        .with_context(|| format!("{} ran, but printed `{}`", program.display(), gist(said)))?;
    if major < oldest {
        bail!(
            "{} is version {major}; {oldest} or later is required",
            program.display()
        );
    }
    Ok(())
}

/// The number directly after `prefix`: 15 in `psql (PostgreSQL) 15.18 (Debian)`, 19 in `psql (PostgreSQL) 19beta1`.
fn major(said: &str, prefix: &str) -> Option<u32> {
    let rest = said.strip_prefix(prefix)?;
    let end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn parses_the_major_version() {
        let postgres = "psql (PostgreSQL) ";
        assert_eq!(
            major("psql (PostgreSQL) 15.18 (Debian)", postgres),
            Some(15)
        );
        assert_eq!(major("psql (PostgreSQL) 19beta1", postgres), Some(19));
        assert_eq!(major("psql (EnterpriseDB) 15.1", postgres), None);
        assert_eq!(major("PgBouncer 1.18.0\nlibevent 2", "PgBouncer "), Some(1));
        assert_eq!(major("9.2.0", ""), Some(9));
        assert_eq!(major("", ""), None);
    }
}

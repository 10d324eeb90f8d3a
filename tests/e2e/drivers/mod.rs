//! Popular drivers, each with a script that covers its features: the output is the same directly and through the gateway,
//! and masked values are decoded. The scripts are in tests/drivers; psql, blocking psycopg and tokio-postgres are tested
//! in `differential`.

mod masked;
mod pgbench;
mod pgdump;
mod pipelines;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use gatewright_harness::{Dsn, Version, locate};

use crate::differential::{assert_same, both};

on_each_version!(
    psycopg_async_sees_no_difference,
    asyncpg_sees_no_difference,
    pg8000_sees_no_difference,
    node_postgres_sees_no_difference,
    sqlx_sees_no_difference,
);

fn psycopg_async_sees_no_difference(version: Version) -> Result<()> {
    compare(version, &Client::python("psycopg_async.py")?)
}

fn asyncpg_sees_no_difference(version: Version) -> Result<()> {
    compare(version, &Client::python("asyncpg_script.py")?)
}

fn pg8000_sees_no_difference(version: Version) -> Result<()> {
    compare(version, &Client::python("pg8000_script.py")?)
}

fn node_postgres_sees_no_difference(version: Version) -> Result<()> {
    compare(version, &Client::node()?)
}

fn sqlx_sees_no_difference(version: Version) -> Result<()> {
    compare(version, &Client::sqlx()?)
}

/// A program that prints what its driver sees in the database at `DSN`.
struct Client {
    name: &'static str,
    program: PathBuf,
    script: Option<PathBuf>,
}

impl Client {
    fn python(script: &'static str) -> Result<Self> {
        Ok(Self {
            name: script,
            program: locate::python_with_drivers()?,
            script: Some(scripts().join(script)),
        })
    }

    fn node() -> Result<Self> {
        Ok(Self {
            name: "node.mjs",
            program: locate::node()?,
            script: Some(scripts().join("node.mjs")),
        })
    }

    fn sqlx() -> Result<Self> {
        Ok(Self {
            name: "sqlx",
            program: locate::sqlx_driver()?,
            script: None,
        })
    }

    fn run(&self, dsn: &Dsn, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .args(&self.script)
            .args(arguments)
            .env("DSN", dsn.url())
            .env("DRIVERS", locate::node_drivers()?)
            .env("PGTZ", "UTC")
            .env("TZ", "UTC")
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success() && text.contains("end of the script"),
            "{} failed ({}):\n{text}\n{}",
            self.name,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(text)
    }
}

fn scripts() -> PathBuf {
    locate::workspace().join("tests/drivers")
}

fn compare(version: Version, client: &Client) -> Result<()> {
    let (direct, through) = both(version, "drivers", |dsn| client.run(dsn, &[]))?;
    assert!(direct.lines().count() > 15, "{direct}");
    assert_same(&direct, &through);
    Ok(())
}

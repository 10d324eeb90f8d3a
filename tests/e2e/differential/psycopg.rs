//! psycopg: one Python script, run directly and through the gateway.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use gatewright_harness::{Version, locate};

use super::{assert_same, both};

on_each_version!(psycopg_sees_no_difference);

fn psycopg_sees_no_difference(version: Version) -> Result<()> {
    let python = locate::python_with_psycopg()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/differential/psycopg_script.py");
    let (direct, through) = both(version, "diff_psycopg", |dsn| {
        let output = Command::new(&python)
            .arg(&script)
            .env("DSN", dsn.url())
            .env("PGTZ", "UTC")
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the script failed:\n{errors}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    })?;
    assert!(direct.contains("end of the script"), "{direct}");
    assert_same(&direct, &through);
    Ok(())
}

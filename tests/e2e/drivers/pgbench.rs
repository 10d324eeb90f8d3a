//! pgbench in every mode, with and without pipelines: the balances add up.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use gatewright_harness::{Dsn, GatewayCommand, Postgres, PostgresSettings, Psql, Version};

const PIPELINE: &str = "\\set aid random(1, 100000)
\\set delta random(-5000, 5000)
\\startpipeline
BEGIN;
UPDATE pgbench_accounts SET abalance = abalance + :delta WHERE aid = :aid;
SELECT abalance FROM pgbench_accounts WHERE aid = :aid;
UPDATE pgbench_tellers SET tbalance = tbalance + :delta WHERE tid = 1;
UPDATE pgbench_branches SET bbalance = bbalance + :delta WHERE bid = 1;
INSERT INTO pgbench_history (tid, bid, aid, delta, mtime) VALUES (1, 1, :aid, :delta, CURRENT_TIMESTAMP);
END;
\\endpipeline
";

const CLIENTS: usize = 4;
const TRANSACTIONS: usize = 20;

on_each_version!(pgbench_runs_in_every_mode);

fn pgbench_runs_in_every_mode(version: Version) -> Result<()> {
    let server = Postgres::start_with(&PostgresSettings::default().version(version))?;
    let gateway = GatewayCommand::dev(&server.dsn()).start()?;
    let direct = server.create_database("bench")?;
    let dsn = gateway.database("bench")?;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("pipeline.sql");
    std::fs::write(&script, PIPELINE)?;

    pgbench(version, &dsn, &["--initialize", "--scale=1", "--quiet"])?;
    let modes = ["simple", "extended", "prepared"];
    for mode in modes {
        run(version, &dsn, mode, None)?;
    }
    for mode in ["extended", "prepared"] {
        run(version, &dsn, mode, Some(&script))?;
    }
    let sums = Psql::new(&direct)?.query(
        "SELECT count(*), sum(delta) = (SELECT sum(abalance) FROM pgbench_accounts),
            sum(delta) = (SELECT sum(tbalance) FROM pgbench_tellers),
            sum(delta) = (SELECT sum(bbalance) FROM pgbench_branches) FROM pgbench_history",
    )?;
    let done = 5 * CLIENTS * TRANSACTIONS;
    assert_eq!(sums, format!("{done}|t|t|t"));
    Ok(())
}

fn run(version: Version, dsn: &Dsn, mode: &str, script: Option<&Path>) -> Result<()> {
    let mut arguments = vec![
        format!("--protocol={mode}"),
        format!("--client={CLIENTS}"),
        format!("--transactions={TRANSACTIONS}"),
        "--jobs=2".to_owned(),
        "--no-vacuum".to_owned(),
    ];
    arguments.extend(script.map(|script| format!("--file={}", script.display())));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = pgbench(version, dsn, &arguments)?;
    let done = CLIENTS * TRANSACTIONS;
    ensure!(
        report.contains(&format!("processed: {done}/{done}")),
        "{mode}: {report}"
    );
    Ok(())
}

fn pgbench(version: Version, dsn: &Dsn, arguments: &[&str]) -> Result<String> {
    let output = Command::new(version.client("pgbench")?)
        .args(arguments)
        .args(["--host", &dsn.host, "--port", &dsn.port.to_string()])
        .args(["--username", &dsn.user, &dsn.database])
        .env("PGPASSWORD", &dsn.password)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "pgbench {arguments:?}: {text}{errors}"
    );
    Ok(text)
}

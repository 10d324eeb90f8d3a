//! Drivers that keep prepared statements, many connections of each on few server connections: what they see is what they see on
//! connections of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use gatewright_harness::{Dsn, Psql, Version, locate};
use tokio_postgres::NoTls;

use super::pooled;
use crate::differential::assert_same;
use crate::world::database_of;

const POOL: &str = "pool = \"transaction\"\npool_size = 3\npool_wait = \"60s\"";

const SCHEMA: &str = "CREATE TABLE items (id int PRIMARY KEY, label text);
    INSERT INTO items SELECT i, 'item ' || i FROM generate_series(0, 9) AS i;
    CREATE TABLE work (id serial, client int, i int NOT NULL);
    CREATE TYPE mood AS ENUM ('sad', 'happy');";

on_each_version!(
    asyncpg_keeps_its_statements,
    psycopg_keeps_its_statements,
    node_postgres_keeps_its_statements,
    tokio_postgres_keeps_its_statements,
    pgbench_runs_in_every_mode,
);

fn asyncpg_keeps_its_statements(version: Version) -> Result<()> {
    let program = locate::python_with_drivers()?;
    compare(version, "tx_asyncpg", |dsns| {
        script(&program, "pooled_asyncpg.py", dsns)
    })
}

fn psycopg_keeps_its_statements(version: Version) -> Result<()> {
    let program = locate::python_with_drivers()?;
    compare(version, "tx_psycopg", |dsns| {
        script(&program, "pooled_psycopg.py", dsns)
    })
}

fn node_postgres_keeps_its_statements(version: Version) -> Result<()> {
    let program = locate::node()?;
    compare(version, "tx_node", |dsns| {
        script(&program, "pooled.mjs", dsns)
    })
}

fn tokio_postgres_keeps_its_statements(version: Version) -> Result<()> {
    compare(version, "tx_tokio", |dsns| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let clients = (0..12).map(|number| tokio_client(&dsns[number % dsns.len()], number));
        Ok(runtime.block_on(try_join_all(clients))?.join("\n"))
    })
}

async fn tokio_client(dsn: &Dsn, number: usize) -> Result<String> {
    let (mut client, connection) = tokio_postgres::connect(&dsn.url(), NoTls).await?;
    let talk = async move {
        let number = i32::try_from(number)?;
        let sum = client.prepare("SELECT $1::int + $2::int").await?;
        let insert = client
            .prepare("INSERT INTO work (client, i) VALUES ($1, $2)")
            .await?;
        let label = client
            .prepare("SELECT label FROM items WHERE id = $1")
            .await?;
        let mut seen = Vec::new();
        for i in 0..30 {
            seen.push(
                client
                    .query_one(&sum, &[&number, &i])
                    .await?
                    .get::<_, i32>(0)
                    .to_string(),
            );
            seen.push(
                client
                    .query_one(&label, &[&(i % 5)])
                    .await?
                    .get::<_, String>(0),
            );
            let transaction = client.transaction().await?;
            transaction.execute(&insert, &[&number, &i]).await?;
            let rows = transaction
                .query(
                    "SELECT i FROM work WHERE client = $1 ORDER BY i DESC LIMIT 3",
                    &[&number],
                )
                .await?;
            seen.push(format!(
                "{:?}",
                rows.iter()
                    .map(|row| row.get::<_, i32>(0))
                    .collect::<Vec<_>>()
            ));
            if i % 4 == 3 {
                transaction.rollback().await?;
            } else {
                transaction.commit().await?;
            }
            if i % 7 == 2 {
                let failed = client.execute(&insert, &[&number, &None::<i32>]).await;
                seen.push(format!(
                    "{:?}",
                    failed.err().and_then(|error| error.code().cloned())
                ));
            }
        }
        Ok::<_, anyhow::Error>(seen.join(" "))
    };
    let (seen, connected) = tokio::join!(talk, connection);
    connected?;
    seen
}

fn pgbench_runs_in_every_mode(version: Version) -> Result<()> {
    let served = pooled(
        version,
        "tx_pgbench",
        "pool = \"transaction\"\npool_size = 2\npool_wait = \"60s\"",
    )?;
    let direct = &served.direct;
    let through = served.dsn("ada")?;
    pgbench(version, direct, &["--initialize", "--scale=1", "--quiet"])?;
    // A thread of pgbench waits for one of its clients at a time, so each has its own: or they would wait for each other.
    for mode in ["simple", "extended", "prepared"] {
        let protocol = format!("--protocol={mode}");
        pgbench(
            version,
            &through,
            &[
                &protocol,
                "--client=8",
                "--jobs=8",
                "--transactions=25",
                "--no-vacuum",
            ],
        )?;
    }
    let sums = Psql::new(direct)?.query(
        "SELECT count(*), sum(delta) = (SELECT sum(abalance) FROM pgbench_accounts),
            sum(delta) = (SELECT sum(bbalance) FROM pgbench_branches) FROM pgbench_history",
    )?;
    assert_eq!(sums.trim(), "600|t|t");
    Ok(())
}

fn pgbench(version: Version, dsn: &Dsn, arguments: &[&str]) -> Result<()> {
    let output = Command::new(version.client("pgbench")?)
        .args(arguments)
        .arg(&dsn.database)
        .env("PGHOST", &dsn.host)
        .env("PGPORT", dsn.port.to_string())
        .env("PGUSER", &dsn.user)
        .env("PGPASSWORD", &dsn.password)
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success() && !text.contains("aborted"),
        "{arguments:?}: {text}"
    );
    Ok(())
}

fn script(program: &PathBuf, name: &str, dsns: &[Dsn]) -> Result<String> {
    let urls: Vec<String> = dsns.iter().map(Dsn::url).collect();
    let path: PathBuf = Path::new("tests/drivers").join(name);
    let output = Command::new(program)
        .arg(locate::workspace().join(path))
        .env("DSNS", urls.join(" "))
        .env("DRIVERS", locate::node_drivers()?)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success() && text.contains("end of the script"),
        "{name} failed ({}):\n{text}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(text)
}

/// The same directly, and through a pool that three identities share.
fn compare(version: Version, test: &str, run: impl Fn(&[Dsn]) -> Result<String>) -> Result<()> {
    let served = pooled(version, test, POOL)?;
    let alone = database_of(version, test)?;
    for database in [&served.direct, &alone] {
        Psql::new(database)?.query(SCHEMA)?;
    }
    let own = run(&[alone]).context("directly")?;
    let subjects = ["ada", "grace", "joan"];
    let dsns = subjects
        .map(|subject| served.dsn(subject))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let shared = run(&dsns).with_context(|| served.gateway.log().unwrap_or_default())?;
    assert!(own.len() > 1000, "{own}");
    assert_same(&own, &shared);
    let same_identity = run(&dsns[..1]);
    // Its rows are there already, so only that it works is seen.
    same_identity.map(|_| ())
}

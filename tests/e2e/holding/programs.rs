//! Popular clients: held, approved, and rejected, with the session going on.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, locate};
use serde_json::Value;

use super::stage::{Api, DELETE, Stage};

/// Approves what a program sends first and rejects what it sends then.
fn decide(api: &Api) -> Result<()> {
    api.decide("DELETE FROM t WHERE n > ", "approve")?;
    api.decide("DELETE FROM t WHERE n < ", "reject")?;
    Ok(())
}

/// What a program prints that deletes what is above 5 and then below 3 in a transaction, rolls back to a savepoint, commits, and counts.
fn check(stage: &Stage, printed: &str) -> Result<()> {
    ensure!(printed.contains("42501"), "{printed}");
    ensure!(printed.contains(r#""decision":"rejected""#), "{printed}");
    ensure!(printed.trim_end().ends_with("left 5"), "{printed}");
    ensure!(stage.rows()? == "5");
    Ok(())
}

fn run(mut command: Command, stage: &Stage) -> Result<()> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let decided = decide(stage.api());
    let output = child.wait_with_output()?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    decided.with_context(|| format!("{printed}{errors}"))?;
    ensure!(output.status.success(), "{printed}{errors}");
    check(stage, &printed)
}

#[test]
fn psql_shows_the_notice_and_goes_on() -> Result<()> {
    let stage = Stage::start("holding_psql", &[DELETE])?;
    let api = stage.api().clone();
    let decider = std::thread::spawn(move || decide(&api));
    let script = "\\set VERBOSITY verbose\nBEGIN;\nDELETE FROM t WHERE n > 5;\nSAVEPOINT s;\nDELETE FROM t WHERE n < 3;\n\
                  ROLLBACK TO s;\nCOMMIT;\n\\echo :SQLSTATE\nSELECT 'left ' || count(*) FROM t;\n";
    let output = Psql::new(&stage.dsn()?)?.argument("-At").script(script)?;
    decider
        .join()
        .map_err(|_| anyhow::anyhow!("the decider panicked"))??;
    ensure!(
        output.stderr.contains("NOTICE:  01000: held for approval"),
        "{output:?}"
    );
    check(&stage, &format!("{}{}", output.stderr, output.stdout))
}

const PSYCOPG: &str = r#"
import os, psycopg
c = psycopg.connect(os.environ["DSN"])
c.execute("DELETE FROM t WHERE n > %s", (5,))
try:
    with c.transaction():
        c.execute("DELETE FROM t WHERE n < %s", (3,))
except psycopg.Error as e:
    print(e.sqlstate, e.diag.message_detail)
c.commit()
print("left", c.execute("SELECT count(*) FROM t").fetchone()[0])
"#;

const ASYNCPG: &str = r#"
import asyncio, asyncpg, os
async def main():
    c = await asyncpg.connect(os.environ["DSN"])
    async with c.transaction():
        await c.execute("DELETE FROM t WHERE n > $1", 5)
        try:
            async with c.transaction():
                await c.execute("DELETE FROM t WHERE n < $1", 3)
        except asyncpg.PostgresError as e:
            print(e.sqlstate, e.detail)
    print("left", await c.fetchval("SELECT count(*) FROM t"))
asyncio.run(main())
"#;

const NODE: &str = r#"
import { createRequire } from "node:module";
const pg = createRequire(`${process.env.DRIVERS}/package.json`)("pg");
const c = new pg.Client({ connectionString: process.env.DSN });
await c.connect();
await c.query("BEGIN");
await c.query("DELETE FROM t WHERE n > $1", [5]);
await c.query("SAVEPOINT s");
try {
  await c.query("DELETE FROM t WHERE n < $1", [3]);
} catch (e) {
  console.log(e.code, e.detail);
}
await c.query("ROLLBACK TO s");
await c.query("COMMIT");
console.log("left " + (await c.query("SELECT count(*) FROM t")).rows[0].count);
await c.end();
"#;

fn python(test: &str, script: &str) -> Result<()> {
    let stage = Stage::start(test, &[DELETE])?;
    let mut command = Command::new(locate::python_with_drivers()?);
    command.args(["-c", script]).env("DSN", stage.dsn()?.url());
    run(command, &stage)
}

#[test]
fn psycopg_is_held_and_goes_on() -> Result<()> {
    python("holding_psycopg", PSYCOPG)
}

#[test]
fn asyncpg_is_held_and_goes_on() -> Result<()> {
    python("holding_asyncpg", ASYNCPG)
}

#[test]
fn node_postgres_is_held_and_goes_on() -> Result<()> {
    let stage = Stage::start("holding_node", &[DELETE])?;
    let mut command = Command::new(locate::node()?);
    command
        .args(["--input-type=module", "-e", NODE])
        .env("DRIVERS", locate::node_drivers()?)
        .env("DSN", stage.dsn()?.url());
    run(command, &stage)
}

#[test]
fn tokio_postgres_is_held_and_goes_on() -> Result<()> {
    let stage = Stage::start("holding_tokio", &[DELETE])?;
    let api = stage.api().clone();
    let decider = std::thread::spawn(move || decide(&api));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let printed = runtime.block_on(async {
        let (mut client, connection) =
            tokio_postgres::connect(&stage.dsn()?.url(), tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let mut transaction = client.transaction().await?;
        transaction
            .execute("DELETE FROM t WHERE n > $1", &[&5])
            .await?;
        let inner = transaction.transaction().await?;
        let failed = inner
            .execute("DELETE FROM t WHERE n < $1", &[&3])
            .await
            .err();
        inner.rollback().await?;
        transaction.commit().await?;
        let error = failed.context("it is not refused")?;
        let error = error.as_db_error().context("an error of the server's")?;
        let left: i64 = client
            .query_one("SELECT count(*) FROM t", &[])
            .await?
            .get(0);
        let said: Value = serde_json::from_str(error.detail().unwrap_or_default())?;
        Ok::<_, anyhow::Error>(format!("{} {said}\nleft {left}", error.code().code()))
    })?;
    decider
        .join()
        .map_err(|_| anyhow::anyhow!("the decider panicked"))??;
    check(&stage, &printed)
}

#[test]
fn explain_says_that_an_approval_is_needed() -> Result<()> {
    let stage = Stage::start("holding_explain", &[DELETE])?;
    let explain = |json: &[&str]| {
        Command::new(locate::gateway()?)
            .args(["explain", "--upstream", &stage.direct.url(), "--policies"])
            .arg(stage.policies.path())
            .args(json)
            .arg("DELETE FROM t")
            .output()
            .context("gatewright explain")
    };
    let output = explain(&[])?;
    let page = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.code() == Some(3), "{output:?}");
    ensure!(
        page.contains("requires approval (asked)") && page.contains("permitted once approved"),
        "{page}"
    );
    let all: Value = serde_json::from_slice(&explain(&["--json"])?.stdout)?;
    ensure!(
        all[0]["needs_approval"] == true && all[0]["permitted"] == false,
        "{all}"
    );
    ensure!(stage.api().all()?.is_empty());
    Ok(())
}

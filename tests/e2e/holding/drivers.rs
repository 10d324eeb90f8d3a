//! Popular clients whose statement nobody decides, that cancel, and that are killed while it is held.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatewright_harness::locate;
use serde_json::Value;

use super::stage::{Api, DELETE, Stage, id};

/// How long a statement is held: each of them waits for it once.
const HOLD_MS: u64 = 5000;

/// What a program does: it deletes 1, which nobody decides, 2, which it cancels once it is held, and 3, with which it is killed.
fn stage(test: &str) -> Result<Stage> {
    Stage::with_limits(test, &[DELETE], HOLD_MS, 0)
}

/// Waits for the statement about this number. Returns the request.
fn pending(api: &Api, number: u8) -> Result<String> {
    id(&api.pending(&format!("n = {number} "))?)
}

fn withdrawn(api: &Api, held: &str, why: &str) -> Result<()> {
    let request = api.state(held, "withdrawn")?;
    ensure!(request["outcome"]["ended"] == why, "{request}");
    Ok(())
}

/// The request about this number, which has ended.
fn ended(api: &Api, number: u8) -> Result<String> {
    let text = format!("n = {number} ");
    let all = api.all()?;
    let found = all
        .iter()
        .find(|request| request["statement"].to_string().contains(&text));
    id(found.with_context(|| format!("no request for {number}"))?)
}

fn watch(stage: &Stage, mut child: Child) -> Result<()> {
    let output = BufReader::new(child.stdout.take().context("its output")?);
    let third = pending(stage.api(), 3);
    signal(&child, "KILL")?;
    child.wait()?;
    let printed: Vec<_> = output.lines().map_while(Result::ok).collect();
    let printed = printed.join("\n");
    let third = third.with_context(|| printed.clone())?;
    withdrawn(stage.api(), &third, "client left")?;
    withdrawn(stage.api(), &ended(stage.api(), 2)?, "cancelled")?;
    stage.api().state(&ended(stage.api(), 1)?, "expired")?;
    for part in ["42501", r#""decision":"expired""#, "57014", "alive 9"] {
        ensure!(printed.contains(part), "{part}: {printed}");
    }
    ensure!(stage.rows()? == "9");
    Ok(())
}

fn signal(child: &Child, name: &str) -> Result<()> {
    let sent = Command::new("kill")
        .args([format!("-{name}"), child.id().to_string()])
        .status()?;
    ensure!(sent.success(), "{sent}");
    Ok(())
}

fn program(test: &str, mut command: Command) -> Result<()> {
    let stage = stage(test)?;
    let child = command
        .env("DSN", stage.dsn()?.url())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    watch(&stage, child)
}

const PSYCOPG: &str = r#"
import os, psycopg, threading
c = psycopg.connect(os.environ["DSN"], autocommit=True)
def run(n):
    try:
        c.execute(f"DELETE FROM t WHERE n = {n} AND true")
    except psycopg.Error as e:
        print(e.sqlstate, e.diag.message_detail, flush=True)
run(1)
cancel = lambda notice: threading.Thread(target=c.cancel_safe).start()
c.add_notice_handler(cancel)
run(2)
c.remove_notice_handler(cancel)
print("alive", c.execute("SELECT count(*) FROM t").fetchone()[0], flush=True)
run(3)
"#;

const ASYNCPG: &str = r#"
import asyncio, asyncpg, os
async def main():
    c = await asyncpg.connect(os.environ["DSN"])
    try:
        await c.execute("DELETE FROM t WHERE n = 1 AND true")
    except asyncpg.PostgresError as e:
        print(e.sqlstate, e.detail, flush=True)
    held = asyncio.Event()
    noticed = lambda *_: held.set()
    c.add_log_listener(noticed)
    task = asyncio.create_task(c.execute("DELETE FROM t WHERE n = 2 AND true"))
    await held.wait()
    c.remove_log_listener(noticed)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        # It swallows the error that answers its cancel request.
        print("57014", flush=True)
    print("alive", await c.fetchval("SELECT count(*) FROM t"), flush=True)
    await c.execute("DELETE FROM t WHERE n = 3 AND true")
asyncio.run(main())
"#;

const NODE: &str = r#"
import { createRequire } from "node:module";
const pg = createRequire(`${process.env.DRIVERS}/package.json`)("pg");
const c = new pg.Client({ connectionString: process.env.DSN });
await c.connect();
const run = (query) => c.query(query).catch((e) => console.log(e.code, e.detail));
await run("DELETE FROM t WHERE n = 1 AND true");
const ended = new Promise((resolve) => {
  const query = new pg.Query("DELETE FROM t WHERE n = 2 AND true");
  query.on("error", (e) => { console.log(e.code); resolve(); });
  c.once("notice", () => new pg.Client({ connectionString: process.env.DSN }).cancel(c, query));
  c.query(query);
});
await ended;
console.log("alive " + (await c.query("SELECT count(*) FROM t")).rows[0].count);
await run("DELETE FROM t WHERE n = 3 AND true");
"#;

#[test]
fn psycopg_waits_cancels_and_dies() -> Result<()> {
    let mut command = Command::new(locate::python_with_drivers()?);
    command.args(["-c", PSYCOPG]);
    program("drivers_psycopg", command)
}

#[test]
fn asyncpg_waits_cancels_and_dies() -> Result<()> {
    let mut command = Command::new(locate::python_with_drivers()?);
    command.args(["-c", ASYNCPG]);
    program("drivers_asyncpg", command)
}

#[test]
fn node_postgres_waits_cancels_and_dies() -> Result<()> {
    let mut command = Command::new(locate::node()?);
    command
        .args(["--input-type=module", "-e", NODE])
        .env("DRIVERS", locate::node_drivers()?);
    program("drivers_node", command)
}

/// Who presses Ctrl+C has psql cancel the statement, and a script ends with it.
#[test]
fn psql_waits_cancels_and_dies() -> Result<()> {
    let stage = stage("drivers_psql")?;
    let api = stage.api();
    let psql = |statements: &[&str]| -> Result<Child> {
        let mut command = Command::new(locate::psql()?);
        command.args(["-X", "-At", "-v", "VERBOSITY=verbose", "-d"]);
        command.arg(stage.dsn()?.url());
        for statement in statements {
            command.args(["-c", statement]);
        }
        Ok(command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?)
    };
    let first = psql(&[
        "DELETE FROM t WHERE n = 1 AND true",
        "SELECT 'alive ' || count(*) FROM t",
        "DELETE FROM t WHERE n = 2 AND true",
    ])?;
    let second = pending(api, 2)?;
    signal(&first, "INT")?;
    let output = first.wait_with_output()?;
    withdrawn(api, &second, "cancelled")?;
    api.state(&ended(api, 1)?, "expired")?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    for part in ["42501", r#""decision":"expired""#, "alive 9", "57014"] {
        ensure!(printed.contains(part), "{part}: {printed}");
    }
    let mut other = psql(&["DELETE FROM t WHERE n = 3 AND true"])?;
    let third = pending(api, 3)?;
    signal(&other, "KILL")?;
    other.wait()?;
    withdrawn(api, &third, "client left")?;
    ensure!(stage.rows()? == "9");
    Ok(())
}

#[test]
fn tokio_postgres_waits_cancels_and_leaves() -> Result<()> {
    let stage = stage("drivers_tokio")?;
    let (api, url) = (stage.api().clone(), stage.dsn()?.url());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let leaving = runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        let connection = tokio::spawn(connection);
        let delete = async |number: u8| {
            let sql = format!("DELETE FROM t WHERE n = {number} AND true");
            let error = client.execute(&sql, &[]).await.err();
            error.context("it ran")
        };
        let held = async |number: u8| {
            let api = api.clone();
            tokio::task::spawn_blocking(move || pending(&api, number)).await?
        };
        let expired = delete(1).await?;
        let expired = expired.as_db_error().context("an error of the server's")?;
        let detail: Value = serde_json::from_str(expired.detail().unwrap_or_default())?;
        ensure!(
            expired.code().code() == "42501" && detail["decision"] == "expired",
            "{expired:?}"
        );
        let cancelling = async {
            let held = held(2).await?;
            let token = client.cancel_token();
            token.cancel_query(tokio_postgres::NoTls).await?;
            Ok::<_, anyhow::Error>(held)
        };
        let (cancelled, held_then) = tokio::join!(delete(2), cancelling);
        let code = cancelled?.code().context("a code")?.code().to_owned();
        ensure!(code == "57014", "{code}");
        withdrawn(&api, &held_then?, "cancelled")?;
        // Its connection is gone without a word.
        let leaving = async {
            let held = held(3).await?;
            connection.abort();
            Ok::<_, anyhow::Error>(held)
        };
        let (lost, leaving) = tokio::join!(delete(3), leaving);
        ensure!(lost?.is_closed(), "it was answered");
        leaving
    })?;
    withdrawn(stage.api(), &leaving, "client left")?;
    ensure!(stage.rows()? == "9");
    Ok(())
}

//! Pools of server connections: who gets which, what reaches nobody, and what a client is told.

mod drivers;
mod ends;
mod leftovers;
mod model;
mod policies;
mod prepared;
mod sharing;
mod tls;
mod transactions;
mod waiting;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{Client, Message, error};

use crate::served::Served;
use crate::world::eventually;

/// A gateway whose pool has these keys.
fn pooled(version: Version, test: &str, keys: &str) -> Result<Served> {
    Served::of_version(version, test, "", keys)
}

/// The first value of a query that must succeed.
fn value(client: &mut Client, sql: &str) -> Result<Option<String>> {
    first_value(&client.query(sql)?).with_context(|| sql.to_owned())
}

fn first_value(messages: &[Message]) -> Result<Option<String>> {
    ensure!(error(messages).is_none(), "{:?}", error(messages));
    let row = messages.iter().find(|message| message.tag == b'D');
    let row = row.context("no row")?;
    row.cells().into_iter().next().context("no column")
}

/// The server process behind the connection.
fn backend(client: &mut Client) -> Result<String> {
    value(client, "SELECT pg_backend_pid()")?.context("a process ID is not null")
}

/// The SQLSTATE of a query that must fail.
fn sqlstate(client: &mut Client, sql: &str) -> Result<String> {
    let messages = client.query(sql)?;
    let fields = error(&messages).with_context(|| format!("{sql} succeeded"))?;
    Ok(fields[&'C'].clone())
}

/// Waits until so many clients wait for a connection.
fn in_line(served: &Served, clients: usize) -> Result<()> {
    let line = format!("gatewright_pool_waiting_clients{{database=\"here\"}} {clients}\n");
    eventually(&format!("{clients} clients wait"), || {
        Ok(served.metrics()?.contains(&line))
    })
}

/// How many connections the role has to the test's database besides this one.
fn server_connections(served: &Served) -> Result<usize> {
    let count = Psql::new(&served.direct)?.query(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND application_name <> 'gatewright'",
    )?;
    Ok(count.trim().parse()?)
}

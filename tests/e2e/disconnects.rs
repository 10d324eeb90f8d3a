//! Clients that disconnect: half-closed, fully closed, in the middle of a statement. The server's state afterwards is
//! what it would be without a gateway, or is reached sooner.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use anyhow::Result;
use gatewright_harness::{Dsn, Psql};
use gatewright_tests::raw::{self, Client, Message, tags};

use crate::served::Served;
use crate::world::{World, eventually};

/// Reads every message until the connection ends.
fn to_the_end(client: &mut Client) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Ok(message) = client.receive() {
        messages.push(message);
    }
    messages
}

/// The transcript of a client that sends these bytes and then closes its sending side.
fn half_closed(dsn: &Dsn, bytes: &[u8]) -> Result<String> {
    let mut client = Client::connect(dsn)?;
    client.set_patience(Duration::from_secs(20))?;
    client.send(bytes)?;
    client.stream().shutdown(Shutdown::Write)?;
    Ok(tags(&to_the_end(&mut client)))
}

#[test]
fn a_half_closed_client_receives_what_the_server_would_send() -> Result<()> {
    let world = World::with_policies("leave_half", &[], "")?;
    world.prepare("CREATE TABLE kept (i int)")?;
    let slow = raw::query("SELECT 1, pg_sleep(1)");
    let pipeline = [
        raw::extended("SELECT 1, pg_sleep(1)", &[], 0),
        raw::sync(),
        raw::query("SELECT 2"),
        raw::query("INSERT INTO kept VALUES (1)"),
    ]
    .concat();
    let without_sync = raw::extended("SELECT 1", &[], 0);
    let flushed = [raw::extended("SELECT 1", &[], 0), raw::flush()].concat();
    let in_copy = [
        raw::query("COPY kept FROM STDIN"),
        raw::message(b'd', &[b"5\n"]),
    ]
    .concat();
    let in_transaction = raw::query("BEGIN; INSERT INTO kept VALUES (7)");
    let half_a_message = &raw::query("INSERT INTO kept VALUES (9)")[..20];
    for (what, bytes) in [
        ("a slow statement", &slow[..]),
        ("a pipeline", &pipeline),
        ("a batch without its Sync", &without_sync),
        ("a batch with Flush", &flushed),
        ("COPY", &in_copy),
        ("a transaction", &in_transaction),
        ("half a message", half_a_message),
    ] {
        let direct = half_closed(&world.direct, bytes)?;
        let through = half_closed(&world.dsn()?, bytes)?;
        assert_eq!(through, direct, "{what}");
    }
    // The pipeline's insert, once for each path, and nothing of the unfinished batches.
    assert_eq!(
        world.prepare("SELECT string_agg(i::text, ',') FROM kept")?,
        "1,1"
    );
    Ok(())
}

/// Waits until the server has no session in this database except this one.
fn wait_for_session_end(direct: &Dsn) -> Result<()> {
    let psql = Psql::new(direct)?;
    eventually("the server's session has ended", || {
        let count = psql.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND application_name <> 'gatewright'",
        )?;
        Ok(count == "0")
    })
}

#[test]
fn a_disconnected_client_ends_its_statement() -> Result<()> {
    let served = Served::start("leave_gone", "", "")?;
    // Unread bytes on close make the kernel reset the connection.
    let mut client = served.client("ada")?;
    let notice_and_sleep = "DO $$ BEGIN RAISE NOTICE 'here'; PERFORM pg_sleep(600); END $$";
    client.send(&raw::query(notice_and_sleep))?;
    let mut first = [0; 1];
    client.stream().peek(&mut first)?;
    drop(client);
    wait_for_session_end(&served.direct)
}

#[test]
fn disconnecting_during_a_result_ends_the_statement() -> Result<()> {
    let served = Served::start("leave_result", "", "")?;
    let mut client = served.client("ada")?;
    client.send(&raw::query(
        "SELECT repeat('x', 1000) FROM generate_series(1, 100000000)",
    ))?;
    for _ in 0..1000 {
        client.receive()?;
    }
    drop(client);
    wait_for_session_end(&served.direct)
}

#[test]
fn an_abandoned_copy_is_rolled_back() -> Result<()> {
    let served = Served::start("leave_copy", "", "")?;
    let psql = Psql::new(&served.direct)?;
    psql.query("CREATE TABLE kept (line text)")?;
    let mut client = served.client("ada")?;
    client.send(&raw::query("COPY kept FROM STDIN"))?;
    // The message is incomplete: Terminate must not be taken for its remaining bytes.
    let data = raw::message(b'd', &[&vec![b'x'; 200_000], b"\n"]);
    client.send(&data[..data.len() - 5])?;
    client.stream().flush()?;
    client.receive()?;
    drop(client);
    wait_for_session_end(&served.direct)?;
    assert_eq!(psql.query("SELECT count(*) FROM kept")?, "0");
    Ok(())
}

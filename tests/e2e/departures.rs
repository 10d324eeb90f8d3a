//! Clients that leave: half, wholly, in the middle of things. The server is left as it would be without a gateway, or
//! sooner.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use anyhow::Result;
use gatewright_harness::{Dsn, Psql};
use gatewright_tests::raw::{self, Client, Message, tags};

use crate::served::Served;
use crate::world::{World, eventually};

/// Everything up to the end of the connection.
fn to_the_end(client: &mut Client) -> Vec<Message> {
    let mut messages = Vec::new();
    while let Ok(message) = client.receive() {
        messages.push(message);
    }
    messages
}

/// What a client gets that sends all this and then closes its sending side.
fn half_closed(dsn: &Dsn, bytes: &[u8]) -> Result<String> {
    let mut client = Client::connect(dsn)?;
    client.set_patience(Duration::from_secs(20))?;
    client.send(bytes)?;
    client.stream().shutdown(Shutdown::Write)?;
    Ok(tags(&to_the_end(&mut client)))
}

#[test]
fn half_a_client_gets_what_it_would_get_without_a_gateway() -> Result<()> {
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
        ("a series without its Sync", &without_sync),
        ("a series with Flush", &flushed),
        ("COPY", &in_copy),
        ("a transaction", &in_transaction),
        ("half a message", half_a_message),
    ] {
        let direct = half_closed(&world.direct, bytes)?;
        let through = half_closed(&world.dsn()?, bytes)?;
        assert_eq!(through, direct, "{what}");
    }
    // Twice what the pipeline inserts, and nothing of what was not finished.
    assert_eq!(
        world.prepare("SELECT string_agg(i::text, ',') FROM kept")?,
        "1,1"
    );
    Ok(())
}

/// Waits until the server has no session in this database but the one that looks.
fn server_is_rid_of_it(direct: &Dsn) -> Result<()> {
    let psql = Psql::new(direct)?;
    eventually("the server's session is over", || {
        let count = psql.query(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_catalog%'",
        )?;
        Ok(count == "0")
    })
}

#[test]
fn a_client_that_is_gone_ends_its_statement() -> Result<()> {
    let served = Served::start("leave_gone", "", "")?;
    // Unread bytes at the time of closing make the system reset the connection.
    let mut client = served.client("ada")?;
    let notice_and_sleep = "DO $$ BEGIN RAISE NOTICE 'here'; PERFORM pg_sleep(600); END $$";
    client.send(&raw::query(notice_and_sleep))?;
    let mut first = [0; 1];
    client.stream().peek(&mut first)?;
    drop(client);
    server_is_rid_of_it(&served.direct)
}

#[test]
fn a_client_that_leaves_in_the_middle_of_a_result_ends_it() -> Result<()> {
    let served = Served::start("leave_result", "", "")?;
    let mut client = served.client("ada")?;
    client.send(&raw::query(
        "SELECT repeat('x', 1000) FROM generate_series(1, 100000000)",
    ))?;
    for _ in 0..1000 {
        client.receive()?;
    }
    drop(client);
    server_is_rid_of_it(&served.direct)
}

#[test]
fn a_copy_that_is_left_is_undone() -> Result<()> {
    let served = Served::start("leave_copy", "", "")?;
    let psql = Psql::new(&served.direct)?;
    psql.query("CREATE TABLE kept (line text)")?;
    let mut client = served.client("ada")?;
    client.send(&raw::query("COPY kept FROM STDIN"))?;
    // The length speaks of more than is sent, and Terminate must not be taken for the rest of it.
    let data = raw::message(b'd', &[&vec![b'x'; 200_000], b"\n"]);
    client.send(&data[..data.len() - 5])?;
    client.stream().flush()?;
    client.receive()?;
    drop(client);
    server_is_rid_of_it(&served.direct)?;
    assert_eq!(psql.query("SELECT count(*) FROM kept")?, "0");
    Ok(())
}

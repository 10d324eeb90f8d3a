//! What a client got is what the record says that it got, byte for byte.

use anyhow::{Result, ensure};
use gatewright_contract::Outcome;
use gatewright_harness::{Psql, Version};
use gatewright_record::Event;
use gatewright_record::event::{Decision, Stage};
use gatewright_tests::raw::{
    self, Client, bind, close, describe, execute, extended, message, parse, query, sync,
};

use super::fixture::{Recorded, Wiretap, delivered};

on_each_version!(what_psql_gets_is_recorded, what_a_driver_gets_is_recorded,);

const SCRIPT: &str = "
    SELECT id, name, email FROM customers ORDER BY id LIMIT 3;
    SELECT 1/0;
    DO $$ BEGIN RAISE NOTICE 'a notice'; END $$;
    COPY customers TO STDOUT;
    COPY (SELECT id, email FROM customers) TO STDOUT WITH (FORMAT csv, HEADER);
    BEGIN;
    DECLARE c CURSOR FOR SELECT * FROM customers ORDER BY id;
    FETCH 5 FROM c;
    MOVE 10 FROM c;
    FETCH 5 FROM c;
    COMMIT;
    SELECT no_such_column FROM customers;
    SELECT syntax error here from;
    INSERT INTO notes VALUES (1, 'one'), (2, 'two') RETURNING *;
    SELECT repeat('x', 300000), generate_series(1, 5);
    SELECT * FROM customers, generate_series(1, 200);
    SET application_name TO 'recorded';
";

fn what_psql_gets_is_recorded(version: Version) -> Result<()> {
    let recorded = Recorded::start(version, "record_psql", "durability = \"statement\"")?;
    let (tap, dsn) = Wiretap::before(&recorded.served.dsn("ada")?)?;
    let script = format!("{SCRIPT}\nCOPY notes FROM STDIN;\n3\tthree\n\\.\nSELECT * FROM notes;\n");
    let output = Psql::new(&dsn)?.script(&script)?;
    assert!(output.stdout.contains("three"), "{output:?}");
    let sessions = recorded.sessions(1)?;
    let (_, events) = &sessions[0];
    let (got, kept) = (tap.received()?, delivered(events));
    assert!(got.len() > 1_000_000, "{} bytes", got.len());
    ensure!(
        got == kept,
        "{} bytes came, {} are recorded",
        got.len(),
        kept.len()
    );
    let mut received = Vec::new();
    for event in events {
        if let Event::Received(event) = event {
            received.extend_from_slice(&event.bytes);
        }
    }
    assert!(received.windows(7).any(|bytes| bytes == b"3\tthree"));
    assert_ends_and_judgements(events)?;
    recorded.assert_verifies()
}

/// Extended messages, binary, suspended portals, errors in a pipeline, COPY both ways in pieces.
fn what_a_driver_gets_is_recorded(version: Version) -> Result<()> {
    let recorded = Recorded::start(version, "record_driver", "durability = \"interval\"")?;
    let (tap, dsn) = Wiretap::before(&recorded.served.dsn("ada")?)?;
    let mut client = Client::connect(&dsn)?;
    let select = "SELECT id, name, email FROM customers WHERE id < $1 ORDER BY id";
    for format in [0, 1] {
        client.send(&synced(
            "SELECT $1::int + 1, 'x'::text",
            &[Some("41")],
            format,
        ))?;
        client.until_ready()?;
        let pieces = [
            parse("s", select),
            bind("p", "s", &[Some("50")], format),
            describe(b'P', "p"),
            execute("p", 7),
            execute("p", 0),
            close(b'S', "s"),
            sync(),
        ];
        client.send(&pieces.concat())?;
        client.until_ready()?;
    }
    let failing = [
        synced("SELECT 1/0", &[], 0),
        synced("SELECT 2", &[], 1),
        query("SELECT pg_sleep(0); SELECT 'two statements'"),
    ];
    client.send(&failing.concat())?;
    for _ in 0..3 {
        client.until_ready()?;
    }
    client.send(&query("COPY notes FROM STDIN"))?;
    assert_eq!(client.receive()?.tag, b'G');
    let long = format!("7\t{}\n", "long ".repeat(60_000));
    client.send(&message(b'd', &[long.as_bytes()]))?;
    client.send(&message(b'c', &[]))?;
    client.until_ready()?;
    client.send(&synced("COPY notes TO STDOUT WITH BINARY", &[], 0))?;
    let copied = client.until_ready()?;
    assert!(raw::tags(&copied).contains('d'));
    drop(client);
    let sessions = recorded.sessions(1)?;
    let (_, events) = &sessions[0];
    let (got, kept) = (tap.received()?, delivered(events));
    ensure!(
        got == kept,
        "{} bytes came, {} are recorded",
        got.len(),
        kept.len()
    );
    assert_ends_and_judgements(events)?;
    let bound = events.iter().find_map(|event| match event {
        Event::Attempted(event) => event.parameters.first(),
        _ => None,
    });
    let bound = bound.and_then(|parameter| parameter.value.as_deref());
    assert_eq!(bound, Some(b"41".as_slice()));
    assert!(events.iter().any(|event| matches!(
        event,
        Event::Completed(event) if event.outcome == Outcome::Suspended
    )));
    let received: usize = events
        .iter()
        .map(|event| match event {
            Event::Received(event) => event.bytes.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(received, long.len() + 5 + 5);
    recorded.assert_verifies()
}

fn synced(sql: &str, parameters: &[Option<&str>], format: u8) -> Vec<u8> {
    [extended(sql, parameters, format), sync()].concat()
}

/// Every attempt was judged before and ends once, and nothing is out of order.
fn assert_ends_and_judgements(events: &[Event<'_>]) -> Result<()> {
    assert!(matches!(events.first(), Some(Event::Opened(_))));
    assert!(matches!(events.last(), Some(Event::Ended(_))));
    let mut judged = Vec::new();
    let mut open = Vec::new();
    let mut ended = 0;
    for event in events {
        match event {
            Event::Judged(event) => {
                if event.decision == Decision::Permitted {
                    let names: Vec<_> = event.policies.iter().map(|policy| &policy.name).collect();
                    assert_eq!(names, ["deny-list", "mask-columns"], "{event:?}");
                    assert!(!event.text.is_empty() || event.when == Stage::FunctionCall);
                }
                judged.push(event.statement);
            }
            Event::Attempted(event) => {
                ensure!(
                    judged.contains(&event.statement),
                    "{event:?} was not judged"
                );
                open.push(event.execution);
            }
            Event::Completed(event) => {
                ensure!(
                    open.contains(&event.execution),
                    "{event:?} was not attempted"
                );
                open.retain(|execution| *execution != event.execution);
                ended += 1;
            }
            _ => {}
        }
    }
    ensure!(
        open.is_empty() && ended > 5,
        "{open:?} did not end, {ended} did"
    );
    Ok(())
}

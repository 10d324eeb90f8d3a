//! Large volumes with bounded memory: long statements, large values, large unread results, byte-by-byte writes, many
//! sessions.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Gateway, GatewayCommand, Postgres, PostgresSettings};
use gatewright_tests::raw::{self, Client, error, tags};

use crate::world::World;

const MIB: u64 = 1 << 20;

/// The growth of the gateway's resident memory since `before`, in bytes.
fn growth(gateway: &Gateway, before: u64) -> Result<u64> {
    Ok(gateway.process().resident_bytes()?.saturating_sub(before))
}

#[test]
fn an_unread_result_stays_on_the_server() -> Result<()> {
    let world = World::with_policies("volume_unread", &[], "")?;
    let mut client = world.client()?;
    client.query("SELECT 1")?;
    let before = world.gateway.process().resident_bytes()?;
    // 1 GiB: many rows, one row, and COPY.
    for sql in [
        "SELECT repeat('x', 1023) FROM generate_series(1, 1048576)",
        "SELECT repeat('x', 524288000), repeat('y', 524288000)",
        "COPY (SELECT repeat('x', 1023) FROM generate_series(1, 1048576)) TO STDOUT",
    ] {
        let mut slow = world.client()?;
        slow.send(&raw::query(sql))?;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(3) {
            let grown = growth(&world.gateway, before)?;
            assert!(grown < 64 * MIB, "{sql}: the gateway grew by {grown} bytes");
            std::thread::sleep(Duration::from_millis(50));
        }
        // Other sessions are served meanwhile.
        assert_eq!(tags(&client.query("SELECT 1")?), "TDCZ");
    }
    Ok(())
}

#[test]
fn an_unread_result_under_a_policy_stays_on_the_server() -> Result<()> {
    let settings =
        "[mask-columns]\ncolumns = [{ column = \"public.people.email\", method = \"redact\" }]\n";
    let world = World::with_policies("volume_masked", &["mask-columns"], settings)?;
    world.prepare(
        "CREATE TABLE people AS SELECT i, repeat('e', 100) AS email, repeat('x', 923) AS filler \
         FROM generate_series(1, 100000) AS i",
    )?;
    let mut client = world.client()?;
    client.query("SELECT email FROM people LIMIT 1")?;
    let before = world.gateway.process().resident_bytes()?;
    client.send(&raw::query(
        "SELECT i, email, filler FROM people, generate_series(1, 10)",
    ))?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(3) {
        let grown = growth(&world.gateway, before)?;
        assert!(grown < 64 * MIB, "the gateway grew by {grown} bytes");
        std::thread::sleep(Duration::from_millis(50));
    }
    let (mut rows, mut last) = (0, 0);
    while last != b'Z' {
        let message = client.receive()?;
        assert!(!message.body.windows(4).any(|window| window == b"eeee"));
        last = message.tag;
        rows += u64::from(last == b'D');
    }
    assert_eq!(rows, 1_000_000);
    Ok(())
}

#[test]
fn outstanding_replies_of_a_client_that_does_not_read_are_bounded() -> Result<()> {
    let world = World::with_policies("volume_replies", &[], "")?;
    world.client()?.query("SELECT 1")?;
    let before = world.gateway.process().resident_bytes()?;
    let client = world.client()?;
    client.stream().set_nonblocking(true)?;
    let syncs = raw::sync().repeat(10_000);
    let start = Instant::now();
    let mut sent = 0;
    while start.elapsed() < Duration::from_secs(4) {
        match std::io::Write::write(&mut client.stream(), &syncs[sent % 5..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let grown = growth(&world.gateway, before)?;
    assert!(
        grown < 32 * MIB,
        "{sent} bytes of Sync: the gateway grew by {grown} bytes"
    );
    Ok(())
}

#[test]
fn a_statement_of_64_mib() -> Result<()> {
    let world = World::with_policies("volume_statement", &[], "")?;
    let mut client = world.client()?;
    client.query("SELECT 1")?;
    let before = world.gateway.process().resident_bytes()?;
    let (head, tail) = ("SELECT length('", "')");
    let length = 64 * 1024 * 1024 - head.len() - tail.len();
    let sql = format!("{head}{}{tail}", "x".repeat(length));
    let messages = client.query(&sql)?;
    assert_eq!(error(&messages), None);
    assert_eq!(messages[1].cells()[0], Some(length.to_string()));
    client.send(&[raw::extended(&sql, &[], 0), raw::sync()].concat())?;
    let messages = client.until_ready()?;
    assert_eq!(tags(&messages), "12TDCZ", "{:?}", error(&messages));
    // The unnamed statement is kept until the next Parse.
    client.send(&[raw::extended("SELECT 1", &[], 0), raw::sync()].concat())?;
    client.until_ready()?;
    let grown = growth(&world.gateway, before)?;
    assert!(
        grown < 32 * MIB,
        "the gateway grew by {grown} bytes and did not release them"
    );
    Ok(())
}

#[test]
fn a_value_of_64_mib_in_both_directions() -> Result<()> {
    let world = World::with_policies("volume_value", &[], "")?;
    world.prepare("CREATE TABLE long (value text)")?;
    let mut client = world.client()?;
    client.query("SELECT 1")?;
    let before = world.gateway.process().resident_bytes()?;
    let value = "v".repeat(64 << 20);
    let insert = raw::extended("INSERT INTO long VALUES ($1)", &[Some(&value)], 0);
    client.send(&[insert, raw::sync()].concat())?;
    let messages = client.until_ready()?;
    assert_eq!(tags(&messages), "12nCZ", "{:?}", error(&messages));
    let messages = client.query("SELECT value FROM long")?;
    assert!(
        messages[1].cells()[0].as_deref() == Some(&value),
        "the value differs"
    );
    let grown = growth(&world.gateway, before)?;
    assert!(
        grown < 64 * MIB,
        "the gateway grew by {grown} bytes and did not release them"
    );
    Ok(())
}

#[test]
fn a_session_written_byte_by_byte() -> Result<()> {
    let world = World::with_policies("volume_bytes", &[], "")?;
    world.prepare("CREATE TABLE slow (i int, t text)")?;
    let conversation = [
        raw::query("TRUNCATE slow"),
        raw::extended("INSERT INTO slow VALUES ($1, $2)", &[Some("1"), None], 0),
        raw::sync(),
        raw::query("COPY slow FROM STDIN"),
        raw::message(b'd', &[b"2\ttwo\n"]),
        raw::message(b'c', &[]),
        raw::extended("SELECT * FROM slow ORDER BY i", &[], 1),
        raw::extended("SELECT nothing FROM slow", &[], 0),
        raw::sync(),
        raw::query("COPY slow TO STDOUT; DELETE FROM slow"),
    ]
    .concat();
    let mut played = Vec::new();
    for dsn in [world.direct.clone(), world.dsn()?] {
        let mut client = Client::connect_byte_by_byte(&dsn)?;
        client.send(&conversation)?;
        let mut messages = Vec::new();
        for _ in 0..5 {
            messages.extend(client.until_ready()?);
        }
        played.push(messages);
    }
    assert_eq!(played[0], played[1]);
    Ok(())
}

/// The soft limit on open files of this process.
fn open_files() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    Ok(soft.context("no limit on open files")?.parse()?)
}

/// A text of this length whose tree has a node for every few bytes. The server drops the chain early.
fn chain_of_or(length: usize, number: usize) -> String {
    let mut text = format!("SELECT {number} WHERE false AND (1=0");
    while text.len() < length {
        text.push_str(" OR 1=2");
    }
    text.push(')');
    text
}

#[test]
fn long_texts_at_once_are_analysed_in_bounded_memory() -> Result<()> {
    let world = World::with_policies("volume_texts", &[], "")?;
    world.client()?.query("SELECT 1")?;
    let before = world.gateway.process().resident_bytes()?;
    let peak = std::thread::scope(|scope| -> Result<u64> {
        let clients: Vec<_> = (0..4)
            .map(|number| {
                let client = world.client();
                scope.spawn(move || -> Result<String> {
                    let text = chain_of_or(6 << 18, number);
                    Ok(tags(&client?.query(&text)?))
                })
            })
            .collect();
        let mut peak = 0;
        while clients.iter().any(|client| !client.is_finished()) {
            peak = peak.max(growth(&world.gateway, before)?);
            std::thread::sleep(Duration::from_millis(5));
        }
        for client in clients {
            let answer = client
                .join()
                .map_err(|_| anyhow::anyhow!("a client panicked"))??;
            ensure!(answer == "TCZ", "{answer}");
        }
        Ok(peak)
    })?;
    println!("a peak of {} MiB", peak / MIB);
    assert!(peak < 400 * MIB, "the gateway grew by {peak} bytes");
    let start = Instant::now();
    loop {
        let left = growth(&world.gateway, before)?;
        if left < 50 * MIB {
            return Ok(());
        }
        ensure!(
            start.elapsed() < Duration::from_secs(10),
            "{left} bytes are still in use"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_hundred_thousand_statements_in_one_message() -> Result<()> {
    let world = World::with_policies("volume_statements", &[], "")?;
    let mut client = world.client()?;
    // An unoptimized gateway on a busy machine. No policy is loaded: one of 100,000 calls could miss its deadline there.
    client.set_patience(Duration::from_secs(300))?;
    let answer = tags(&client.query(&"SELECT 1;".repeat(100_000))?);
    assert_eq!(answer, "TDC".repeat(100_000) + "Z");
    assert_eq!(tags(&client.query("SELECT 1")?), "TDCZ");
    Ok(())
}

#[test]
fn two_thousand_idle_sessions() -> Result<()> {
    // The gateway uses two descriptors per session and inherits the limit.
    let sessions = ((open_files()? - 200) / 2).min(2000);
    ensure!(
        sessions >= 200,
        "the limit on open files is too low for this test; set ulimit -n 5000"
    );
    let settings = PostgresSettings {
        host_based_access: Some(
            "local all all trust\nhost all all 127.0.0.1/32 trust\n".to_owned(),
        ),
        ..PostgresSettings::default()
    }
    .set("max_connections", &(sessions + 20).to_string());
    let postgres = Postgres::start_with(&settings)?;
    let gateway = GatewayCommand::dev(&postgres.dsn()).start()?;
    let mut first = Client::connect(&gateway.dsn()?)?;
    first.query("SELECT 1")?;
    let before = gateway.process().resident_bytes()?;
    let mut clients = Vec::new();
    for number in 1..sessions {
        let client = Client::connect(&gateway.dsn()?);
        clients.push(client.with_context(|| format!("session {number}"))?);
    }
    let each = growth(&gateway, before)? / sessions as u64;
    println!("{sessions} idle sessions: {each} bytes each");
    assert!(each < 64 * 1024, "{each} bytes a session");
    for client in clients.iter_mut().step_by(100) {
        assert_eq!(tags(&client.query("SELECT 1")?), "TDCZ");
    }
    Ok(())
}

//! Random conversations of many clients on few connections: every message is the one that a direct connection gets.

use std::fmt::Write;
use std::thread;

use anyhow::{Context, Result, anyhow};
use gatewright_harness::{Dsn, Psql, Version, soak};
use gatewright_tests::random::Random;
use gatewright_tests::raw::{self, Client, Message};

use super::pooled;
use crate::differential::assert_same;
use crate::world::database_of;

const CLIENTS: u64 = 9;
const STEPS: usize = 400;

on_each_version!(clients_cannot_tell_a_shared_connection_from_their_own);

fn clients_cannot_tell_a_shared_connection_from_their_own(version: Version) -> Result<()> {
    let served = pooled(
        version,
        "tx_model",
        "pool = \"transaction\"\npool_size = 3\npool_wait = \"60s\"",
    )?;
    let alone = database_of(version, "tx_alone")?;
    for database in [&served.direct, &alone] {
        for number in 0..CLIENTS {
            Psql::new(database)?
                .query(&format!("CREATE TABLE own_{number} (i int, label text)"))?;
        }
    }
    let run = |seed, of: &dyn Fn(u64) -> Result<Dsn>| -> Result<Vec<String>> {
        let running: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let dsn = of(number)?;
                Ok(thread::spawn(move || conversation(&dsn, number, seed)))
            })
            .collect::<Result<_>>()?;
        running
            .into_iter()
            .map(|running| running.join().map_err(|_| anyhow!("a client failed"))?)
            .collect()
    };
    for seed in soak::seeds(7, 1) {
        let shared = run(seed, &|number| {
            served.dsn(["ada", "grace", "joan"][usize::try_from(number % 3)?])
        })?;
        let own = run(seed, &|_| Ok(alone.clone()))?;
        for (own, shared) in own.iter().zip(&shared) {
            assert!(own.lines().count() > STEPS, "seed {seed}");
            assert_same(own, shared);
        }
    }
    Ok(())
}

const TEXTS: [&str; 20] = [
    "SELECT $1::int + 1",
    "SELECT count(*) FROM own WHERE i > $1",
    "INSERT INTO own VALUES ($1, 'x') RETURNING i",
    "UPDATE own SET label = label || 'y' WHERE i = $1",
    "SELECT i, label FROM own ORDER BY i, label LIMIT 5",
    "DELETE FROM own WHERE i % 7 = 0",
    "SELECT 1 / 0",
    "SELECT missing FROM own",
    "SELEC",
    "",
    "BEGIN",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT a",
    "ROLLBACK TO a",
    "SET LOCAL work_mem = '1MB'",
    "SHOW work_mem",
    "DECLARE c CURSOR FOR SELECT i FROM own ORDER BY i",
    "DEALLOCATE ALL",
];

const SIMPLE: [&str; 5] = [
    "SELECT 1; SELECT 2",
    "BEGIN; INSERT INTO own VALUES (1, 'z'); COMMIT",
    "INSERT INTO own VALUES (2, 'z'); SELECT 1/0",
    "COPY own TO STDOUT",
    "FETCH 2 FROM c",
];

/// In a failed transaction a statement that the connection lacks cannot be made there, so Describe has the transaction's error.
fn step(random: &mut Random, table: &str, failed: bool) -> Vec<u8> {
    let text = random.of(&TEXTS).replace("own", table);
    let name = random.of(&["", "a", "b", "c"]);
    let number = random.below(50).to_string();
    let parameters: Vec<Option<&str>> = vec![Some(number.as_str()); random.below(2)];
    match random.below(9) {
        0 => raw::query(&text.replace("$1", "3")),
        1 => raw::query(&random.of(&SIMPLE).replace("own", table)),
        2 => [raw::parse(name, &text), raw::sync()].concat(),
        3 => [raw::close(b'S', name), raw::parse(name, &text), raw::sync()].concat(),
        4 if failed => raw::sync(),
        4 => [raw::describe(b'S', name), raw::sync()].concat(),
        5 | 6 => [
            raw::bind("", name, &parameters, 0),
            raw::execute("", 0),
            raw::sync(),
        ]
        .concat(),
        7 => [
            raw::close(b'S', name),
            raw::parse(name, &text),
            raw::bind("", name, &parameters, 0),
            raw::describe(b'P', ""),
            raw::execute("", 0),
            raw::sync(),
        ]
        .concat(),
        _ => [raw::close(b'S', name), raw::sync()].concat(),
    }
}

fn conversation(dsn: &Dsn, number: u64, seed: u64) -> Result<String> {
    let mut random = Random::new(seed.wrapping_mul(CLIENTS).wrapping_add(number));
    let table = format!("own_{number}");
    let mut client = Client::connect(dsn)?;
    let mut transcript = String::new();
    let mut status = b'I';
    for count in 0..STEPS {
        let failed = status == b'E';
        let bytes = step(&mut random, &table, failed);
        writeln!(transcript, "{count} {:?}", String::from_utf8_lossy(&bytes))?;
        client.send(&bytes)?;
        let messages = client.until_ready().with_context(|| transcript.clone())?;
        for message in messages.iter().filter(|message| message.tag != b'S') {
            writeln!(transcript, "  {}", shown(message, failed))?;
        }
        status = messages
            .last()
            .and_then(|last| last.body.first().copied())
            .unwrap_or(status);
        // Transactions come to an end, or the others wait for long.
        if status != b'I' && count % 5 == 4 {
            client.query("COMMIT")?;
        }
    }
    Ok(transcript)
}

/// `failed`: whether the transaction was when the message was asked for. A statement that the connection lacks cannot be made there
/// then, so nobody looks at how many parameters it has.
fn shown(message: &Message, failed: bool) -> String {
    match message.tag {
        b'E' if failed && ["08P01", "25P02"].contains(&message.fields()[&'C'].as_str()) => {
            "E in a failed transaction".to_owned()
        }
        b'E' | b'N' => {
            let fields = message.fields();
            format!(
                "{} {} {}",
                char::from(message.tag),
                fields[&'C'],
                fields[&'M']
            )
        }
        // Tables have other numbers in the other database.
        b'T' => format!("T {}", message.body.len()),
        tag => format!(
            "{} {:?}",
            char::from(tag),
            String::from_utf8_lossy(&message.body)
        ),
    }
}

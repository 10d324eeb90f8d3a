//! The client of `cargo xtask bench`, kept light so that it is not what is measured. The address is in GATEWRIGHT_BENCH_URL.
//!
//! - `scan SQL`, `scan-binary SQL`: reads one result and prints rows, bytes and seconds.
//! - `first SQL`: prints the milliseconds until the first row of a result is there.
//! - `neighbour SECONDS KIND`: runs `SELECT 1` in turn while other connections do what KIND says, and prints the 99th percentile of its
//!   time in microseconds.
//! - `idle N`: opens N connections, runs one statement on each, prints `ready` and keeps them open until stdin ends.

use std::io::Read;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use gatewright_harness::Dsn;
use gatewright_tests::raw::{self, Client};

fn main() -> Result<()> {
    let url = std::env::var("GATEWRIGHT_BENCH_URL").context("GATEWRIGHT_BENCH_URL is not set")?;
    let dsn = Dsn::parse(&url)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["scan", sql] => scan(&dsn, &raw::query(sql)),
        ["scan-binary", sql] => {
            let message = [raw::extended(sql, &[], 1), raw::sync()].concat();
            scan(&dsn, &message)
        }
        ["first", sql] => first(&dsn, sql),
        ["neighbour", seconds, kind] => {
            neighbour(&dsn, Duration::from_secs(seconds.parse()?), kind)
        }
        ["idle", count] => idle(&dsn, count.parse()?),
        _ => bail!(
            "usage: bench-client scan SQL | scan-binary SQL | first SQL | neighbour SECONDS KIND | idle N"
        ),
    }
}

fn scan(dsn: &Dsn, message: &[u8]) -> Result<()> {
    let mut client = Client::connect(dsn)?;
    let start = Instant::now();
    let (rows, bytes) = client.scan_message(message)?;
    println!("{rows} {bytes} {}", start.elapsed().as_secs_f64());
    Ok(())
}

fn first(dsn: &Dsn, sql: &str) -> Result<()> {
    let mut client = Client::connect(dsn)?;
    let start = Instant::now();
    client.send(&raw::query(sql))?;
    loop {
        match client.receive()?.tag {
            b'D' => break,
            b'E' => bail!("{sql} failed"),
            _ => {}
        }
    }
    println!("{}", start.elapsed().as_secs_f64() * 1e3);
    Ok(())
}

fn neighbour(dsn: &Dsn, time: Duration, kind: &str) -> Result<()> {
    match kind {
        "nothing" => {}
        "rows" => disturb(dsn, 6, |client, _| {
            client.scan("SELECT * FROM people LIMIT 300000").map(drop)
        }),
        "expressions" => disturb(dsn, 1, |client, round| {
            let text = format!("SELECT {round}{}", "::int".repeat(3_000));
            client.scan(&text).map(drop)
        }),
        "statements" => disturb(dsn, 1, |client, _| {
            client.scan(&"SELECT 1;".repeat(10_000)).map(drop)
        }),
        "pipelines" => disturb(dsn, 1, |client, _| {
            let statements = raw::extended("SELECT 1", &[], 0).repeat(2_000);
            let pipeline = [statements, raw::sync()].concat();
            client.scan_message(&pipeline).map(drop)
        }),
        "logins" => {
            let dsn = dsn.clone();
            disturb(&dsn.clone(), 4, move |client, _| {
                *client = Client::connect(&dsn)?;
                Ok(())
            });
        }
        _ => bail!("{kind} is not known"),
    }
    let mut client = Client::connect(dsn)?;
    std::thread::sleep(Duration::from_millis(200));
    let (began, mut times) = (Instant::now(), Vec::new());
    while began.elapsed() < time {
        let start = Instant::now();
        client.scan("SELECT 1")?;
        times.push(start.elapsed());
    }
    times.sort();
    let p99 = times
        .get(times.len() * 99 / 100)
        .context("no statement ran")?;
    println!("{}", p99.as_secs_f64() * 1e6);
    Ok(())
}

/// Has so many clients do something again and again. All of them end with this process.
fn disturb(
    dsn: &Dsn,
    count: usize,
    act: impl Fn(&mut Client, usize) -> Result<()> + Clone + Send + 'static,
) {
    for _ in 0..count {
        let (dsn, act) = (dsn.clone(), act.clone());
        std::thread::spawn(move || {
            let mut client = Client::connect(&dsn)?;
            for round in 0.. {
                act(&mut client, round)?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
}

fn idle(dsn: &Dsn, count: u32) -> Result<()> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = Client::connect(dsn)?;
        client.scan("SELECT 1")?;
        clients.push(client);
    }
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

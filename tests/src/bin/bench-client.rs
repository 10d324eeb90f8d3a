//! The client of `cargo xtask bench`, kept light so that it is not what is measured.
//!
//! `bench-client scan SQL` reads one result and prints rows, bytes and seconds.
//! `bench-client idle N` opens N connections, runs one statement on each, prints `ready` and keeps them open until stdin
//! ends. The address is in GATEWRIGHT_BENCH_URL.

use std::io::Read;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use gatewright_harness::Dsn;
use gatewright_tests::raw::Client;

fn main() -> Result<()> {
    let url = std::env::var("GATEWRIGHT_BENCH_URL").context("GATEWRIGHT_BENCH_URL is not set")?;
    let dsn = Dsn::parse(&url)?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        ["scan", sql] => {
            let mut client = Client::connect(&dsn)?;
            let start = Instant::now();
            let (rows, bytes) = client.scan(sql)?;
            println!("{rows} {bytes} {}", start.elapsed().as_secs_f64());
        }
        ["idle", count] => {
            let mut clients = Vec::new();
            for _ in 0..count.parse::<u32>()? {
                let mut client = Client::connect(&dsn)?;
                client.scan("SELECT 1")?;
                clients.push(client);
            }
            println!("ready");
            std::io::stdin().read_to_end(&mut Vec::new())?;
        }
        _ => bail!("usage: bench-client scan SQL | idle N"),
    }
    Ok(())
}

//! With no policy a client cannot distinguish the gateway from the server: each client's script produces the same
//! transcript directly and through `gatewright dev`. What it got is what the record of its session says that it got, byte for byte.

mod copying;
mod edges;
mod large_objects;
mod malformed;
mod psql;
mod psycopg;
mod random;
mod rejected;
mod tokio;
mod wire;

use anyhow::{Context, Result};
use gatewright_harness::{Dsn, GatewayCommand, Postgres, PostgresSettings, Version};

use crate::recording::fixture::{Wiretap, assert_delivered};

/// Runs `script` on two servers with identical histories, so that even OIDs are equal: directly on one and through the
/// gateway on the other. Returns both transcripts.
pub fn both(
    version: Version,
    database: &str,
    script: impl Fn(&Dsn) -> Result<String>,
) -> Result<(String, String)> {
    both_through(version, database, GatewayCommand::dev, script)
}

/// Like `both`, with the gateway's command line.
fn both_through(
    version: Version,
    database: &str,
    gateway: impl Fn(&Dsn) -> GatewayCommand,
    script: impl Fn(&Dsn) -> Result<String>,
) -> Result<(String, String)> {
    let settings = PostgresSettings::default()
        .version(version)
        .set("max_prepared_transactions", "10");
    let direct = {
        let server = Postgres::start_with(&settings)?;
        script(&server.create_database(database)?).context("direct")?
    };
    let server = Postgres::start_with(&settings)?;
    let record = tempfile::tempdir()?;
    let directory = record.path().join("record");
    let gateway = gateway(&server.dsn())
        .argument("--record")
        .argument(&directory.display().to_string())
        .start()?;
    server.create_database(database)?;
    let (tap, dsn) = Wiretap::before(&gateway.database(database)?)?;
    let through = script(&dsn).with_context(|| {
        format!(
            "through the gateway, whose log is\n{}",
            gateway.log().unwrap_or_default()
        )
    })?;
    assert_delivered(&tap, &directory).with_context(|| through.clone())?;
    Ok((direct, through))
}

/// Fails on the first differing line and shows the lines before it.
pub fn assert_same(direct: &str, through: &str) {
    let mut before: Vec<&str> = Vec::new();
    for (number, pair) in lines_side_by_side(direct, through).enumerate() {
        let (left, right) = pair;
        assert!(
            left == right,
            "line {} differs\n  direct:  {left:.400?}\n  gateway: {right:.400?}\nafter:\n{}",
            number + 1,
            before[before.len().saturating_sub(12)..].join("\n")
        );
        before.extend(left.map(|line| line.get(..160).unwrap_or(line)));
    }
}

fn lines_side_by_side<'a>(
    left: &'a str,
    right: &'a str,
) -> impl Iterator<Item = (Option<&'a str>, Option<&'a str>)> {
    let (mut left, mut right) = (left.lines(), right.lines());
    std::iter::from_fn(move || match (left.next(), right.next()) {
        (None, None) => None,
        pair => Some(pair),
    })
}

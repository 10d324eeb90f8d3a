//! `cargo xtask bench`: the cost of the gateway compared with direct connections and PgBouncer, in one run on one
//! machine.
//! All routes to the server are measured in turn, round after round, so that a slow period affects all of them. `ways`
//! defines the routes, `workload` the measurements and `report` the output.

mod report;
mod ways;
mod workload;

use anyhow::{Context, Result, bail};
use gatewright_harness::locate;

use crate::setup::{self, Need};
use crate::{cargo, policies, screen};
use report::Row;
use ways::{Way, Ways};
use workload::{Bench, Workload};

/// The number and length of the measurements.
pub struct Effort {
    rounds: usize,
    /// The length of one pgbench run, in seconds.
    seconds: u32,
    /// The number of rows of large results.
    rows: u32,
    idle: u32,
}

const FULL: Effort = Effort {
    rounds: 5,
    seconds: 5,
    rows: 1_000_000,
    idle: 1_000,
};
const QUICK: Effort = Effort {
    rounds: 2,
    seconds: 1,
    rows: 1_000_000,
    idle: 1_000,
};

/// Measures everything, prints the table, writes `target/bench.json` and `target/bench.md`, and runs the
/// microbenchmarks.
pub fn run(quick: bool) -> Result<()> {
    let tools = [
        Need::PostgresServer,
        Need::Psql,
        Need::Pgbench,
        Need::PgBouncer,
    ];
    setup::require(&[&setup::BUILD[..], &tools].concat())?;
    screen::stage("Building (release)");
    let built = policies::build()?;
    let gateway = cargo::gateway(cargo::Profile::Release)?;
    let root = locate::workspace();
    cargo::run(
        &root,
        &[
            "build",
            "--release",
            "--package",
            "gatewright-tests",
            "--bin",
            "bench-client",
        ],
    )?;

    let effort = if quick { QUICK } else { FULL };
    screen::stage("Starting PostgreSQL, PgBouncer and two gateways");
    let ways = Ways::start(&gateway, &built, &effort)?;
    ways.check()?;
    let bench = Bench::new(&effort)?;

    let rows = measure(&bench, &ways, &effort)?;
    drop(ways);
    let table = report::table(&rows, &effort);
    screen::stage("Medians and ratios");
    println!("{table}");
    let target = locate::target_directory();
    std::fs::write(target.join("bench.json"), report::json(&rows)?)
        .context("writing bench.json")?;
    std::fs::write(target.join("bench.md"), &table).context("writing bench.md")?;
    screen::note(&format!(
        "written to {}",
        target.join("bench.json").display()
    ));

    screen::stage("Microbenchmarks");
    cargo::run(&root, &["bench", "--workspace", "--bench", "*"])
}

fn measure(bench: &Bench, ways: &Ways, effort: &Effort) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = Workload::all().into_iter().map(Row::new).collect();
    for round in 0..effort.rounds {
        screen::stage(&format!("Round {} of {}", round + 1, effort.rounds));
        for row in &mut rows {
            if round > 0 && row.workload == Workload::Idle {
                // Memory use does not change between rounds, so it is measured once.
                continue;
            }
            // A different route goes first each time, so that the order does not affect the result.
            for turn in 0..Way::ALL.len() {
                let way = Way::ALL[(turn + round) % Way::ALL.len()];
                let value = bench
                    .run(row.workload, way, ways)
                    .with_context(|| format!("{} via {way:?}", row.workload.name()))?;
                if let Some(value) = value {
                    row.add(way, value);
                }
            }
            screen::note(&row.progress());
        }
    }
    if rows.iter().any(Row::is_empty) {
        bail!("a workload has no measurements");
    }
    Ok(rows)
}

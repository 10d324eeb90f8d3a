//! `cargo xtask bench`: what the gateway costs, beside PostgreSQL alone and PgBouncer, in one run on one machine.
//! All ways to the server are measured in turn, round after round, so that a slow minute hits each of them.
//! Next: `ways` (what is measured), `workload` (how), `report` (what it says).

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

/// How long and how often.
pub struct Effort {
    rounds: usize,
    /// Length of one pgbench run.
    seconds: u32,
    /// Rows of the big results.
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

/// Measures everything, prints the table, writes `target/bench.json` and `target/bench.md`, runs the microbenchmarks.
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
                // Memory does not change from round to round; one look is enough.
                continue;
            }
            // Another way goes first each time: whoever runs after whom is not part of the result.
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
        bail!("a row of the table has no measurement");
    }
    Ok(rows)
}

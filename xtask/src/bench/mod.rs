//! `cargo xtask bench`: the cost of the gateway compared with direct connections and PgBouncer, in one run on one
//! machine; with `--baseline`, the cost compared with an earlier build of the gateway, and with `--record`, what recording costs.
//! All routes to the server are measured in turn, round after round, so that a slow period affects all of them. `ways`
//! defines the routes, `gateways` and `served` the gateways on them, `workload` and `measure` what is measured, and `report` and
//! `compared` the output.

mod compared;
mod gateways;
mod measure;
mod report;
mod served;
mod ways;
mod workload;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::locate;

use crate::setup::{self, Need};
use crate::{cargo, policies, screen};
use compared::Pairs;
use measure::Bench;
use report::Row;
use ways::{Build, Plan, Way, Ways};
use workload::Workload;

/// What to measure.
#[derive(clap::Args)]
pub struct Options {
    /// Run shorter and fewer rounds; the numbers are rough
    #[arg(long)]
    quick: bool,
    /// Compare with the build in this target directory, where `cargo xtask bench` built another version, instead of
    /// direct connections and PgBouncer; writes target/bench-builds.md
    #[arg(long, value_name = "TARGET_DIRECTORY")]
    baseline: Option<PathBuf>,
    /// Show what recording costs instead: sessions behind the same policies, recorded or not; writes target/bench-record.md
    #[arg(long, conflicts_with = "baseline")]
    record: bool,
    /// Only the workloads whose name contains this, and no microbenchmarks
    #[arg(long, value_name = "WORKLOAD")]
    only: Option<String>,
    /// The number of rounds
    #[arg(long)]
    rounds: Option<usize>,
}

/// The number and length of the measurements.
pub struct Effort {
    rounds: usize,
    /// The length of one pgbench run, in seconds.
    seconds: u32,
    /// The number of rows of large results.
    rows: u32,
    /// Numbers of idle connections.
    idle: &'static [u32],
}

const FULL: Effort = Effort {
    rounds: 5,
    seconds: 5,
    rows: 1_000_000,
    idle: &[1_000, 5_000],
};
const QUICK: Effort = Effort {
    rounds: 2,
    seconds: 1,
    rows: 1_000_000,
    idle: &[1_000, 5_000],
};

impl Options {
    fn effort(&self) -> Effort {
        let effort = if self.quick { QUICK } else { FULL };
        Effort {
            rounds: self.rounds.unwrap_or(effort.rounds),
            ..effort
        }
    }

    fn workloads(&self, effort: &Effort) -> Result<Vec<Workload>> {
        let mut workloads = match self.record {
            true => Workload::recorded(),
            false => Workload::all(effort),
        };
        if let Some(only) = &self.only {
            workloads.retain(|workload| workload.name().contains(only));
            ensure!(!workloads.is_empty(), "no workload is called {only}");
        }
        Ok(workloads)
    }

    /// The routes that are compared, and as what pairs.
    fn routes(&self) -> ([Way; 4], Option<(&'static Pairs, &'static str)>) {
        match (&self.baseline, self.record) {
            (Some(_), _) => (Way::BUILDS, Some((&compared::BUILDS, "bench-builds.md"))),
            (None, true) => (Way::RECORD, Some((&compared::RECORD, "bench-record.md"))),
            (None, false) => (Way::ALL, None),
        }
    }

    fn baseline(&self) -> Result<Option<Build>> {
        let build = self.baseline.as_deref().map(Build::within);
        if let Some(build) = &build {
            let gateway = &build.gateway;
            ensure!(gateway.exists(), "there is no {}", gateway.display());
        }
        Ok(build)
    }
}

/// Measures everything, prints the table and writes `target/bench.json` and `target/bench.md`. Then it runs the
/// microbenchmarks. With a baseline or a record, it only compares gateways with each other.
pub fn run(options: &Options) -> Result<()> {
    let effort = options.effort();
    let (workloads, baseline) = (options.workloads(&effort)?, options.baseline()?);
    let configured = |workload: &Workload| workload.tls() || workload.is_crowded();
    let served = options.record || workloads.iter().any(configured);
    build(served)?;
    let target = locate::target_directory();
    screen::stage("Starting PostgreSQL, PgBouncer and the gateways");
    let (routes, pairs) = options.routes();
    let plan = Plan {
        current: &Build::within(&target),
        baseline: baseline.as_ref(),
        routes,
        workloads: &workloads,
    };
    let ways = Ways::start(&plan, &effort)?;
    ways.check()?;
    let rows = measure(&Bench::new(&effort)?, &ways, &effort, routes, &workloads)?;
    drop(ways);
    if let Some((pairs, file)) = pairs {
        let table = compared::table(pairs, &rows, &effort);
        println!("{table}");
        return std::fs::write(target.join(file), table).with_context(|| format!("writing {file}"));
    }
    let table = format!(
        "{}\n{}",
        report::table(&rows, &effort),
        report::cpu_table(&rows)
    );
    screen::stage("Medians and ratios");
    println!("{table}");
    std::fs::write(target.join("bench.json"), report::json(&rows)?)
        .context("writing bench.json")?;
    std::fs::write(target.join("bench.md"), &table).context("writing bench.md")?;
    screen::note(&format!(
        "written to {}",
        target.join("bench.json").display()
    ));

    if options.only.is_some() {
        return Ok(());
    }
    screen::stage("Microbenchmarks");
    let root = locate::workspace();
    cargo::run(&root, &["bench", "--workspace", "--bench", "*"])
}

fn build(served: bool) -> Result<()> {
    let tools = [
        Need::PostgresServer,
        Need::Psql,
        Need::Pgbench,
        Need::PgBouncer,
    ];
    // Gateways with a configuration file take tokens of a provider.
    let provider: &[Need] = match served {
        true => &[Need::Node, Need::Npm, Need::OidcProvider],
        false => &[],
    };
    setup::require(&[&setup::BUILD[..], &tools, provider].concat())?;
    screen::stage("Building (release)");
    policies::build()?;
    cargo::gateway(cargo::Profile::Release)?;
    cargo::run(
        &locate::workspace(),
        &[
            "build",
            "--release",
            "--package",
            "gatewright-tests",
            "--bin",
            "bench-client",
        ],
    )
}

fn measure(
    bench: &Bench,
    ways: &Ways,
    effort: &Effort,
    routes: [Way; 4],
    workloads: &[Workload],
) -> Result<Vec<Row>> {
    let mut rows: Vec<Row> = workloads.iter().copied().map(Row::new).collect();
    for round in 0..effort.rounds {
        screen::stage(&format!("Round {} of {}", round + 1, effort.rounds));
        for row in &mut rows {
            if round > 0 && row.workload.is_crowded() {
                // Memory use does not change between rounds, so it is measured once.
                continue;
            }
            // A different route goes first each time, so that the order does not affect the result.
            for turn in 0..routes.len() {
                let way = routes[(turn + round) % routes.len()];
                let sample = bench
                    .run(row.workload, way, ways)
                    .with_context(|| format!("{} via {way:?}", row.workload.name()))?;
                if let Some(sample) = sample {
                    row.add(way, sample);
                }
                if row.workload.is_crowded() {
                    ways.end_sessions()?;
                }
            }
            screen::note(&row.progress(routes));
        }
    }
    if rows.iter().any(Row::is_empty) {
        bail!("a workload has no measurements");
    }
    Ok(rows)
}

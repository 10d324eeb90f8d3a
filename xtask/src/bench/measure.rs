//! How one measurement runs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::{Child, Dsn, locate};
use tempfile::NamedTempFile;

use super::Effort;
use super::ways::{self, Way, Ways};
use super::workload::{Fetch, Masked, Workload};

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// In the unit of the workload.
    pub value: f64,
    /// Of the process between client and server, per transaction, row or connection. `None` without such a process.
    pub cpu: Option<Cpu>,
}

impl Sample {
    fn of(value: f64) -> Self {
        Self { value, cpu: None }
    }
}

/// CPU time, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cpu {
    pub user: f64,
    /// In the kernel.
    pub system: f64,
}

impl Cpu {
    pub fn total(self) -> f64 {
        self.user + self.system
    }
}

/// Runs measurements.
pub struct Bench {
    seconds: u32,
    rows: u32,
    /// pgbench's script of one pipeline.
    pipeline: NamedTempFile,
}

/// pgbench's own SELECT, fifty times.
fn pipeline() -> String {
    let select = "\\set aid random(1, 100000 * :scale)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n";
    format!("\\startpipeline\n{}\\endpipeline\n", select.repeat(50))
}

impl Bench {
    pub fn new(effort: &Effort) -> Result<Self> {
        let mut script = NamedTempFile::new()?;
        script.write_all(pipeline().as_bytes())?;
        Ok(Self {
            seconds: effort.seconds,
            rows: effort.rows,
            pipeline: script,
        })
    }

    /// Runs one measurement. `None` if the workload does not apply to this route.
    pub fn run(&self, workload: Workload, way: Way, ways: &Ways) -> Result<Option<Sample>> {
        let (dsn, process) = ways.route(way, workload)?;
        let tls = workload.tls();
        let used = || process.map(Child::cpu_time).transpose();
        let before = used()?;
        let (value, operations) = match workload {
            Workload::Select { mode, clients }
            | Workload::Five { mode, clients }
            | Workload::SelectOverTls { mode, clients } => {
                self.transactions(&dsn, tls, clients, &["--select-only", "-M", mode])?
            }
            Workload::Pipeline { clients } => {
                let script = self.pipeline.path().display().to_string();
                self.transactions(&dsn, tls, clients, &["-M", "prepared", "-f", &script])?
            }
            Workload::Write { clients } => {
                self.transactions(&dsn, tls, clients, &["-M", "prepared"])?
            }
            Workload::Connect { clients } | Workload::ConnectOverTls { clients } => {
                self.transactions(&dsn, tls, clients, &["--select-only", "--connect"])?
            }
            Workload::Rows { fetch, masked } => {
                let value = self.rows_per_second(&dsn, fetch, masked)?;
                (value, f64::from(self.rows))
            }
            Workload::FirstRow => {
                let sql = format!("SELECT * FROM {}", Masked::OneInResult.table());
                return Ok(Some(Sample::of(client(&dsn, &["first", &sql])?)));
            }
            Workload::Neighbour(disturbance) => {
                let seconds = self.seconds.to_string();
                let arguments = ["neighbour", &seconds, disturbance.argument()];
                return Ok(Some(Sample::of(client(&dsn, &arguments)?)));
            }
            Workload::Idle { connections } => {
                let value = process.map(|process| idle_memory(&dsn, process, connections));
                return Ok(value.transpose()?.map(Sample::of));
            }
        };
        let each = |before: Duration, after: Duration| {
            after.saturating_sub(before).as_secs_f64() * 1e6 / operations
        };
        let cpu = before.zip(used()?).map(|(before, after)| Cpu {
            user: each(before.user, after.user),
            system: each(before.system, after.system),
        });
        Ok(Some(Sample { value, cpu }))
    }

    /// Transactions per second, and their number.
    fn transactions(
        &self,
        dsn: &Dsn,
        tls: bool,
        clients: u32,
        more: &[&str],
    ) -> Result<(f64, f64)> {
        let (count, threads) = (clients.to_string(), clients.min(2).to_string());
        let time = self.seconds.to_string();
        let fixed = ["--no-vacuum", "-c", &count, "-j", &threads, "-T", &time];
        let output = pgbench(dsn, tls, &[&fixed[..], more].concat())?;
        let number = |label: &str| {
            let line = output.lines().find_map(|line| line.strip_prefix(label));
            let number = line.and_then(|rest| rest.split([' ', '/']).next());
            number
                .and_then(|text| text.parse().ok())
                .with_context(|| format!("no `{label}` line from pgbench:\n{output}"))
        };
        let count = number("number of transactions actually processed: ")?;
        Ok((number("tps = ")?, count))
    }

    fn rows_per_second(&self, dsn: &Dsn, fetch: Fetch, masked: Masked) -> Result<f64> {
        let table = masked.table();
        let (verb, sql) = match fetch {
            Fetch::Select => ("scan", format!("SELECT * FROM {table}")),
            Fetch::SelectBinary => ("scan-binary", format!("SELECT * FROM {table}")),
            Fetch::Copy => ("scan", format!("COPY {table} TO STDOUT")),
            Fetch::CopyBinary => ("scan", format!("COPY {table} TO STDOUT (FORMAT binary)")),
        };
        let numbers = client_numbers(dsn, &[verb, &sql])?;
        let [rows, _bytes, seconds] = numbers[..] else {
            bail!("the bench client failed on {sql}")
        };
        // COPY in binary ends with a trailer in a message of its own.
        ensure!(
            (f64::from(self.rows)..=f64::from(self.rows) + 1.0).contains(&rows),
            "{rows} rows came back from {sql}"
        );
        Ok(rows / seconds)
    }
}

/// The one number that the bench client prints.
fn client(dsn: &Dsn, arguments: &[&str]) -> Result<f64> {
    match client_numbers(dsn, arguments)?[..] {
        [number] => Ok(number),
        _ => bail!("the bench client failed: {arguments:?}"),
    }
}

fn client_numbers(dsn: &Dsn, arguments: &[&str]) -> Result<Vec<f64>> {
    let output = Command::new(ways::client())
        .args(arguments)
        .env("GATEWRIGHT_BENCH_URL", dsn.url())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let words = text.split_whitespace();
    Ok(words.filter_map(|word| word.parse().ok()).collect())
}

fn idle_memory(dsn: &Dsn, process: &Child, connections: u32) -> Result<f64> {
    let mut client = Command::new(ways::client())
        .args(["idle", &connections.to_string()])
        .env("GATEWRIGHT_BENCH_URL", dsn.url())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let output = client.stdout.take().context("no output to read")?;
    BufReader::new(output).read_line(&mut line)?;
    let bytes = process.resident_bytes()?;
    drop(client.stdin.take());
    client.wait()?;
    ensure!(
        line.trim() == "ready",
        "the idle connections were not opened"
    );
    Ok(bytes as f64 / (1024.0 * 1024.0))
}

/// Runs pgbench to completion and returns its output.
pub fn pgbench(dsn: &Dsn, tls: bool, arguments: &[&str]) -> Result<String> {
    let output = Command::new(locate::pgbench()?)
        .args(arguments)
        .args([
            "-h",
            &dsn.host,
            "-p",
            &dsn.port.to_string(),
            "-U",
            &dsn.user,
            &dsn.database,
        ])
        .env("PGPASSWORD", &dsn.password)
        .env("PGSSLMODE", if tls { "require" } else { "disable" })
        .env("PGGSSENCMODE", "disable")
        .output()
        .context("starting pgbench")?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "pgbench failed: {}{printed}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(printed)
}

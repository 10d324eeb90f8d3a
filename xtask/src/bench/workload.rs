//! The workloads, and how one measurement runs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::{Child, Dsn, locate};

use super::Effort;
use super::ways::{self, Way, Ways};

/// Which column of a table is masked, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Masked {
    Nothing,
    /// One column, by the edited statement.
    InQuery,
    /// One column, by the gateway on the way back.
    InResult,
}

impl Masked {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none masked",
            Self::InQuery => "one column masked by the query",
            Self::InResult => "one column masked in the result",
        }
    }

    fn table(self) -> &'static str {
        match self {
            Self::Nothing => "people",
            Self::InQuery => "people_masked",
            Self::InResult => "people_masked_in_result",
        }
    }
}

/// A workload: one row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// pgbench -S in a query mode.
    Select { mode: &'static str, clients: u32 },
    /// All rows of a table with five columns.
    Rows { copy: bool, masked: Masked },
    /// pgbench -S with a new connection per statement.
    Connect { clients: u32 },
    /// Memory use with idle connections.
    Idle,
}

impl Workload {
    /// All workloads, in table order.
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for mode in ["simple", "extended", "prepared"] {
            all.extend([1, 8, 64].map(|clients| Self::Select { mode, clients }));
        }
        for copy in [false, true] {
            let masks = [Masked::Nothing, Masked::InQuery, Masked::InResult];
            all.extend(masks.map(|masked| Self::Rows { copy, masked }));
        }
        all.extend([1, 8].map(|clients| Self::Connect { clients }));
        all.push(Self::Idle);
        all
    }

    pub fn name(self) -> String {
        match self {
            Self::Select { mode, .. } => format!("pgbench -S -M {mode}"),
            Self::Rows { copy, masked } => {
                let verb = if copy { "COPY" } else { "SELECT" };
                format!("1,000,000 rows by {verb}, {}", masked.name())
            }
            Self::Connect { .. } => "connections per second".to_owned(),
            Self::Idle => "memory with 1,000 idle connections".to_owned(),
        }
    }

    pub fn clients(self) -> u32 {
        match self {
            Self::Select { clients, .. } | Self::Connect { clients } => clients,
            Self::Rows { .. } => 1,
            Self::Idle => 1_000,
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            Self::Select { .. } => "transactions/s",
            Self::Rows { .. } => "rows/s",
            Self::Connect { .. } => "connections/s",
            Self::Idle => "MiB resident",
        }
    }

    pub fn higher_is_better(self) -> bool {
        self != Self::Idle
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// In the unit of the workload.
    pub value: f64,
    /// Of the process between client and server, per transaction, row or connection. `None` without such a process.
    pub cpu: Option<Cpu>,
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
    idle: u32,
}

impl Bench {
    pub fn new(effort: &Effort) -> Result<Self> {
        Ok(Self {
            seconds: effort.seconds,
            rows: effort.rows,
            idle: effort.idle,
        })
    }

    /// Runs one measurement. `None` if the workload does not apply to this route.
    pub fn run(&self, workload: Workload, way: Way, ways: &Ways) -> Result<Option<Sample>> {
        let dsn = ways.dsn(way)?;
        let process = ways.process(way)?;
        let used = || process.map(Child::cpu_time).transpose();
        let before = used()?;
        let (value, operations) = match workload {
            Workload::Select { mode, clients } => {
                self.transactions(&dsn, clients, &["-M", mode])?
            }
            Workload::Connect { clients } => self.transactions(&dsn, clients, &["--connect"])?,
            Workload::Rows { copy, masked } => {
                let value = self.rows_per_second(&dsn, copy, masked)?;
                (value, f64::from(self.rows))
            }
            Workload::Idle => {
                let value = process.map(|process| self.idle_memory(&dsn, process));
                let cpu = None;
                return Ok(value.transpose()?.map(|value| Sample { value, cpu }));
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
    fn transactions(&self, dsn: &Dsn, clients: u32, more: &[&str]) -> Result<(f64, f64)> {
        let (count, threads) = (clients.to_string(), clients.min(2).to_string());
        let time = self.seconds.to_string();
        let fixed = [
            "--select-only",
            "--no-vacuum",
            "-c",
            &count,
            "-j",
            &threads,
            "-T",
            &time,
        ];
        let output = pgbench(dsn, &[&fixed[..], more].concat())?;
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

    fn rows_per_second(&self, dsn: &Dsn, copy: bool, masked: Masked) -> Result<f64> {
        let table = masked.table();
        let sql = if copy {
            format!("COPY {table} TO STDOUT")
        } else {
            format!("SELECT * FROM {table}")
        };
        let output = Command::new(ways::client())
            .args(["scan", &sql])
            .env("GATEWRIGHT_BENCH_URL", dsn.url())
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let [rows, _bytes, seconds] = numbers[..] else {
            bail!("the bench client failed on {sql}")
        };
        ensure!(
            rows == f64::from(self.rows),
            "{rows} rows came back from {sql}"
        );
        Ok(rows / seconds)
    }

    fn idle_memory(&self, dsn: &Dsn, process: &Child) -> Result<f64> {
        let mut client = Command::new(ways::client())
            .args(["idle", &self.idle.to_string()])
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
}

/// Runs pgbench to completion and returns its output.
pub fn pgbench(dsn: &Dsn, arguments: &[&str]) -> Result<String> {
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
        .env("PGSSLMODE", "disable")
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

//! A gateway with streams.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, Version, receiver_script};
use serde_json::Value;
use tempfile::TempDir;

use crate::served::Served;
use crate::world::{bundled, database_of, eventually, postgres_of};

pub struct Streaming {
    pub served: Served,
    pub folder: TempDir,
}

impl Streaming {
    /// `streams`: the tables of `[[stream]]` and more; `@` stands for the folder.
    pub fn start(version: Version, test: &str, streams: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let policies = folder.path().join("policies");
        std::fs::create_dir(&policies)?;
        for name in ["deny-list", "mask-columns"] {
            std::fs::copy(bundled(name)?, policies.join(format!("{name}.wasm")))?;
        }
        let direct = database_of(version, test)?;
        Psql::new(&direct)?.query(
            "CREATE TABLE customers (id int PRIMARY KEY, name text, email text);
             INSERT INTO customers SELECT n, 'name ' || n, 'raw-canary-' || n || '@example.com' FROM generate_series(1, 50) n",
        )?;
        let place = folder.path().display().to_string();
        let sections = format!(
            r#"
{streams}

[policies]
directory = "@/policies"

[policy.mask-columns.settings]
where = "result"
columns = [{{ column = "public.customers.email", method = "redact" }}]
"#
        );
        let entry = format!("host = \"127.0.0.1:{}\"", postgres_of(version)?.port());
        let sections = sections.replace('@', &place);
        Ok(Streaming {
            served: Served::start_with(direct, "", &entry, &sections)?,
            folder,
        })
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The events in a file once there are so many.
    pub fn events(&self, file: &str, count: usize) -> Result<Vec<Value>> {
        let path = self.path(file);
        let mut events = Vec::new();
        eventually("the events are in the file", || {
            events = read(&path)?;
            Ok(events.len() >= count)
        })
        .with_context(|| format!("{} events", events.len()))?;
        ensure!(events.len() == count, "{events:#?}");
        Ok(events)
    }

    /// The same where some may be there twice: a kill can come between an event's delivery and the note that it was delivered.
    pub fn distinct_events(&self, file: &str, count: usize) -> Result<Vec<Value>> {
        let mut events: Vec<Value> = Vec::new();
        eventually("the events are in the file", || {
            events.clear();
            for event in read(&self.path(file))? {
                let uid = |event: &Value| event["metadata"]["uid"].clone();
                if events.iter().all(|known| uid(known) != uid(&event)) {
                    events.push(event);
                }
            }
            Ok(events.len() >= count)
        })
        .with_context(|| format!("{} events", events.len()))?;
        Ok(events)
    }

    /// A value of the metrics.
    pub fn metric(&self, series: &str) -> Result<f64> {
        let metrics = self.served.metrics()?;
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(&format!("{series} ")));
        Ok(value.map_or(Ok(0.0), str::parse)?)
    }
}

fn read(path: &Path) -> Result<Vec<Value>> {
    let Ok(text) = std::fs::read_to_string(path) else {
        return Ok(Vec::new());
    };
    let lines = text.lines().map(|line| Ok(serde_json::from_str(line)?));
    lines.collect()
}

/// The published schema accepts the events.
pub fn assert_valid(events: &[Value]) -> Result<()> {
    let mut checker = receiver_script("ocsf.py")?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut input = checker.stdin.take().context("an input")?;
    for event in events {
        writeln!(input, "{event}")?;
    }
    drop(input);
    let output = checker.wait_with_output()?;
    let said = String::from_utf8(output.stdout)?;
    let all = format!("checked {}", events.len());
    ensure!(output.status.success() && said.contains(&all), "{said}");
    Ok(())
}

/// The numbers of the events follow each other.
pub fn assert_no_gap(events: &[Value]) -> Result<()> {
    let numbers: Option<Vec<u64>> = events
        .iter()
        .map(|event| event["metadata"]["sequence"].as_u64())
        .collect();
    let numbers = numbers.context("numbers")?;
    let follows = numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]);
    ensure!(follows, "{numbers:?}");
    Ok(())
}

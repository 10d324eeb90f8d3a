//! What the gateway sends its record, streams and traces to: programs in Python, with what tests/receivers/requirements.txt names.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::gateway::start_with_lines;
use crate::{Child, locate};

/// The time limit of a start.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A script of tests/receivers.
pub fn receiver_script(name: &str) -> Result<Command> {
    let mut command = Command::new(locate::python_with_drivers()?);
    command
        .arg(locate::workspace().join("tests/receivers").join(name))
        .env("PYTHONPATH", locate::receivers()?);
    Ok(command)
}

/// A running script that has said `ready PORT`. Stopped on drop.
pub struct Receiver {
    process: Child,
    lines: mpsc::Receiver<String>,
    port: u16,
    _folder: TempDir,
}

impl Receiver {
    pub fn start(script: &str, arguments: &[&str]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let log = folder.path().join("stderr.log");
        let mut command = receiver_script(script)?;
        command
            .args(arguments)
            // Its end tells the script to stop.
            .stdin(Stdio::piped())
            .stderr(std::fs::File::create(&log)?);
        let (process, lines) = start_with_lines(script, &mut command, folder.path())?;
        let first = lines.recv_timeout(START_TIMEOUT);
        let port = first.ok().and_then(|line| ready(&line));
        let port = port.with_context(|| format!("{script} did not start: {}", read(&log)))?;
        Ok(Receiver {
            process,
            lines,
            port,
            _folder: folder,
        })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn process(&self) -> &Child {
        &self.process
    }

    /// The next line that it prints.
    pub fn line(&self, within: Duration) -> Result<String> {
        let line = self.lines.recv_timeout(within);
        line.context("the receiver has printed nothing")
    }
}

fn ready(line: &str) -> Option<u16> {
    line.strip_prefix("ready ")?.parse().ok()
}

fn read(log: &Path) -> String {
    std::fs::read_to_string(log).unwrap_or_default()
}

/// A server that speaks S3, with a bucket `record`.
pub struct ObjectStore(Receiver);

impl ObjectStore {
    pub fn start() -> Result<Self> {
        Receiver::start("s3.py", &[]).map(ObjectStore)
    }

    /// One at this port.
    pub fn start_at(port: u16) -> Result<Self> {
        Receiver::start("s3.py", &[&port.to_string()]).map(ObjectStore)
    }

    /// The variables with which the gateway reaches it.
    pub fn environment(&self) -> Vec<(String, String)> {
        Self::environment_at(self.0.port)
    }

    /// The same for one that will be at this port.
    pub fn environment_at(port: u16) -> Vec<(String, String)> {
        let endpoint = format!("http://127.0.0.1:{port}");
        let variables = [
            ("AWS_ENDPOINT", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "us-east-1"),
        ];
        variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    }

    /// The server does not answer until [`ObjectStore::resume`].
    pub fn pause(&self) -> Result<()> {
        self.0.process.signal("STOP")
    }

    pub fn resume(&self) -> Result<()> {
        self.0.process.signal("CONT")
    }
}

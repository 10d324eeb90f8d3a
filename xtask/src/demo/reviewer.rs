//! The second identity of the demo: a person who decides what the first one may run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewright_harness::Gateway;

/// How long a request may take to show up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Decides with `gatewright approvals`, as people do.
#[derive(Clone)]
pub struct Reviewer {
    binary: PathBuf,
    api: String,
    pub subject: String,
    token: String,
}

impl Reviewer {
    /// The one whose token `gatewright dev --api` prints.
    pub fn of(gateway: &Gateway, binary: &Path) -> Result<Self> {
        let line = gateway.approvals()?;
        Ok(Reviewer {
            binary: binary.to_owned(),
            api: line.url,
            subject: line.subject,
            token: line.token,
        })
    }

    /// Commands for a shell.
    pub fn shell(&self) -> String {
        let Self {
            binary, api, token, ..
        } = self;
        format!(
            "export GATEWRIGHT_API={api} GATEWRIGHT_TOKEN={token}\n  {} approvals list --state pending",
            binary.display()
        )
    }

    /// Waits until a statement that begins so waits, approves it, and returns its id and what was printed.
    pub fn approve(&self, statement: &str, reason: &str) -> Result<(String, String)> {
        let start = Instant::now();
        let line = loop {
            let pending = self.run(&["list", "--state", "pending"])?;
            match pending.lines().find(|line| line.contains(statement)) {
                Some(line) => break line.to_owned(),
                None => ensure!(
                    start.elapsed() < PATIENCE,
                    "no request for {statement} was made"
                ),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        let id = line
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .to_owned();
        let printed = self.run(&["approve", &id, "--reason", reason])?;
        Ok((id, printed))
    }

    /// The state of a request.
    pub fn state(&self, id: &str) -> Result<String> {
        let shown: serde_json::Value = serde_json::from_str(&self.run(&["show", id, "--json"])?)?;
        Ok(shown["state"].as_str().unwrap_or_default().to_owned())
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.binary)
            .arg("approvals")
            .args(arguments)
            .envs([
                ("GATEWRIGHT_API", &self.api),
                ("GATEWRIGHT_TOKEN", &self.token),
            ])
            .output()
            .context("running gatewright approvals")?;
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "gatewright approvals {arguments:?}: {errors}"
        );
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    }
}

//! The stages of a long subcommand: a heading for each and, at the end, the time each took.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::screen;

#[derive(Default)]
pub struct Stages {
    ended: Vec<Stage>,
}

struct Stage {
    name: String,
    time: Duration,
    failed: bool,
}

impl Stages {
    /// Runs one stage under its heading.
    pub fn run<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        screen::stage(name);
        let start = Instant::now();
        let outcome = work();
        self.ended.push(Stage {
            name: name.to_owned(),
            time: start.elapsed(),
            failed: outcome.is_err(),
        });
        outcome
    }

    fn table(&self) -> String {
        let mut text = String::new();
        for stage in &self.ended {
            let failed = if stage.failed { "  failed" } else { "" };
            text.push_str(&format!(
                "{:>6} s  {}{failed}\n",
                stage.time.as_secs(),
                stage.name
            ));
        }
        let all: Duration = self.ended.iter().map(|stage| stage.time).sum();
        text.push_str(&format!("{:>6} s  total\n", all.as_secs()));
        text
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        screen::stage("Time per stage");
        print!("{}", self.table());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_shows_every_started_stage_and_which_failed() {
        let mut stages = Stages::default();
        assert_eq!(stages.run("first", || Ok(7)).unwrap(), 7);
        assert!(
            stages
                .run("second", || -> Result<()> { anyhow::bail!("no") })
                .is_err()
        );
        let table = stages.table();
        let lines: Vec<&str> = table.lines().map(str::trim).collect();
        assert_eq!(lines, ["0 s  first", "0 s  second  failed", "0 s  total"]);
    }
}

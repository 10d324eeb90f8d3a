//! `cargo xtask soak`: runs the randomized tests for any length of time, with new seeds each round.
//! `search` defines the searches and `rounds` their order; this module starts them and reads their output.

mod rounds;
mod search;

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use gatewright_harness::{limited, locate, random_secret};

use self::rounds::{Outcome, Plan};
use self::search::{Run, Search};
use crate::{cargo, policies, screen, setup};

/// A run that takes this long hangs.
const HANGS: Duration = Duration::from_secs(60 * 60);

/// The number of log lines shown of a failed run.
const SHOWN: usize = 60;

#[derive(Args)]
pub struct Options {
    /// How long to start new runs; building takes extra time
    #[arg(long, default_value_t = 60)]
    minutes: u32,
    /// The seed from which all others are derived; random by default
    #[arg(long)]
    seed: Option<u64>,
    /// Run only this search
    #[arg(long, value_enum)]
    only: Option<Search>,
}

/// Builds everything, then searches.
///
/// # Errors
/// When a search failed. The output names the command that replays each failure.
pub fn run(options: &Options) -> Result<()> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => u64::from_str_radix(&random_secret()?[..16], 16)?,
    };
    setup::all()?;
    screen::stage("Building the policies, the gateway and the tests");
    policies::build()?;
    cargo::run(&locate::workspace(), &cargo::BUILD_ALL)?;

    screen::stage(&format!(
        "Searching for {} minutes (--seed {seed})",
        options.minutes
    ));
    let logs = locate::target_directory().join("soak");
    std::fs::create_dir_all(&logs).with_context(|| format!("creating {}", logs.display()))?;
    let plan = Plan {
        searches: options.only.map_or(Search::ALL.to_vec(), |only| vec![only]),
        seed,
        time: Duration::from_secs(60) * options.minutes,
    };
    let start = Instant::now();
    let outcome = plan.play(|| start.elapsed(), |run| perform(run, &logs));
    conclude(&outcome)
}

fn conclude(outcome: &Outcome) -> Result<()> {
    if outcome.failures.is_empty() {
        let passed = format!("{} runs passed.", outcome.passed);
        println!("\n{}", screen::green(&passed));
        return Ok(());
    }
    println!("\n{}", screen::red("These runs failed. To replay one:"));
    for (run, error) in &outcome.failures {
        println!("  {}\n    {error:#}", run.command_line());
    }
    bail!("{} searches failed", outcome.failures.len())
}

/// Runs the tests of one search. Their log is kept if they fail.
fn perform(run: Run, logs: &Path) -> Result<()> {
    // Printed before the run: the machine may crash during it.
    println!("   {}: {}", run.search.name(), run.command_line());
    let log = logs.join(format!("{}-{}.log", run.search.name(), run.seed));
    let file = File::create(&log).with_context(|| format!("creating {}", log.display()))?;
    let start = Instant::now();
    let mut command = cargo::command(&locate::workspace(), &run.search.arguments());
    command
        .envs(run.environment())
        .stdout(file.try_clone()?)
        .stderr(file);
    let ended = limited::status(&mut command, HANGS);
    let written = std::fs::read(&log).with_context(|| format!("reading {}", log.display()))?;
    let text = String::from_utf8_lossy(&written);
    let verdict = ended.and_then(|status| judge(status.success(), &text));
    match verdict {
        Ok(tests) => {
            screen::note(&format!(
                "{tests} tests passed in {} s",
                start.elapsed().as_secs()
            ));
            std::fs::remove_file(&log)?;
            Ok(())
        }
        Err(error) => {
            println!(
                "{}\n{}",
                screen::red("failed; the log ends with:"),
                last(&text, SHOWN)
            );
            Err(error.context(log.display().to_string()))
        }
    }
}

/// The number of tests passed. A filter that matches no test succeeds, so zero tests count as a failure.
fn judge(success: bool, text: &str) -> Result<u32> {
    ensure!(success, "cargo test failed");
    let tests = text
        .lines()
        .filter_map(|line| line.strip_prefix("test result: ok. "))
        .filter_map(|rest| rest.split(' ').next()?.parse::<u32>().ok())
        .sum();
    ensure!(tests > 0, "no test ran");
    Ok(tests)
}

fn last(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn a_run_counts_only_when_a_test_ran() {
        let result = |passed| {
            format!(
                "running\n\ntest result: ok. {passed} passed; 0 failed; 0 ignored; 9 filtered out\n"
            )
        };
        let both = result(0) + &result(2) + &result(1);
        assert_eq!(judge(true, &both).ok(), Some(3));
        assert!(judge(true, &result(0)).is_err());
        assert!(judge(true, "").is_err());
        assert!(judge(false, &result(2)).is_err());
    }
}

//! Work, counted in instructions by callgrind: they are the same in every run.

use std::process::Command;

use anyhow::{Context, Result, ensure};

/// What each call of `function` takes in a test of this program, in the order of the calls. `test` is the test's path; it is ignored
/// otherwise.
pub fn of_calls(function: &str, test: &str) -> Result<Vec<u64>> {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("work");
    let outcome = Command::new("valgrind")
        .args(["--tool=callgrind", "--dump-instr=no", "--combine-dumps=no"])
        .args(["--max-stackframe=100000000", "--error-limit=no"])
        .arg(format!("--zero-before={function}"))
        .arg(format!("--dump-after={function}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--exact", test, "--ignored", "--test-threads=1"])
        .output()
        .context("valgrind, which `cargo xtask setup` installs")?;
    let (said, errors) = (
        String::from_utf8_lossy(&outcome.stdout),
        String::from_utf8_lossy(&outcome.stderr),
    );
    ensure!(outcome.status.success(), "{said}\n{errors}");
    ensure!(said.contains("1 passed"), "there is no test {test}: {said}");
    let files = (1..).map(|number| folder.path().join(format!("work.{number}")));
    let dumps = files.map_while(|file| std::fs::read_to_string(file).ok());
    // There is one more at the end of the program.
    let of_calls = dumps.filter(|dump| dump.contains("--dump-after="));
    let counts: Option<Vec<u64>> = of_calls.map(|dump| instructions(&dump)).collect();
    let counts = counts.context("a dump without a number of instructions")?;
    ensure!(!counts.is_empty(), "{function} was not called");
    Ok(counts)
}

/// How much more the work has grown than the size, from the second count to the third. One is as much; a square grows by as much again.
pub fn growth(counts: &[u64], sizes: [f64; 3]) -> Option<f64> {
    let [_, before, after] = *counts else {
        return None;
    };
    Some(after as f64 / before as f64 / (sizes[2] / sizes[1]))
}

/// Checks that the work for each example grows at most `most` as much as the size, from the second size to the third. The calls are those of
/// [`of_calls`]: each example in each size, in this order.
pub fn check_growth(
    function: &str,
    test: &str,
    examples: &[&str],
    sizes: [usize; 3],
    most: f64,
) -> Result<()> {
    let counts = of_calls(function, test)?;
    ensure!(
        counts.len() == examples.len() * sizes.len(),
        "{} calls of {function}",
        counts.len()
    );
    for (example, counts) in examples.iter().zip(counts.chunks(sizes.len())) {
        let growth = growth(counts, sizes.map(|size| size as f64)).context("three counts")?;
        ensure!(growth <= most, "{example}: {counts:?}");
    }
    Ok(())
}

fn instructions(dump: &str) -> Option<u64> {
    let line = |name| dump.lines().find_map(|line| line.strip_prefix(name));
    let count = line("summary: ").or_else(|| line("totals: "))?;
    count.trim().parse().ok()
}

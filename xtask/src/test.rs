//! `cargo xtask test`: runs all tests.

use std::path::Path;

use anyhow::Result;
use gatewright_harness::locate;

use crate::stages::Stages;
use crate::{cargo, policies, setup};

/// Builds the policies, the gateway and the tests, then runs them. A filter selects tests whose name contains it.
pub fn run(filter: Option<&str>) -> Result<()> {
    let root = locate::workspace();
    let filter: Vec<&str> = filter.into_iter().collect();
    let mut stages = Stages::default();
    stages.run("Setup", setup::all)?;
    stages.run("Building the bundled policies", policies::build)?;
    // Build and test select the same packages and targets, so that cargo resolves one set of features.
    stages.run("Building the gateway and the tests", || {
        cargo::run(&root, &cargo::BUILD_ALL)
    })?;
    stages.run("Building the sqlx client", || {
        setup::build_sqlx_driver();
        Ok(())
    })?;
    stages.run("Testing the workspace", || workspace(&root, &filter))?;
    for folder in ["policy-sdk/rust", "policies"] {
        stages.run(&format!("Testing {folder}"), || {
            cargo::run_with(
                &root.join(folder),
                &[&["test"], &filter[..]].concat(),
                &[("CARGO_TARGET_DIR", &cargo::guests_target())],
            )
        })?;
    }
    Ok(())
}

/// Read by Rust's test runner: how many tests it runs at once.
const TEST_THREADS: &str = "RUST_TEST_THREADS";

/// More tests than processors: the end-to-end tests mostly wait for other programs.
fn at_once() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    (5 * processors).div_ceil(2)
}

fn workspace(root: &Path, filter: &[&str]) -> Result<()> {
    let gateway = locate::target_directory().join("debug/gatewright");
    let python = locate::python_with_drivers()?;
    let threads = std::env::var(TEST_THREADS).unwrap_or_else(|_| at_once().to_string());
    let environment = [
        (locate::GATEWAY_BIN, gateway.as_path()),
        (locate::PYTHON, python.as_path()),
        (TEST_THREADS, Path::new(&threads)),
    ];
    cargo::run_with(
        root,
        &[&["test", "--workspace"], filter].concat(),
        &environment,
    )
}

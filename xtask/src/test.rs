//! `cargo xtask test`: all tests there are.

use anyhow::Result;
use gatewright_harness::locate;

use crate::{cargo, policies, screen, setup};

/// Builds the policies, the gateway and the tests, then runs them. With a filter, only tests whose name contains it.
pub fn run(filter: Option<&str>) -> Result<()> {
    setup::all()?;
    let root = locate::workspace();

    screen::stage("Building the bundled policies");
    policies::build()?;

    screen::stage("Building the gateway and the tests");
    // One selection of packages and targets for build and test, so that cargo resolves one set of features.
    cargo::run(&root, &["build", "--workspace", "--bins", "--tests"])?;

    setup::build_sqlx_driver();

    screen::stage("Testing the workspace");
    let gateway = locate::target_directory().join("debug/gatewright");
    let python = locate::python_with_drivers()?;
    let environment = [
        (locate::GATEWAY_BIN, gateway.as_path()),
        (locate::PYTHON, python.as_path()),
    ];
    let filter: Vec<&str> = filter.into_iter().collect();
    cargo::run_with(
        &root,
        &[&["test", "--workspace"], &filter[..]].concat(),
        &environment,
    )?;

    for folder in ["policy-sdk/rust", "policies"] {
        screen::stage(&format!("Testing {folder}"));
        cargo::run(&root.join(folder), &[&["test"], &filter[..]].concat())?;
    }
    Ok(())
}

//! Runs cargo on this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use gatewright_harness::locate;

/// Runs cargo in `folder` with its output on the terminal. Fails if cargo fails.
pub fn run(folder: &Path, arguments: &[&str]) -> Result<()> {
    run_with(folder, arguments, &[])
}

/// Like `run`, with environment variables.
pub fn run_with(folder: &Path, arguments: &[&str], environment: &[(&str, &Path)]) -> Result<()> {
    let status = command(folder, arguments)
        .envs(environment.iter().copied())
        .status()
        .context("starting cargo")?;
    if !status.success() {
        bail!(
            "`cargo {}` failed in {}",
            arguments.join(" "),
            folder.display()
        );
    }
    Ok(())
}

/// A cargo command in `folder`, not yet started.
pub fn command(folder: &Path, arguments: &[&str]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The outer `cargo run` sets these for xtask. An inner build would see them as a change and rebuild.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command.args(arguments).current_dir(folder);
    command
}

/// The binaries and tests of the workspace.
pub const BUILD_ALL: [&str; 4] = ["build", "--workspace", "--bins", "--tests"];

/// The target directory for guests compiled for this machine, to be tested and linted. Both guest workspaces use it,
/// since they share most dependencies.
pub fn guests_target() -> PathBuf {
    locate::target_directory().join("guests/host")
}

/// Builds the gateway and returns its path.
pub fn gateway(profile: Profile) -> Result<PathBuf> {
    let root = locate::workspace();
    match profile {
        Profile::Debug => run(
            &root,
            // Selects the same packages as the tests. Otherwise cargo would choose other features for shared
            // dependencies and recompile them and the gateway.
            &["build", "--workspace", "--bins"],
        )?,
        Profile::Release => run(
            &root,
            &[
                "build",
                "--release",
                "--package",
                "gatewright",
                "--bin",
                "gatewright",
            ],
        )?,
    }
    Ok(locate::target_directory()
        .join(profile.folder())
        .join("gatewright"))
}

/// cargo's profiles.
#[derive(Clone, Copy)]
pub enum Profile {
    Debug,
    Release,
}

impl Profile {
    /// The profile's directory below the target directory.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

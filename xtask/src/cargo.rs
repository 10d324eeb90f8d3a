//! Calls cargo on this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use gatewright_harness::locate;

/// Runs cargo in `folder` with output to the terminal; fails when cargo does.
pub fn run(folder: &Path, arguments: &[&str]) -> Result<()> {
    run_with(folder, arguments, &[])
}

/// Like `run`, with environment variables.
pub fn run_with(folder: &Path, arguments: &[&str], environment: &[(&str, &Path)]) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // The outer `cargo run` describes xtask to us in these; an inner build would take them for a change of its own.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    let status = command
        .args(arguments)
        .current_dir(folder)
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

/// Builds the gateway and returns its path.
pub fn gateway(profile: Profile) -> Result<PathBuf> {
    let root = locate::workspace();
    match profile {
        Profile::Debug => run(
            &root,
            &["build", "--package", "gatewright", "--bin", "gatewright"],
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

/// cargo's two profiles.
#[derive(Clone, Copy)]
pub enum Profile {
    Debug,
    Release,
}

impl Profile {
    /// Folder below the target directory.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

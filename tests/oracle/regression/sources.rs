//! Where PostgreSQL's regression tests are: in the source package of each version, which is fetched without changing what the
//! machine has.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Version, locate::target_directory};

/// The longest time that one command may take.
const SECONDS: &str = "120";

/// The folder with the files of a version.
pub fn folder(version: Version) -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("GATEWRIGHT_REGRESSION_FILES") {
        return Ok(folder.into());
    }
    let (name, suite, package) = match version {
        Version::Installed => ("regression", "bookworm", "postgresql-15"),
        Version::Eighteen => ("regression18", "forky", "postgresql-18"),
    };
    let here = target_directory().join(name);
    if let Some(found) = unpacked(&here) {
        return Ok(found);
    }
    std::fs::create_dir_all(here.join("lists/partial"))?;
    std::fs::create_dir_all(here.join("cache/archives/partial"))?;
    std::fs::create_dir_all(here.join("parts"))?;
    std::fs::write(
        here.join("parts/source.sources"),
        format!(
            "Types: deb-src\nURIs: http://deb.debian.org/debian\nSuites: {suite}\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
        ),
    )?;
    apt(&here, &["update"])?;
    apt(&here, &["source", "--download-only", package])?;
    let archive = std::fs::read_dir(&here)?
        .filter_map(|file| Some(file.ok()?.path()))
        .find(|file| file.to_string_lossy().contains(".orig.tar."))
        .context("the package has no sources")?;
    run(Command::new("tar")
        .arg("xf")
        .arg(&archive)
        .args(["--wildcards", "*/src/test/regress/sql/*"])
        .current_dir(&here))?;
    unpacked(&here).context("the sources have no regression tests")
}

fn unpacked(here: &Path) -> Option<PathBuf> {
    let folders = std::fs::read_dir(here).ok()?;
    let mut found =
        folders.filter_map(|folder| Some(folder.ok()?.path().join("src/test/regress/sql")));
    found.find(|folder| folder.join("test_setup.sql").is_file())
}

/// apt-get with lists and sources of its own.
fn apt(here: &Path, arguments: &[&str]) -> Result<()> {
    let setting = |name: &str, value: &str| format!("{name}={}/{value}", here.display());
    let mut command = Command::new("timeout");
    command.args([
        SECONDS,
        "apt-get",
        "-q",
        "-o",
        "Dir::Etc::sourcelist=/dev/null",
        "-o",
        "APT::Sandbox::User=root",
    ]);
    for (name, value) in [
        ("Dir::Etc::sourceparts", "parts"),
        ("Dir::State::lists", "lists"),
        ("Dir::Cache", "cache"),
    ] {
        command.arg("-o").arg(setting(name, value));
    }
    run(command.args(arguments).current_dir(here))
}

fn run(command: &mut Command) -> Result<()> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", text.trim());
    Ok(())
}

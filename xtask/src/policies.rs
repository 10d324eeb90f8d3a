//! `cargo xtask policies`: builds the bundled policies to WebAssembly.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use gatewright_harness::locate;

use crate::screen;
use crate::wasm::{self, Compiler};

/// Builds every policy under `policies/` to `<target>/policies/<name>.wasm` and returns the files written.
///
/// # Errors
/// When there is no compiler for wasm32 (the message says what to install), or when the build fails.
pub fn build() -> Result<Vec<PathBuf>> {
    let source = locate::workspace().join("policies");
    let compiler = Compiler::find()?;
    screen::note(&format!("building policies with {}", compiler.name()));
    let target = compiler.target_directory();
    let mut cargo = compiler.build(&source, &target);
    cargo.arg("--locked");
    if !cargo.status().context("starting cargo")?.success() {
        bail!("building the policies in {} failed", source.display());
    }

    let built = target.join(wasm::TARGET).join("release");
    let destination = locate::target_directory().join("policies");
    std::fs::create_dir_all(&destination)
        .with_context(|| format!("creating {}", destination.display()))?;
    names(&source)?
        .iter()
        .map(|name| {
            let file = destination.join(format!("{name}.wasm"));
            place(
                &built.join(format!("{}.wasm", name.replace('-', "_"))),
                &file,
            )?;
            Ok(file)
        })
        .collect()
}

/// The names of the directories that contain a policy package, sorted.
fn names(source: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in
        std::fs::read_dir(source).with_context(|| format!("reading {}", source.display()))?
    {
        let entry = entry?;
        let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml"));
        // Other directories may hold libraries that policies share.
        if manifest.is_ok_and(|manifest| manifest.contains("\"cdylib\"")) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Copies to another name first, so that a watcher of the directory never sees a partial file.
fn place(from: &Path, to: &Path) -> Result<()> {
    let mut partial = OsString::from(to);
    partial.push(".partial");
    std::fs::copy(from, &partial).with_context(|| format!("copying {}", from.display()))?;
    std::fs::rename(&partial, to).with_context(|| format!("writing {}", to.display()))
}

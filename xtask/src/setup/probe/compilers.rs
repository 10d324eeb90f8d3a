//! Checks of compilers: each must produce something that works.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_harness::locate;

use super::{LIMIT, answer, expect_answer};
use crate::screen;
use crate::wasm::{self, Compiler};

const C: &str = r#"
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    uint8_t bytes[7];
    memset(bytes, 6, sizeof bytes);
    size_t sum = 0;
    for (size_t at = 0; at < sizeof bytes; at++) sum += bytes[at];
    printf("%d\n", (int)sum);
    return 0;
}
"#;

const MANIFEST: &str = concat!(
    r#"
[package]
name = "probe"
edition = "2024"
rust-version = ""#,
    env!("CARGO_PKG_RUST_VERSION"),
    r#""

[lib]
path = "lib.rs"
crate-type = ["cdylib"]

[workspace]

# As in the policies, which then find this standard library when they build one.
[profile.release]
panic = "abort"
lto = true
codegen-units = 1
strip = "debuginfo"
"#
);

const WASM: &str = r#"
use std::collections::BTreeMap;

#[unsafe(no_mangle)]
pub extern "C" fn count(most: u32) -> u32 {
    let names: BTreeMap<u32, String> = (0..most).map(|at| (at, at.to_string())).collect();
    names.values().map(|name| name.len() as u32).sum()
}
"#;

/// The first build of a standard library is slow.
const BUILDS_STANDARD_LIBRARY: Duration = Duration::from_secs(900);

/// Compiles and runs a program with `cc`, which rustc also uses to link.
pub fn c() -> Result<()> {
    let compiler = locate::program("cc", "gcc")?;
    let folder = tempfile::tempdir()?;
    let (source, program) = (folder.path().join("probe.c"), folder.path().join("probe"));
    std::fs::write(&source, C)?;
    answer(
        Command::new(&compiler).arg(&source).arg("-o").arg(&program),
        LIMIT,
    )?;
    expect_answer(&mut Command::new(&program), LIMIT)
        .with_context(|| format!("running a program compiled by {}", compiler.display()))
}

/// Loads libclang in a separate process: a broken library may hang or crash.
pub fn libclang() -> Result<()> {
    expect_answer(
        Command::new(std::env::current_exe()?).arg("load-libclang"),
        LIMIT,
    )
}

/// Compiles a library with the compiler used for the policies.
pub fn wasm() -> Result<()> {
    let compiler = Compiler::find()?;
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("Cargo.toml"), MANIFEST)?;
    std::fs::write(folder.path().join("lib.rs"), WASM)?;
    let (target, limit) = if compiler.builds_standard_library() {
        // The target directory of the policies, so that the standard library is built only once.
        if !compiler.target_directory().exists() {
            screen::note("compiling the standard library for wasm32 (only the first time)");
        }
        (compiler.target_directory(), BUILDS_STANDARD_LIBRARY)
    } else {
        (folder.path().join("target"), LIMIT)
    };
    answer(&mut compiler.build(folder.path(), &target), limit)
        .with_context(|| format!("compiling with {}", compiler.name()))?;
    let made = target.join(wasm::TARGET).join("release/probe.wasm");
    let bytes = std::fs::read(&made).with_context(|| format!("reading {}", made.display()))?;
    ensure!(
        bytes.starts_with(b"\0asm"),
        "the output of {} is not WebAssembly",
        compiler.name()
    );
    Ok(())
}

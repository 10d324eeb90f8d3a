//! `cargo xtask policies`: builds the bundled policies to WebAssembly.
//! It takes the toolchain that is there, rustup's target before Debian's compiler, and says which it used.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use gatewright_harness::locate;

use crate::screen;

const TARGET: &str = "wasm32-unknown-unknown";

/// Builds every policy under `policies/` to `<target>/policies/<name>.wasm` and returns the files written.
///
/// # Errors
/// When no compiler for wasm32 is there, saying what to install, and when the build fails.
pub fn build() -> Result<Vec<PathBuf>> {
    let source = locate::workspace().join("policies");
    let compiler = Compiler::find()?;
    screen::note(&format!("policies are built with {}", compiler.name()));
    // Apart for each compiler: they would rebuild each other's work.
    let target = locate::target_directory()
        .join("guests")
        .join(compiler.folder());
    let mut cargo = compiler.cargo();
    cargo
        .current_dir(&source)
        .args(["build", "--release", "--locked", "--target", TARGET])
        .env("CARGO_TARGET_DIR", &target)
        .env_remove("CARGO_MANIFEST_DIR")
        .env_remove("CARGO_MANIFEST_PATH")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    if !cargo.status().context("starting cargo")?.success() {
        bail!("building the policies in {} failed", source.display());
    }

    let built = target.join(TARGET).join("release");
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

enum Compiler {
    Rustup,
    Debian { rustc: PathBuf, linker: PathBuf },
}

impl Compiler {
    fn find() -> Result<Self> {
        let sysroot = sysroot("rustc".as_ref());
        let installed = |root: &PathBuf| root.join("lib/rustlib").join(TARGET).join("lib").is_dir();
        if sysroot.as_ref().is_some_and(installed) {
            return Ok(Self::Rustup);
        }
        let Some(rustc) = debian_rustc() else {
            bail!(
                "no compiler for {TARGET} is here. With rustup: `rustup target add {TARGET}`. \
                 On Debian: `apt-get install rustc-web rust-web-src`"
            );
        };
        let Some(linker) = linker(&rustc, sysroot.as_deref()) else {
            bail!("no rust-lld is here, which links wasm. On Debian: `apt-get install lld`");
        };
        Ok(Self::Debian { rustc, linker })
    }

    fn name(&self) -> String {
        match self {
            Self::Rustup => format!("rustup's {TARGET}"),
            Self::Debian { rustc, .. } => {
                format!(
                    "Debian's {} and a standard library built from its source",
                    rustc.display()
                )
            }
        }
    }

    fn folder(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup",
            Self::Debian { .. } => "debian",
        }
    }

    fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        if let Self::Debian { rustc, linker } = self {
            command
                .env("RUSTC", rustc)
                // Building the standard library is an unstable option of cargo and rustc.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker)
                .args(["-Z", "build-std=std,panic_abort"]);
        }
        command
    }
}

fn sysroot(rustc: &Path) -> Option<PathBuf> {
    let output = Command::new(rustc)
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| PathBuf::from(path.trim()))
}

/// The compiler of the package rustc-web, if the source of its standard library is there too.
fn debian_rustc() -> Option<PathBuf> {
    let listing = Command::new("dpkg")
        .args(["-L", "rustc-web"])
        .output()
        .ok()?;
    let rustc = String::from_utf8(listing.stdout)
        .ok()?
        .lines()
        .find(|line| line.ends_with("bin/rustc"))
        .map(PathBuf::from)?;
    let library = sysroot(&rustc)?.join("lib/rustlib/src/rust/library/std/Cargo.toml");
    library.is_file().then_some(rustc)
}

fn linker(rustc: &Path, rustup: Option<&Path>) -> Option<PathBuf> {
    let host = host(rustc)?;
    [sysroot(rustc).as_deref(), rustup]
        .into_iter()
        .flatten()
        .map(|root| root.join("lib/rustlib").join(&host).join("bin/rust-lld"))
        .find(|path| path.is_file())
        .or_else(|| locate::program("rust-lld", "lld").ok())
        .or_else(|| locate::program("wasm-ld", "lld").ok())
}

fn host(rustc: &Path) -> Option<String> {
    let output = Command::new(rustc).arg("-vV").output().ok()?;
    String::from_utf8(output.stdout)
        .ok()?
        .lines()
        .find_map(|line| line.strip_prefix("host: ").map(str::to_owned))
}

/// The folders with a package in them, in order.
fn names(source: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in
        std::fs::read_dir(source).with_context(|| format!("reading {}", source.display()))?
    {
        let entry = entry?;
        let manifest = std::fs::read_to_string(entry.path().join("Cargo.toml"));
        // A folder beside them may be a library that policies share.
        if manifest.is_ok_and(|manifest| manifest.contains("\"cdylib\"")) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Copies under another name first, so that nobody who watches the folder sees half a file.
fn place(from: &Path, to: &Path) -> Result<()> {
    let mut partial = OsString::from(to);
    partial.push(".partial");
    std::fs::copy(from, &partial).with_context(|| format!("copying {}", from.display()))?;
    std::fs::rename(&partial, to).with_context(|| format!("writing {}", to.display()))
}

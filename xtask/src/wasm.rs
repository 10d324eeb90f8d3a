//! The compiler for guests: rustup's wasm32 target if it is installed, or Debian's compiler, which builds the standard
//! library from source.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use gatewright_harness::locate;

pub const TARGET: &str = "wasm32-unknown-unknown";

/// The wasm32 compiler of this machine.
pub enum Compiler {
    Rustup,
    Debian { rustc: PathBuf, linker: PathBuf },
}

impl Compiler {
    /// # Errors
    /// When there is none; the message says what to install.
    pub fn find() -> Result<Self> {
        let sysroot = sysroot("rustc".as_ref());
        let installed = |root: &PathBuf| root.join("lib/rustlib").join(TARGET).join("lib").is_dir();
        if sysroot.as_ref().is_some_and(installed) {
            return Ok(Self::Rustup);
        }
        let Some(rustc) = debian_rustc() else {
            bail!(
                "no compiler for {TARGET} found. With rustup: `rustup target add {TARGET}`. \
                 On Debian: `apt-get install rustc-web rust-web-src`"
            );
        };
        let Some(linker) = linker(&rustc, sysroot.as_deref()) else {
            bail!(
                "rust-lld, the WebAssembly linker, was not found. On Debian: `apt-get install lld`"
            );
        };
        Ok(Self::Debian { rustc, linker })
    }

    pub fn name(&self) -> String {
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

    /// Whether cargo must first compile the standard library from source.
    pub fn builds_standard_library(&self) -> bool {
        matches!(self, Self::Debian { .. })
    }

    /// The target directory for policies. Each compiler has its own, since they would invalidate each other's output.
    pub fn target_directory(&self) -> PathBuf {
        let folder = match self {
            Self::Rustup => "rustup",
            Self::Debian { .. } => "debian",
        };
        locate::target_directory().join("guests").join(folder)
    }

    /// Builds the package or workspace in `source`, optimized, into `target`.
    pub fn build(&self, source: &Path, target: &Path) -> Command {
        let mut cargo = self.cargo();
        cargo
            .current_dir(source)
            .args(["build", "--release", "--target", TARGET])
            .env("CARGO_TARGET_DIR", target)
            .env_remove("CARGO_MANIFEST_DIR")
            .env_remove("CARGO_MANIFEST_PATH")
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        cargo
    }

    fn cargo(&self) -> Command {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        if let Self::Debian { rustc, linker } = self {
            command
                .env("RUSTC", rustc)
                // `build-std` is unstable in cargo and rustc.
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

/// The compiler of the package rustc-web, if the standard library's source is installed too.
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

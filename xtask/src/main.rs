//! The project's one command: `cargo xtask <verb>`.
//! It needs nothing installed but the Rust toolchain, and installs what else a verb needs or says what to install.
//! Each verb is a module.

mod bench;
mod cargo;
mod demo;
mod policies;
mod screen;
mod setup;
mod soak;
mod stages;
mod test;
mod wasm;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Gatewright's project command")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run Gatewright in front of a private PostgreSQL with a small shop, and show what policies do
    Demo {
        /// End after the tour; exit 0 only if every step showed what it should
        #[arg(long)]
        once: bool,
    },
    /// Install what building and testing need, or say what to install
    Setup {
        /// Only these; without any, all
        needs: Vec<setup::Need>,
        /// Install nothing: say what works and what does not
        #[arg(long)]
        check: bool,
    },
    /// Run all tests: units, policies, end to end against a real PostgreSQL
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
    },
    /// Search for hours what the tests search for seconds, with new seeds each round
    Soak(soak::Options),
    /// Build every bundled policy to target/policies/<name>.wasm
    Policies,
    /// Measure against PostgreSQL alone and PgBouncer; writes target/bench.json
    Bench {
        /// Shorter and fewer rounds; the numbers are rough
        #[arg(long)]
        quick: bool,
    },
    /// Load libclang as bindgen does; a check of `setup` in a process of its own
    #[command(hide = true)]
    LoadLibclang,
}

fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::Demo { once } => demo::run(once),
        Verb::Setup { needs, check } => setup::run(&needs, check),
        Verb::Test { filter } => test::run(filter.as_deref()),
        Verb::Soak(options) => soak::run(&options),
        Verb::Policies => policies::build().map(drop),
        Verb::Bench { quick } => bench::run(quick),
        Verb::LoadLibclang => setup::load_libclang(),
    }
}

//! The project's command: `cargo xtask <subcommand>`. Each subcommand is a module.
//! It requires only the Rust toolchain. It installs what else a subcommand needs, or says what to install.

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
        /// Exit after the tour; exit 0 only if every check passed
        #[arg(long)]
        once: bool,
    },
    /// Install what building and testing require, or say what to install
    Setup {
        /// Only these requirements; all by default
        needs: Vec<setup::Need>,
        /// Install nothing; report what works and what does not
        #[arg(long)]
        check: bool,
    },
    /// Run all tests: unit, policy and end-to-end tests against a real PostgreSQL
    Test {
        /// Run only tests whose name contains this
        filter: Option<String>,
    },
    /// Run the randomized tests for a long time, with new seeds each round
    Soak(soak::Options),
    /// Build every bundled policy to target/policies/<name>.wasm
    Policies,
    /// Compare with direct connections and PgBouncer; writes target/bench.json
    Bench(bench::Options),
    /// Load libclang as bindgen does; run by `setup` as a separate process
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
        Verb::Bench(options) => bench::run(&options),
        Verb::LoadLibclang => setup::load_libclang(),
    }
}

//! The project's one command: `cargo xtask <verb>`.
//! It needs nothing installed but the Rust toolchain, and installs what else a verb needs or says what to install.
//! Each verb is a module.

mod cargo;
mod policies;
mod screen;
mod setup;
mod test;

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
    /// Run all tests: units, policies, end to end against a real PostgreSQL
    Test {
        /// Only tests whose name contains this
        filter: Option<String>,
    },
    /// Build every bundled policy to target/policies/<name>.wasm
    Policies,
}

fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::Test { filter } => test::run(filter.as_deref()),
        Verb::Policies => policies::build().map(drop),
    }
}

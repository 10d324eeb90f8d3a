//! The project's one command: `cargo xtask <verb>`.
//! It needs nothing installed but the Rust toolchain, and says what else a verb needs.
//! Each verb is a module.

mod policies;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Gatewright's project command")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Build every bundled policy to target/policies/<name>.wasm
    Policies,
}

fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::Policies => policies::build().map(drop),
    }
}

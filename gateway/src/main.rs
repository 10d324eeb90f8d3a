//! The `gatewright` command.

use std::process::ExitCode;

use clap::Parser;
use gatewright::cli::Arguments;

fn main() -> ExitCode {
    Arguments::parse().run()
}

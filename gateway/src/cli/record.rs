//! `gatewright record`: whether the record is what was written, who can read it, and its index.

mod checkpoints;
mod fetch;
mod hold;
mod index;
mod place;
mod rewrap;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

pub(super) use place::{Record, RecordPlace};

/// Arguments of `gatewright record`.
#[derive(Debug, Args)]
pub struct RecordArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check that nothing was edited, cut, moved, removed or added since it was recorded
    Verify(verify::Verify),
    /// Build the index anew from the files
    Index(index::IndexArguments),
    /// Let others read what is encrypted
    Rewrap(rewrap::Rewrap),
    /// Keep sessions from being deleted
    #[command(subcommand)]
    Hold(hold::HoldCommand),
}

pub(super) fn run(arguments: &RecordArguments) -> ExitCode {
    let done = match &arguments.command {
        Command::Hold(command) => hold::hold(command),
        Command::Index(arguments) => index::index(arguments),
        Command::Rewrap(arguments) => rewrap::rewrap(arguments),
        Command::Verify(arguments) => match verify::verified(arguments) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
    };
    super::finish(done)
}

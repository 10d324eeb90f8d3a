//! `gatewright record`: whether the record is what was written, and who can read it.

mod checkpoints;
mod fetch;
mod hold;
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
    /// Let others read what is encrypted
    Rewrap(rewrap::Rewrap),
    /// Keep sessions from being deleted
    #[command(subcommand)]
    Hold(hold::HoldCommand),
}

pub(super) fn run(arguments: &RecordArguments) -> ExitCode {
    let done = match &arguments.command {
        Command::Hold(command) => hold::hold(command),
        Command::Rewrap(arguments) => rewrap::rewrap(arguments),
        Command::Verify(arguments) => match verify::verified(arguments) {
            Ok(true) => Ok(()),
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => Err(error),
        },
    };
    super::finish(done)
}

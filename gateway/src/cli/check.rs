use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::config;

/// `gatewright check --config FILE`: prints what the gateway would run with, secrets hidden, or
/// every fault of the file. The exit code is 0 when the file is good and 1 when it is not.
///
/// # Errors
/// When `out` cannot be written to.
pub fn run(path: &Path, out: &mut dyn Write) -> io::Result<ExitCode> {
    match config::load(path) {
        Ok(config) => {
            write!(out, "{config}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(report) => {
            writeln!(out, "{report}")?;
            Ok(ExitCode::FAILURE)
        }
    }
}

//! `gatewright check`: the configuration as the gateway would read it, or its errors.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::config;

/// Prints the resolved configuration with secrets hidden, or every error of the file. The exit code is 0 if the file is
/// valid and 1 if it is not.
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

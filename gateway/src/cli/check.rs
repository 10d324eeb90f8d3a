//! `gatewright check`: validates a configuration file.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::config;

/// Prints the resolved configuration without secrets, or every error in the file. The exit status is 0 if the file is
/// valid and 1 otherwise.
///
/// # Errors
/// Writing to `out` fails.
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

//! What is wrong with a configuration file, and where.

use std::fmt;
use std::path::PathBuf;

/// One error in a configuration file, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: PathBuf,
    /// From 1; 0 where the error concerns the file as a whole.
    pub line: usize,
    /// In characters, from 1; 0 where the error concerns the file as a whole.
    pub column: usize,
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {}", self.message)
    }
}

/// All errors in a configuration file, in the file's order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub errors: Vec<ConfigError>,
}

impl Report {
    pub(super) fn of(error: ConfigError) -> Self {
        Self {
            errors: vec![error],
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for error in &self.errors {
            writeln!(f, "{error}")?;
        }
        match self.errors.len() {
            1 => write!(f, "1 error"),
            many => write!(f, "{many} errors"),
        }
    }
}

impl std::error::Error for Report {}

use std::fmt;
use std::path::PathBuf;

/// One thing that is wrong with a configuration file, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub file: PathBuf,
    /// From 1; 0 when the fault is the file itself.
    pub line: usize,
    /// In characters, from 1; 0 when the fault is the file itself.
    pub column: usize,
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if self.line > 0 {
            write!(f, "{}:{}:", self.line, self.column)?;
        }
        write!(f, " {}", self.message)
    }
}

/// All that is wrong with a configuration file, in the file's order. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub faults: Vec<Fault>,
}

impl Report {
    pub(super) fn of(fault: Fault) -> Self {
        Self {
            faults: vec![fault],
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fault in &self.faults {
            writeln!(f, "{fault}")?;
        }
        match self.faults.len() {
            1 => write!(f, "1 fault"),
            many => write!(f, "{many} faults"),
        }
    }
}

impl std::error::Error for Report {}

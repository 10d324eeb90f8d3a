//! The versions of PostgreSQL that tests run against, servers and clients alike.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::locate;

/// Whose programs are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The machine's own PostgreSQL (15 on Debian 12).
    #[default]
    Installed,
    /// PostgreSQL 18, from the target directory.
    Eighteen,
}

impl Version {
    /// Every version.
    pub const ALL: [Self; 2] = [Self::Installed, Self::Eighteen];

    /// The folder with `initdb` and `postgres`.
    pub fn server_programs(self) -> Result<PathBuf> {
        match self {
            Self::Installed => locate::postgres_bin(),
            Self::Eighteen => Ok(locate::postgres18()?.join("bin")),
        }
    }

    /// A client program of this version: `psql`, `pgbench`, `pg_dump`, `pg_restore`.
    pub fn client(self, name: &str) -> Result<PathBuf> {
        match self {
            Self::Installed => locate::beside_server(name, "postgresql"),
            Self::Eighteen => {
                let program = self.server_programs()?.join(name);
                ensure!(program.is_file(), "{} does not exist", program.display());
                Ok(program)
            }
        }
    }
}

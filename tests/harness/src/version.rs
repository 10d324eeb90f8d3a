//! The PostgreSQL versions that tests run against, for both servers and clients.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::locate;

/// The source of PostgreSQL's programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// The PostgreSQL installed on this machine (15 on Debian 12).
    #[default]
    Installed,
    /// PostgreSQL 18 from the target directory.
    Eighteen,
}

impl Version {
    /// Every version.
    pub const ALL: [Self; 2] = [Self::Installed, Self::Eighteen];

    /// The directory with `initdb` and `postgres`.
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

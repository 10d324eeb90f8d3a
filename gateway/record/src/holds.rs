//! Holds: what must not be deleted, whatever the retention is. Each is a file of its own in `holds`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use gatewright_contract::SessionId;
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::directory::{Directory, create_private};
use crate::event::{Opened, Time};

const EXTENSION: &str = "hold";

/// No file of a hold is longer.
const MAX_LENGTH: u64 = 1 << 16;

/// What a hold is removed by.
pub type HoldId = uuid::Uuid;

/// What is kept from deletion, and why.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Hold {
    #[n(0)]
    pub of: Held,
    #[n(1)]
    pub since: Time,
    #[n(2)]
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Held {
    #[n(0)]
    Session(#[cbor(n(0), with = "cbor::id")] SessionId),
    /// Every session of this subject, whoever issued the token.
    #[n(1)]
    Subject(#[n(0)] String),
    /// Every session with this database.
    #[n(2)]
    Database(#[n(0)] String),
}

impl Held {
    pub fn holds(&self, opened: &Opened) -> bool {
        match self {
            Held::Session(session) => *session == opened.session,
            Held::Subject(subject) => *subject == opened.subject,
            Held::Database(database) => *database == opened.database,
        }
    }
}

/// The holds of a record.
pub struct Holds {
    folder: PathBuf,
}

impl Holds {
    pub fn of(directory: &Directory) -> Self {
        Holds {
            folder: directory.root().join("holds"),
        }
    }

    /// All of them by their ids.
    ///
    /// # Errors
    /// One cannot be read: then nothing must be deleted.
    pub fn list(&self) -> io::Result<Vec<(HoldId, Hold)>> {
        let files = match fs::read_dir(&self.folder) {
            Ok(files) => files,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut holds = Vec::new();
        for file in files {
            let path = file?.path();
            if path.extension().is_none_or(|known| known != EXTENSION) {
                continue;
            }
            let unreadable = || io::Error::other(format!("{} is no hold", path.display()));
            let name = path.file_stem().and_then(|name| name.to_str());
            let id = name.and_then(|name| name.parse().ok());
            let mut bytes = Vec::new();
            io::Read::read_to_end(
                &mut io::Read::take(File::open(&path)?, MAX_LENGTH),
                &mut bytes,
            )?;
            let hold = minicbor::decode(&bytes).map_err(|_| unreadable())?;
            holds.push((id.ok_or_else(unreadable)?, hold));
        }
        holds.sort_by_key(|(id, _)| *id);
        Ok(holds)
    }

    /// # Errors
    /// It cannot be written.
    pub fn add(&self, hold: &Hold) -> io::Result<HoldId> {
        create_private(&self.folder)?;
        let id = HoldId::now_v7();
        let path = self.path(id);
        let new = path.with_extension("new");
        let bytes = minicbor::to_vec(hold).map_err(io::Error::other)?;
        let mut file = File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(new, path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(id)
    }

    /// # Errors
    /// There is none, or it cannot be removed.
    pub fn remove(&self, id: HoldId) -> io::Result<()> {
        fs::remove_file(self.path(id))?;
        File::open(&self.folder)?.sync_all()
    }

    fn path(&self, id: HoldId) -> PathBuf {
        self.folder.join(format!("{id}.{EXTENSION}"))
    }
}

//! Where what lies: `sessions/<session>.<segment>.gwr`, the log in `log`, and the `journal`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use gatewright_contract::SessionId;

const SESSIONS: &str = "sessions";
const LOG: &str = "log";
const JOURNAL: &str = "journal";
pub(crate) const CHECKPOINT: &str = "checkpoint";
const EXTENSION: &str = "gwr";
const KEY: &str = "age";

/// No wrapped key is longer.
const MAX_KEY: u64 = 1 << 20;

/// The directory of a record.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

/// The segments of one session by their numbers.
pub type Segments = BTreeMap<u32, PathBuf>;

impl Directory {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Directory { root: root.into() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the log is.
    pub fn log(&self) -> PathBuf {
        self.root.join(LOG)
    }

    /// What was appended to several segments and may not be in their files yet.
    pub fn journal(&self) -> PathBuf {
        self.root.join(JOURNAL)
    }

    /// The newest checkpoint of the log.
    pub fn checkpoint(&self) -> PathBuf {
        self.log().join(CHECKPOINT)
    }

    /// Creates what is not there yet, for nobody else to read.
    ///
    /// # Errors
    /// It cannot be created.
    pub fn create(&self) -> io::Result<()> {
        for folder in [&self.root, &self.sessions(), &self.log()] {
            create_private(folder)?;
        }
        self.sync()
    }

    /// The file of a segment.
    pub fn segment(&self, session: SessionId, number: u32) -> PathBuf {
        self.sessions().join(segment_name(session, number))
    }

    /// Has the names of new segments on disk.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn sync(&self) -> io::Result<()> {
        File::open(self.sessions())?.sync_all()
    }

    /// The segments of all sessions. Ids sort by the time at which the session began.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> io::Result<BTreeMap<SessionId, Segments>> {
        let mut sessions: BTreeMap<SessionId, Segments> = BTreeMap::new();
        for file in fs::read_dir(self.sessions())? {
            let path = file?.path();
            if let Some((session, number)) = name_of(&path) {
                sessions.entry(session).or_default().insert(number, path);
            }
        }
        Ok(sessions)
    }

    /// The segments of one session.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn of(&self, session: SessionId) -> io::Result<Segments> {
        Ok(self.list()?.remove(&session).unwrap_or_default())
    }

    fn sessions(&self) -> PathBuf {
        self.root.join(SESSIONS)
    }
}

/// The name of a segment's file.
pub fn segment_name(session: SessionId, number: u32) -> String {
    format!("{session}.{number:06}.{EXTENSION}")
}

/// The session and the number of a segment, from the name of its file.
fn name_of(path: &Path) -> Option<(SessionId, u32)> {
    let name = path.file_name()?.to_str()?;
    let (session, rest) = name.split_once('.')?;
    let (number, extension) = rest.split_once('.')?;
    let session = session.parse().ok()?;
    let number = number.parse().ok()?;
    (extension == EXTENSION).then_some((session, number))
}

/// The file with a segment's key, wrapped for recipients that came later.
pub fn key_path(segment: &Path) -> PathBuf {
    segment.with_extension(KEY)
}

/// Reads it, if there is one.
///
/// # Errors
/// It cannot be read.
pub fn read_key(segment: &Path) -> io::Result<Option<Vec<u8>>> {
    match File::open(key_path(segment)) {
        Ok(file) => {
            let mut key = Vec::new();
            file.take(MAX_KEY).read_to_end(&mut key)?;
            Ok(Some(key))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder)
}

//! Events on disk until every stream has delivered them: files of lines, and for each stream a file that says how far it is.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::Deserialize;

const EXTENSION: &str = "jsonl";
const POSITION: &str = "position";
const SEQUENCE: &str = "sequence";

/// A file that is longer is followed by another one.
const LONGEST: u64 = 16 << 20;

/// A place between two events. In the order of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub file: u64,
    pub offset: u64,
}

/// The events that are kept.
pub(super) struct Spool {
    directory: PathBuf,
    /// The lengths of the files, as far as they are whole.
    files: BTreeMap<u64, u64>,
    /// The last one.
    out: File,
    end: Position,
    /// More was written than is whole.
    is_torn: bool,
    _lock: File,
}

/// What is read of an event here.
#[derive(Deserialize)]
struct Numbered {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    sequence: u64,
}

impl Spool {
    /// Opens the directory, or creates it, for this process alone.
    ///
    /// # Errors
    /// It cannot be used, or another process uses it.
    pub fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
        let lock = File::create(directory.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::other("another gateway uses it"));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut files = BTreeMap::new();
        for file in fs::read_dir(directory)? {
            let path = file?.path();
            if let Some(number) = number_of(&path) {
                files.insert(number, fs::metadata(path)?.len());
            }
        }
        let last = files.keys().next_back().copied().unwrap_or_default();
        let path = file_path(directory, last);
        let out = append_to(&path)?;
        let whole = whole_length(&path)?;
        out.set_len(whole)?;
        files.insert(last, whole);
        Ok(Spool {
            directory: directory.to_owned(),
            files,
            out,
            end: Position {
                file: last,
                offset: whole,
            },
            is_torn: false,
            _lock: lock,
        })
    }

    /// How many bytes of events are behind this place.
    pub fn behind(&self, position: Position) -> u64 {
        let files = self.files.range(position.file..);
        let all: u64 = files.map(|(_, length)| *length).sum();
        all.saturating_sub(position.offset)
    }

    /// The number that the next event has. Numbers of events that were lost are not given again, unless a crash came first.
    ///
    /// # Errors
    /// The last event cannot be read.
    pub fn next_sequence(&self) -> io::Result<u64> {
        let noted = match fs::read_to_string(self.directory.join(SEQUENCE)) {
            Ok(text) => text.trim().parse().map_err(io::Error::other)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => 1,
            Err(error) => return Err(error),
        };
        Ok(noted.max(self.behind_last()?))
    }

    /// # Errors
    /// It cannot be written.
    pub fn note_sequence(&self, next: u64) -> io::Result<()> {
        fs::write(self.directory.join(SEQUENCE), format!("{next}\n"))
    }

    fn behind_last(&self) -> io::Result<u64> {
        for number in self.files.keys().rev() {
            let file = BufReader::new(File::open(file_path(&self.directory, *number))?);
            if let Some(last) = file.lines().last().transpose()? {
                let last: Numbered = serde_json::from_str(&last)?;
                return Ok(last.metadata.sequence.saturating_add(1));
            }
        }
        Ok(1)
    }

    /// Appends whole lines, and has them on disk.
    ///
    /// # Errors
    /// They are not appended.
    pub fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.end.offset >= LONGEST {
            let file = self.end.file + 1;
            self.out = append_to(&file_path(&self.directory, file))?;
            self.files.insert(file, 0);
            self.end = Position { file, offset: 0 };
            File::open(&self.directory)?.sync_all()?;
        }
        if std::mem::replace(&mut self.is_torn, true) {
            self.out.set_len(self.end.offset)?;
        }
        self.out.write_all(lines)?;
        self.out.sync_data()?;
        self.is_torn = false;
        self.end.offset += lines.len() as u64;
        self.files.insert(self.end.file, self.end.offset);
        Ok(())
    }

    /// Whole lines from this place on, about so many bytes, and the place behind them.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn read(&self, from: Position, most: u64) -> io::Result<(Vec<u8>, Position)> {
        let mut from = from;
        loop {
            let length = self.files.get(&from.file).copied().unwrap_or_default();
            if from.offset < length {
                return self.read_in(from, length, most);
            }
            match self.files.range(from.file + 1..).next() {
                Some((file, _)) => {
                    from = Position {
                        file: *file,
                        offset: 0,
                    };
                }
                None => return Ok((Vec::new(), from)),
            }
        }
    }

    fn read_in(&self, from: Position, length: u64, most: u64) -> io::Result<(Vec<u8>, Position)> {
        let mut file = File::open(file_path(&self.directory, from.file))?;
        file.seek(SeekFrom::Start(from.offset))?;
        let mut file = BufReader::new(file.take(length - from.offset));
        let mut lines = Vec::new();
        while (lines.len() as u64) < most {
            if file.read_until(b'\n', &mut lines)? == 0 {
                break;
            }
        }
        let behind = Position {
            offset: from.offset + lines.len() as u64,
            ..from
        };
        Ok((lines, behind))
    }

    /// Where a stream goes on. A new one begins with what happens from now on.
    ///
    /// # Errors
    /// That cannot be read.
    pub fn position(&self, stream: &str) -> io::Result<Position> {
        let text = match fs::read_to_string(self.position_path(stream)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.set_position(stream, self.end)?;
                return Ok(self.end);
            }
            Err(error) => return Err(error),
        };
        let numbers = text.trim().split_once(' ');
        let position = numbers.and_then(|(file, offset)| {
            Some(Position {
                file: file.parse().ok()?,
                offset: offset.parse().ok()?,
            })
        });
        let position = position.ok_or_else(|| io::Error::other("it is no position"))?;
        let first = self.files.keys().next().copied().unwrap_or_default();
        Ok(match position.file < first {
            true => Position {
                file: first,
                offset: 0,
            },
            false => position.min(self.end),
        })
    }

    /// # Errors
    /// It cannot be written.
    pub fn set_position(&self, stream: &str, position: Position) -> io::Result<()> {
        let path = self.position_path(stream);
        let new = path.with_extension("new");
        fs::write(&new, format!("{} {}\n", position.file, position.offset))?;
        fs::rename(new, path)
    }

    /// Removes the files of which everything is delivered.
    ///
    /// # Errors
    /// One cannot be removed.
    pub fn remove_before(&mut self, position: Position) -> io::Result<()> {
        while let Some((number, _)) = self.files.first_key_value() {
            let number = *number;
            if number >= position.file || number == self.end.file {
                break;
            }
            fs::remove_file(file_path(&self.directory, number))?;
            self.files.remove(&number);
        }
        Ok(())
    }

    fn position_path(&self, stream: &str) -> PathBuf {
        self.directory.join(format!("{stream}.{POSITION}"))
    }
}

fn file_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:012}.{EXTENSION}"))
}

fn number_of(path: &Path) -> Option<u64> {
    let is_ours = path.extension().is_some_and(|known| known == EXTENSION);
    let name = path.file_stem().filter(|_| is_ours)?;
    name.to_str()?.parse().ok()
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path)
}

/// Up to the end of the last line: a crash can leave a part of one.
fn whole_length(path: &Path) -> io::Result<u64> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut whole, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let read = file.read_until(b'\n', &mut line)? as u64;
        if line.last() != Some(&b'\n') {
            return Ok(whole);
        }
        whole += read;
    }
}

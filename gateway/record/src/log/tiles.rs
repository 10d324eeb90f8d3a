//! The files of the log, laid out as C2SP's tlog-tiles has them: `checkpoint`, `tile/<level>/<number>`, `tile/entries/<number>`, and `.p/<width>`
//! behind what is not full. Beside them lies the public key.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tlog_tiles::{Error, HASH_SIZE, Tile, TileReader};

use super::LogError;
use crate::directory::CHECKPOINT;

/// Levels of the tree in one tile.
pub(super) const HEIGHT: u8 = 8;

/// Entries in a full bundle.
const WIDTH: u64 = 1 << HEIGHT;

/// No bundle is longer: 256 entries of at most 65,535 bytes, each behind its length.
const MAX_BUNDLE: u64 = WIDTH * (2 + u16::MAX as u64);

const PUBLIC_KEY: &str = "key.pub";

/// Where a tile lies.
pub(super) fn path(tile: &Tile) -> String {
    let path = tile.path();
    let place = path.strip_prefix("tile/8/").unwrap_or(&path);
    format!("tile/{place}")
}

fn bundle_path(number: u64, width: u64) -> String {
    let mut tile = Tile::new(HEIGHT, 0, number, u32::try_from(width).unwrap_or(1), false);
    tile.set_is_data();
    path(&tile).replacen("tile/data/", "tile/entries/", 1)
}

/// The files of a log.
pub(super) struct Tiles {
    directory: PathBuf,
}

impl Tiles {
    pub fn new(directory: PathBuf) -> Self {
        Tiles { directory }
    }

    /// `None`: there is none yet.
    pub fn read_checkpoint(&self) -> Result<Option<Vec<u8>>, LogError> {
        let path = self.directory.join(CHECKPOINT);
        match fs::read(&path) {
            Ok(note) => Ok(Some(note)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(LogError::Io { path, source }),
        }
    }

    pub fn write_checkpoint(&self, note: &[u8]) -> Result<(), LogError> {
        self.write(CHECKPOINT, note)
    }

    pub fn write_key(&self, text: &str) -> Result<(), LogError> {
        let path = self.directory.join(PUBLIC_KEY);
        let text = format!("{text}\n");
        match fs::read(&path).is_ok_and(|known| known == text.as_bytes()) {
            true => Ok(()),
            false => self.write(PUBLIC_KEY, text.as_bytes()),
        }
    }

    /// Puts a file in its place as a whole, and on disk.
    pub fn write(&self, place: &str, bytes: &[u8]) -> Result<(), LogError> {
        let path = self.directory.join(place);
        let written = || {
            let folder = path.parent().unwrap_or(&self.directory);
            create_folders(folder)?;
            let new = path.with_extension("new");
            let mut file = File::create(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            sync_folder(folder)
        };
        written().map_err(|source| LogError::Io {
            path: path.clone(),
            source,
        })
    }

    /// Writes the bundles to which these entries belong. The first is number `from` of the log.
    pub fn write_bundles(&self, from: u64, entries: &[Vec<u8>]) -> Result<(), LogError> {
        let mut index = from;
        let mut entries = entries.iter();
        while !entries.as_slice().is_empty() {
            let (number, known) = (index / WIDTH, index % WIDTH);
            let mut bundle = match known {
                0 => Vec::new(),
                width => self.read_bundle(number, width)?,
            };
            let room = usize::try_from(WIDTH - known).unwrap_or(0);
            let mut width = known;
            for entry in entries.by_ref().take(room) {
                let length = u16::try_from(entry.len()).map_err(|_| LogError::Entry(index))?;
                bundle.extend_from_slice(&length.to_be_bytes());
                bundle.extend_from_slice(entry);
                width += 1;
                index += 1;
            }
            self.write(&bundle_path(number, width), &bundle)?;
        }
        Ok(())
    }

    /// The entries of a log of this size, a bundle at a time, from the one on that has this entry.
    pub fn bundles(
        &self,
        from: u64,
        size: u64,
    ) -> impl Iterator<Item = Result<Vec<(u64, Vec<u8>)>, LogError>> + '_ {
        (from / WIDTH..size.div_ceil(WIDTH)).map(move |number| {
            let first = number * WIDTH;
            let width = (size - first).min(WIDTH);
            let bundle = self.read_bundle(number, width)?;
            let mut rest = bundle.as_slice();
            (first..first + width)
                .map(|index| {
                    let entry = next_entry(&mut rest).ok_or(LogError::Entry(index))?;
                    Ok((index, entry.to_vec()))
                })
                .collect()
        })
    }

    /// The first entries of a bundle, so many of them.
    fn read_bundle(&self, number: u64, width: u64) -> Result<Vec<u8>, LogError> {
        let mut bundle = self.read_wider(width, MAX_BUNDLE, |width| bundle_path(number, width))?;
        let mut rest = bundle.as_slice();
        for index in 0..width {
            let missing = LogError::Entry(number * WIDTH + index);
            next_entry(&mut rest).ok_or(missing)?;
        }
        let length = bundle.len() - rest.len();
        bundle.truncate(length);
        Ok(bundle)
    }

    /// Reads the file for this width, or for the next greater one that there is: narrower ones are removed when there are wider ones.
    fn read_wider(
        &self,
        width: u64,
        most: u64,
        place: impl Fn(u64) -> String,
    ) -> Result<Vec<u8>, LogError> {
        for width in width..=WIDTH {
            let path = self.directory.join(place(width));
            match read_file(&path, most) {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(LogError::Io { path, source }),
            }
        }
        Err(LogError::Io {
            path: self.directory.join(place(width)),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    /// Removes what a log of size `before` had that was not full, where one of size `now` has more of it.
    pub fn remove_partial(&self, before: u64, now: u64) {
        let narrow = Tile::new_tiles(HEIGHT, 0, before);
        let narrow = narrow.iter().filter(|tile| u64::from(tile.width()) < WIDTH);
        let wide: Vec<_> = Tile::new_tiles(HEIGHT, before, now)
            .iter()
            .map(|tile| (tile.level(), tile.level_index()))
            .collect();
        for tile in narrow.filter(|tile| wide.contains(&(tile.level(), tile.level_index()))) {
            self.remove(&path(tile));
            if tile.level() == 0 {
                self.remove(&bundle_path(tile.level_index(), u64::from(tile.width())));
            }
        }
    }

    fn remove(&self, place: &str) {
        // Left over, it takes some room and is never read.
        let _ = fs::remove_file(self.directory.join(place));
    }
}

impl TileReader for Tiles {
    fn height(&self) -> u8 {
        HEIGHT
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let read = |tile: &Tile| {
            let length = tile.width() as usize * HASH_SIZE;
            let most = WIDTH * HASH_SIZE as u64;
            let place = |width| {
                let width = u32::try_from(width).unwrap_or(1);
                let (level, index) = (tile.level(), tile.level_index());
                path(&Tile::new(HEIGHT, level, index, width, false))
            };
            let mut bytes = self
                .read_wider(u64::from(tile.width()), most, place)
                .map_err(|_| Error::InvalidTile)?;
            if bytes.len() < length {
                return Err(Error::InvalidTile);
            }
            bytes.truncate(length);
            Ok(bytes)
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn next_entry<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, behind) = rest.split_first_chunk()?;
    let (entry, behind) = behind.split_at_checked(u16::from_be_bytes(*length).into())?;
    *rest = behind;
    Some(entry)
}

fn read_file(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.len() > most {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, most), &mut bytes)?;
    Ok(bytes)
}

/// Creates a folder and those that it is in, and has their names on disk.
fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        create_folders(parent)?;
        match fs::create_dir(folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        sync_folder(parent)?;
    }
    Ok(())
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

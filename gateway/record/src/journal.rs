//! The journal: what was appended to several segments, in one file that is written to disk at once. A segment's own file is written to disk
//! later; after a crash, what is missing in it is put in from here. docs/record-format.md describes the bytes.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use gatewright_contract::SessionId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::directory::Directory;

const MAGIC: [u8; 4] = *b"GWJN";
/// Magic, length, generation, session, segment, offset.
const HEAD: usize = 4 + 4 + 8 + 16 + 4 + 8;
const HASH: usize = 32;

/// A part of a segment's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub session: SessionId,
    pub segment: u32,
    /// Where it is in the file.
    pub offset: u64,
    pub bytes: Vec<u8>,
}

/// The journal of a directory. Its file keeps its size, so that only its content is to be written to disk.
#[derive(Debug)]
pub struct Journal {
    file: File,
    size: u64,
    generation: u64,
    /// Where the next piece goes.
    at: u64,
}

impl Journal {
    /// Creates the file if there is none. What is in it is passed over: see [`restore`].
    ///
    /// # Errors
    /// It cannot be read or written.
    pub fn open(path: &Path, size: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        fill(&file, length, size)?;
        let journal = Journal {
            file,
            size,
            // None comes twice, wherever the one before began.
            generation: SessionId::generate().low64(),
            at: 0,
        };
        // So that nothing of the generation before is restored any more.
        journal.file.write_all_at(&[0; HEAD], 0)?;
        journal.file.sync_all()?;
        Ok(journal)
    }

    /// Whether there is room for them.
    pub fn fits(&self, pieces: &[Piece]) -> bool {
        let lengths = pieces.iter().map(|piece| length_of(piece) as u64);
        self.at + lengths.sum::<u64>() <= self.size
    }

    /// Appends the pieces and has them on disk.
    ///
    /// # Errors
    /// They cannot be written. There is no room from then on, until [`Journal::begin_again`]: nobody knows what is on disk.
    pub fn append(&mut self, pieces: &[Piece]) -> io::Result<()> {
        let at = std::mem::replace(&mut self.at, self.size);
        let mut bytes = Vec::with_capacity(pieces.iter().map(length_of).sum());
        for piece in pieces {
            encode(piece, self.generation, &mut bytes)?;
        }
        self.file.write_all_at(&bytes, at)?;
        self.file.sync_data()?;
        self.at = at + bytes.len() as u64;
        Ok(())
    }

    /// All that is in it is on disk elsewhere: its room is used again.
    pub fn begin_again(&mut self) {
        self.generation = self.generation.wrapping_add(1);
        self.at = 0;
    }
}

/// Puts into the segments what a crash has kept from them. `is_finished`: a segment that is logged is on disk, or was deleted since.
///
/// # Errors
/// A file cannot be read or written.
pub fn restore(
    directory: &Directory,
    is_finished: impl Fn(SessionId, u32) -> bool,
) -> io::Result<()> {
    let file = match File::open(directory.journal()) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for piece in read(&file)? {
        if is_finished(piece.session, piece.segment) {
            continue;
        }
        let path = directory.segment(piece.session, piece.segment);
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false);
        let segment = options.mode(0o600).open(path)?;
        // What stands before is on disk, or came before in the journal.
        segment.write_all_at(&piece.bytes, piece.offset)?;
        segment.sync_all()?;
    }
    directory.sync()
}

/// What is in a journal, up to the first piece that is not whole, or of an older generation.
fn read(file: &File) -> io::Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut current = None;
    let length = file.metadata()?.len();
    let mut at = 0;
    while let Some((generation, piece)) = read_piece(file, at, length)? {
        if *current.get_or_insert(generation) != generation {
            break;
        }
        at += length_of(&piece) as u64;
        pieces.push(piece);
    }
    Ok(pieces)
}

fn read_piece(file: &File, at: u64, length: u64) -> io::Result<Option<(u64, Piece)>> {
    let left = length.saturating_sub(at);
    if left < (HEAD + HASH) as u64 {
        return Ok(None);
    }
    let mut head = [0; HEAD];
    file.read_exact_at(&mut head, at)?;
    let Some((generation, mut piece, bytes)) = decode(&head) else {
        return Ok(None);
    };
    if left < (HEAD + HASH) as u64 + u64::from(bytes) {
        return Ok(None);
    }
    let mut hash = [0; HASH];
    file.read_exact_at(&mut hash, at + HEAD as u64)?;
    piece.bytes = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut piece.bytes, at + (HEAD + HASH) as u64)?;
    let is_whole = hash == hash_of(&head, &piece.bytes);
    Ok(is_whole.then_some((generation, piece)))
}

fn length_of(piece: &Piece) -> usize {
    HEAD + HASH + piece.bytes.len()
}

fn encode(piece: &Piece, generation: u64, out: &mut Vec<u8>) -> io::Result<()> {
    let length = u32::try_from(piece.bytes.len()).map_err(io::Error::other)?;
    let begin = out.len();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&generation.to_be_bytes());
    out.extend_from_slice(Uuid::from(piece.session).as_bytes());
    out.extend_from_slice(&piece.segment.to_be_bytes());
    out.extend_from_slice(&piece.offset.to_be_bytes());
    let hash = hash_of(out.get(begin..).unwrap_or_default(), &piece.bytes);
    out.extend_from_slice(&hash);
    out.extend_from_slice(&piece.bytes);
    Ok(())
}

/// Generation, the piece without its bytes, and their number.
fn decode(head: &[u8; HEAD]) -> Option<(u64, Piece, u32)> {
    let (magic, rest) = head.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (generation, rest) = rest.split_first_chunk::<8>()?;
    let (session, rest) = rest.split_first_chunk::<16>()?;
    let (segment, rest) = rest.split_first_chunk::<4>()?;
    let (offset, _) = rest.split_first_chunk::<8>()?;
    let piece = Piece {
        session: Uuid::from_bytes(*session).into(),
        segment: u32::from_be_bytes(*segment),
        offset: u64::from_be_bytes(*offset),
        bytes: Vec::new(),
    };
    let generation = u64::from_be_bytes(*generation);
    (*magic == MAGIC).then_some((generation, piece, u32::from_be_bytes(*length)))
}

fn hash_of(head: &[u8], bytes: &[u8]) -> [u8; HASH] {
    let hash = Sha256::new().chain_update(head).chain_update(bytes);
    hash.finalize().into()
}

/// Makes the file as long as it will be, with bytes that were written: a hole would be filled by every write.
fn fill(file: &File, length: u64, size: u64) -> io::Result<()> {
    let zeros = vec![0; 1 << 16];
    let mut at = length;
    while at < size {
        let count = zeros
            .len()
            .min(usize::try_from(size - at).unwrap_or(zeros.len()));
        file.write_all_at(zeros.get(..count).unwrap_or_default(), at)?;
        at += count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(number: u128, offset: u64, bytes: &[u8]) -> Piece {
        Piece {
            session: Uuid::from_u128(number).into(),
            segment: 7,
            offset,
            bytes: bytes.to_vec(),
        }
    }

    fn found(path: &Path) -> Vec<Piece> {
        read(&File::open(path).unwrap()).unwrap()
    }

    #[test]
    fn pieces_are_read_up_to_the_first_that_is_not_whole() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("journal");
        let mut journal = Journal::open(&path, 4096).unwrap();
        let pieces = [piece(1, 0, b"one"), piece(2, 9, b""), piece(1, 3, b"two")];
        journal.append(&pieces[..2]).unwrap();
        journal.append(&pieces[2..]).unwrap();
        assert_eq!(found(&path), pieces);
        let whole = std::fs::read(&path).unwrap();
        let ends: Vec<usize> = pieces
            .iter()
            .scan(0, |end, piece| {
                *end += length_of(piece);
                Some(*end)
            })
            .collect();
        for at in 0..ends[2] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let left = ends.iter().filter(|end| **end <= at).count();
            assert_eq!(found(&path), pieces[..left], "byte {at}");
            std::fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(found(&path), pieces[..left], "cut at {at}");
        }
    }

    #[test]
    fn a_generation_is_not_mixed_with_the_one_before() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("journal");
        let mut journal = Journal::open(&path, 4096).unwrap();
        journal
            .append(&[piece(1, 0, b"old"), piece(2, 0, b"old")])
            .unwrap();
        journal.begin_again();
        journal.append(&[piece(3, 0, b"new")]).unwrap();
        assert_eq!(found(&path), [piece(3, 0, b"new")]);
        // Opened again, it has nothing, and no generation comes twice.
        let mut journal = Journal::open(&path, 4096).unwrap();
        assert_eq!(found(&path), []);
        journal.append(&[piece(4, 0, b"new")]).unwrap();
        assert_eq!(found(&path), [piece(4, 0, b"new")]);
    }

    #[test]
    fn what_does_not_fit_is_not_appended() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("journal");
        let mut journal = Journal::open(&path, 200).unwrap();
        let long = [piece(1, 0, &[b'x'; 100])];
        assert!(journal.fits(&long));
        journal.append(&long).unwrap();
        assert!(!journal.fits(&long));
        journal.begin_again();
        assert!(journal.fits(&long));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 200);
    }
}

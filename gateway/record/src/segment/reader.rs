//! Reading a segment, block by block. Nothing of it is believed before its hash is checked.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};

use super::block::{BLOCK_HEADER, BlockHeader};
use super::frame::{LENGTHS, Unpacker};
use super::header::{HEADER, Header, KEY_LENGTH, MAX_KEY, Version};
use super::{Damage, DamageKind, Hash};
use crate::framing::MAX_BLOCK;
use crate::sealed::{DataKey, Identities, NONCE, Place, Recipients};

/// The hashes of so many blocks are remembered, to find out which block was moved.
const REMEMBERED: usize = 1 << 16;

/// The length of an authentication tag.
const TAG: usize = 16;

/// A block as it was written.
#[derive(Debug)]
pub struct Block<'a> {
    /// Its events: see [`crate::framing`].
    pub events: &'a [u8],
}

/// Where a block begins, and what it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub offset: u64,
    /// Its sequence number.
    pub sequence: u32,
    /// The hash before it.
    pub previous: Hash,
}

/// What stands where a block is expected.
enum Found {
    Nothing,
    Block(BlockHeader),
    Damage(Damage),
}

/// Reads a segment from its beginning. Needs memory for one block, and for the hashes of some.
pub struct Reader<R> {
    input: R,
    header: Header,
    /// Of a sealed segment.
    wrapped: Vec<u8>,
    key: Option<DataKey>,
    /// Where the next block begins.
    offset: u64,
    /// The hashes of the blocks that were read, by their sequence numbers: as they are stored, and as they should be.
    hashes: BTreeMap<u32, (Hash, Hash)>,
    /// That of what was read last.
    last: Hash,
    /// What the next block's sequence number should be.
    expected: u32,
    /// Nothing more can be read.
    is_over: bool,
    unpacker: Unpacker,
    frame: Vec<u8>,
    events: Vec<u8>,
}

impl<R: Read> Reader<R> {
    /// Reads the header. `Err(Ok(…))`: there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(mut input: R) -> io::Result<Result<Self, Damage>> {
        let mut bytes = [0; HEADER];
        let read = read_up_to(&mut input, &mut bytes)?;
        let damage = |kind| Damage {
            from: 0,
            to: read as u64,
            block: None,
            kind,
        };
        if read < HEADER {
            return Ok(Err(damage(DamageKind::Cut)));
        }
        let Some(header) = Header::from_bytes(&bytes) else {
            return Ok(Err(damage(DamageKind::Edited)));
        };
        let key = match header.version {
            Version::Clear => Vec::new(),
            Version::Sealed => match read_key(&mut input)? {
                Some(key) => key,
                None => return Ok(Err(damage(DamageKind::Cut))),
            },
        };
        Ok(Ok(Reader {
            input,
            header,
            offset: (HEADER + key.len()) as u64,
            hashes: BTreeMap::new(),
            last: Hash::of(&[&bytes, &key]),
            wrapped: key.get(KEY_LENGTH..).unwrap_or_default().to_vec(),
            key: None,
            expected: 0,
            is_over: false,
            unpacker: Unpacker::new()?,
            frame: Vec::new(),
            events: Vec::new(),
        }))
    }

    pub fn header(&self) -> Header {
        self.header
    }

    /// From here on, what is encrypted for one of these is read. `others`: the same key, wrapped later for other recipients.
    pub fn unseal(&mut self, identities: &Identities, others: Option<&[u8]>) {
        let mut wrapped = std::iter::once(self.wrapped.as_slice()).chain(others);
        self.key = match self.header.version {
            Version::Clear => None,
            Version::Sealed => wrapped.find_map(|wrapped| identities.unwrap(wrapped)),
        };
    }

    /// True where events are encrypted for somebody else.
    pub fn is_sealed(&self) -> bool {
        self.header.version == Version::Sealed && self.key.is_none()
    }

    /// The key of the segment, wrapped for other recipients. `None`: it is not encrypted, or was not unsealed.
    pub fn rewrap(&self, recipients: &Recipients) -> Option<io::Result<Vec<u8>>> {
        self.key.as_ref().map(|key| recipients.wrap(key))
    }

    /// Where the next block begins.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the next block begins, to go on there another time.
    pub fn mark(&self) -> Mark {
        Mark {
            offset: self.offset,
            sequence: self.expected,
            previous: self.last,
        }
    }

    /// The hash in the last block that was read. Of a whole file, its digest.
    pub fn digest(&self) -> Hash {
        self.last
    }

    /// The sequence number that the next block should have.
    pub fn expected(&self) -> u32 {
        self.expected
    }

    /// The next block, or what was done to it. `None` at the end.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn next_block(&mut self) -> io::Result<Option<Result<Block<'_>, Damage>>> {
        if self.is_over {
            return Ok(None);
        }
        let header = match self.find()? {
            Found::Nothing => return Ok(None),
            Found::Block(header) => header,
            Found::Damage(damage) => {
                self.is_over = true;
                return Ok(Some(Err(damage)));
            }
        };
        let from = self.offset;
        self.offset = from + (BLOCK_HEADER + self.frame.len()) as u64;
        let damage = |kind| Damage {
            from,
            to: from + (BLOCK_HEADER + header.packed as usize) as u64,
            block: Some(header.sequence),
            kind,
        };
        let expected = self.expected;
        let here = BlockHeader {
            sequence: expected,
            ..header
        };
        if header.sequence != expected && !self.follows(&here) {
            // Elsewhere in this file it may be right, and what follows it should be found.
            self.note(&header);
            let kind = DamageKind::OutOfOrder { expected };
            return Ok(Some(Err(damage(kind))));
        }
        let is_as_written = header.sequence == expected && self.follows(&here);
        self.note(&here);
        if !is_as_written || self.unpack(&here).is_none() {
            let block = Some(expected);
            return Ok(Some(Err(Damage {
                block,
                ..damage(DamageKind::Edited)
            })));
        }
        Ok(Some(Ok(Block {
            events: &self.events,
        })))
    }

    /// Whether the block's hash is the one that follows from its frame and what is before it.
    fn follows(&self, header: &BlockHeader) -> bool {
        let is_after = |previous| header.hash == header.hash_after(previous, &self.frame);
        let before = header.sequence.checked_sub(1);
        let known = before.and_then(|before| self.hashes.get(&before));
        match known {
            // Of a block whose own hash was edited, the next one has the right one.
            Some((stored, computed)) => is_after(*stored) || is_after(*computed),
            None => is_after(self.last),
        }
    }

    fn note(&mut self, header: &BlockHeader) {
        let before = header.sequence.checked_sub(1);
        let known = before.and_then(|before| self.hashes.get(&before));
        let previous = known.map_or(self.last, |(stored, _)| *stored);
        let computed = header.hash_after(previous, &self.frame);
        self.last = header.hash;
        self.hashes.insert(header.sequence, (header.hash, computed));
        if self.hashes.len() > REMEMBERED {
            self.hashes.pop_first();
        }
        if header.sequence >= self.expected {
            self.expected = header.sequence.saturating_add(1);
        }
    }

    /// Reads the next block's header and frame.
    fn find(&mut self) -> io::Result<Found> {
        let mut bytes = [0; BLOCK_HEADER];
        let read = read_up_to(&mut self.input, &mut bytes)?;
        let from = self.offset;
        let damage = |length: usize, kind| {
            Found::Damage(Damage {
                from,
                to: from + length as u64,
                block: Some(self.expected),
                kind,
            })
        };
        if read == 0 {
            return Ok(Found::Nothing);
        }
        if read < BLOCK_HEADER {
            return Ok(damage(read, DamageKind::Cut));
        }
        let header = BlockHeader::from_bytes(&bytes).filter(|header| {
            let most = zstd::zstd_safe::compress_bound(MAX_BLOCK);
            let most = match self.header.version {
                Version::Clear => most,
                Version::Sealed => 2 * most + LENGTHS + NONCE + TAG,
            };
            header.packed as usize <= most
        });
        let Some(header) = header else {
            let rest = io::copy(&mut self.input, &mut io::sink())?;
            return Ok(Found::Damage(Damage {
                from,
                to: from + BLOCK_HEADER as u64 + rest,
                block: Some(self.expected),
                kind: DamageKind::Unreadable,
            }));
        };
        let length = header.packed as usize;
        self.frame.clear();
        let read = (&mut self.input)
            .take(length as u64)
            .read_to_end(&mut self.frame)?;
        if read < length {
            return Ok(damage(BLOCK_HEADER + read, DamageKind::Cut));
        }
        Ok(Found::Block(header))
    }

    fn unpack(&mut self, block: &BlockHeader) -> Option<()> {
        let (frame, length) = (&self.frame, block.unpacked);
        let unpacker = &mut self.unpacker;
        match self.header.version {
            Version::Clear => unpacker.unpack(frame, length, &mut self.events),
            Version::Sealed => {
                let place = Place {
                    header: self.header,
                    sequence: block.sequence,
                };
                let key = self.key.as_ref();
                unpacker.unseal(frame, length, place, key, &mut self.events)
            }
        }
    }
}

impl<R: Read + Seek> Reader<R> {
    /// Goes on at a block whose place is known. What is before it is not verified.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn go_to(&mut self, mark: Mark) -> io::Result<()> {
        self.input.seek(SeekFrom::Start(mark.offset))?;
        self.offset = mark.offset;
        self.expected = mark.sequence;
        self.last = mark.previous;
        self.hashes.clear();
        self.is_over = false;
        Ok(())
    }
}

/// What stands behind the header of a sealed segment, with its length. `None`: it is cut off.
fn read_key(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut key = vec![0; KEY_LENGTH];
    if read_up_to(input, &mut key)? < KEY_LENGTH {
        return Ok(None);
    }
    let length = key
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    if length > MAX_KEY {
        return Ok(None);
    }
    key.resize(KEY_LENGTH + length, 0);
    let wrapped = key.get_mut(KEY_LENGTH..).unwrap_or_default();
    let read = read_up_to(input, wrapped)?;
    Ok((read == length).then_some(key))
}

/// Fills the buffer as far as the file goes.
fn read_up_to(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

//! The frame of a block: its events, compressed, and in sealed segments encrypted as far as they are secret.
//!
//! ```text
//! version 1    one zstd frame
//! version 2    lengths of the first zstd frame and of its content, that frame, and nothing or a nonce and an encrypted zstd frame
//! ```

use std::io;

use zstd::bulk::{Compressor, Decompressor};

use crate::framing::MAX_BLOCK;
use crate::sealed::{DataKey, Place, merge, split};

/// The two lengths in front of a frame of version 2.
pub(super) const LENGTHS: usize = 8;

/// Where each statement is on disk before it runs, its block is a few hundred bytes, and building tables for so few takes longer than all
/// else: below this length they are done without.
const SMALL: usize = 4 * 1024;
const LEVEL_OF_SMALL: i32 = -3;
/// Higher levels make blocks of events hardly smaller.
const LEVEL: i32 = 1;

/// What compresses blocks. One serves any number of segments.
pub struct Codec {
    compressor: Compressor<'static>,
    packed: Vec<u8>,
    frame: Vec<u8>,
}

impl Codec {
    /// # Errors
    /// No memory for it.
    pub fn new() -> io::Result<Self> {
        Ok(Codec {
            compressor: Compressor::new(LEVEL)?,
            packed: Vec::new(),
            frame: Vec::new(),
        })
    }

    pub(super) fn compress(&mut self, block: &[u8]) -> io::Result<&[u8]> {
        let level = match block.len() < SMALL {
            true => LEVEL_OF_SMALL,
            false => LEVEL,
        };
        self.compressor.set_compression_level(level)?;
        self.packed.clear();
        self.packed
            .reserve(zstd::zstd_safe::compress_bound(block.len()));
        self.compressor
            .compress_to_buffer(block, &mut self.packed)?;
        Ok(&self.packed)
    }

    /// `key`: without one, only events in the clear can be written.
    pub(super) fn seal(
        &mut self,
        block: &[u8],
        place: Place,
        key: Option<&DataKey>,
    ) -> io::Result<&[u8]> {
        let parts = split(block).map_err(io::Error::other)?;
        let secret = match (parts.secret.is_empty(), key) {
            (true, _) => Vec::new(),
            (false, None) => return Err(io::Error::other("the key of the segment is gone")),
            (false, Some(key)) => {
                let packed = self.compress(&parts.secret)?;
                let sealed = key.seal(place, packed);
                sealed.ok_or_else(|| io::Error::other("a block cannot be encrypted"))?
            }
        };
        self.compress(&parts.clear)?;
        self.frame.clear();
        for length in [self.packed.len(), parts.clear.len()] {
            let length = u32::try_from(length).map_err(io::Error::other)?;
            self.frame.extend_from_slice(&length.to_be_bytes());
        }
        self.frame.extend_from_slice(&self.packed);
        self.frame.extend_from_slice(&secret);
        Ok(&self.frame)
    }
}

/// Reads frames.
pub(super) struct Unpacker {
    decompressor: Decompressor<'static>,
    clear: Vec<u8>,
    secret: Vec<u8>,
}

impl Unpacker {
    pub fn new() -> io::Result<Self> {
        Ok(Unpacker {
            decompressor: Decompressor::new()?,
            clear: Vec::new(),
            secret: Vec::new(),
        })
    }

    /// The events of a frame of version 1. `None`: it is none.
    pub fn unpack(&mut self, frame: &[u8], length: u32, events: &mut Vec<u8>) -> Option<()> {
        decompress(&mut self.decompressor, frame, length, events)
    }

    /// The same for version 2. Without a key, what is secret is not read.
    pub fn unseal(
        &mut self,
        frame: &[u8],
        length: u32,
        place: Place,
        key: Option<&DataKey>,
        events: &mut Vec<u8>,
    ) -> Option<()> {
        let (packed, rest) = frame.split_first_chunk()?;
        let (clear, rest) = rest.split_first_chunk()?;
        let (packed, sealed) = rest.split_at_checked(u32::from_be_bytes(*packed) as usize)?;
        let clear = u32::from_be_bytes(*clear);
        events.clear();
        decompress(&mut self.decompressor, packed, clear, &mut self.clear)?;
        let Some(key) = key else {
            events.extend_from_slice(&self.clear);
            return Some(());
        };
        self.secret.clear();
        if !sealed.is_empty() {
            let opened = key.open(place, sealed)?;
            self.secret.reserve(MAX_BLOCK);
            let decompressor = &mut self.decompressor;
            let read = decompressor.decompress_to_buffer(&opened, &mut self.secret);
            read.ok()?;
        }
        merge(&self.clear, &self.secret, events)?;
        (events.len() == length as usize).then_some(())
    }
}

fn decompress(
    decompressor: &mut Decompressor<'_>,
    frame: &[u8],
    length: u32,
    events: &mut Vec<u8>,
) -> Option<()> {
    let length = Some(length as usize).filter(|length| *length <= MAX_BLOCK)?;
    events.clear();
    events.reserve(length);
    let read = decompressor.decompress_to_buffer(frame, events);
    (read.ok()? == length).then_some(())
}

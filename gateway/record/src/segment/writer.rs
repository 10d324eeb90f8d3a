//! Writing a segment.

use std::io::{self, Write};

use zstd::bulk::Compressor;

use super::block::{BLOCK_HEADER, BlockHeader};
use super::header::{HEADER, Header};
use super::{Hash, Scan};

/// What compresses blocks. One serves any number of segments.
pub struct Codec {
    compressor: Compressor<'static>,
    packed: Vec<u8>,
}

impl Codec {
    /// # Errors
    /// No memory for it.
    pub fn new() -> io::Result<Self> {
        Ok(Codec {
            compressor: Compressor::new(zstd::DEFAULT_COMPRESSION_LEVEL)?,
            packed: Vec::new(),
        })
    }

    fn compress(&mut self, block: &[u8]) -> io::Result<&[u8]> {
        self.packed.clear();
        self.packed
            .reserve(zstd::zstd_safe::compress_bound(block.len()));
        self.compressor
            .compress_to_buffer(block, &mut self.packed)?;
        Ok(&self.packed)
    }
}

/// Appends blocks to a segment.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    hash: Hash,
    blocks: u32,
    length: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a segment.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn begin(mut out: W, header: Header) -> io::Result<Self> {
        let bytes = header.to_bytes();
        out.write_all(&bytes)?;
        Ok(Writer {
            out,
            hash: Hash::of(&[&bytes]),
            blocks: 0,
            length: HEADER as u64,
        })
    }

    /// Goes on with a segment that was read. `out` writes behind its last block.
    pub fn resume(out: W, read: &Scan) -> Self {
        Writer {
            out,
            hash: read.digest,
            blocks: read.blocks,
            length: read.whole_to,
        }
    }

    /// Appends what [`crate::framing::blocks`] gave as one block. After an error the segment ends in the middle of a block.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, block: &[u8], codec: &mut Codec) -> io::Result<()> {
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a block is too long");
        let unpacked = u32::try_from(block.len()).map_err(|_| too_long())?;
        let frame = codec.compress(block)?;
        let packed = u32::try_from(frame.len()).map_err(|_| too_long())?;
        let header = BlockHeader::of(self.blocks, packed, unpacked, self.hash, frame);
        self.out.write_all(&header.to_bytes())?;
        self.out.write_all(frame)?;
        self.hash = header.hash;
        self.blocks += 1;
        self.length += BLOCK_HEADER as u64 + u64::from(packed);
        Ok(())
    }

    /// The hash of everything up to here.
    pub fn digest(&self) -> Hash {
        self.hash
    }

    /// Bytes written.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }
}

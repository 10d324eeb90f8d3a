//! Writing a segment.

use std::io::{self, Write};

use super::block::{BLOCK_HEADER, BlockHeader};
use super::frame::Codec;
use super::header::{Header, Version, key_bytes};
use super::{Hash, Scan};
use crate::sealed::{DataKey, Place, Recipients};

/// Appends blocks to a segment.
pub struct Writer<W> {
    out: W,
    header: Header,
    /// `None`: nothing is encrypted, or the key is gone.
    key: Option<DataKey>,
    hash: Hash,
    blocks: u32,
    length: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a segment.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn begin(out: W, header: Header) -> io::Result<Self> {
        let header = Header {
            version: Version::Clear,
            ..header
        };
        Self::start(out, header, None, &header.to_bytes())
    }

    /// The same for one that is encrypted.
    ///
    /// # Errors
    /// Nothing can be written.
    pub fn begin_sealed(out: W, header: Header, recipients: &Recipients) -> io::Result<Self> {
        let header = Header {
            version: Version::Sealed,
            ..header
        };
        let key = DataKey::generate();
        let wrapped = recipients.wrap(&key)?;
        let bytes = [&header.to_bytes()[..], &key_bytes(&wrapped)?].concat();
        Self::start(out, header, Some(key), &bytes)
    }

    fn start(mut out: W, header: Header, key: Option<DataKey>, bytes: &[u8]) -> io::Result<Self> {
        out.write_all(bytes)?;
        Ok(Writer {
            out,
            header,
            key,
            hash: Hash::of(&[bytes]),
            blocks: 0,
            length: bytes.len() as u64,
        })
    }

    /// Goes on with a segment that was read. `out` writes behind its last block. In an encrypted one, only events that are in the clear can
    /// follow.
    pub fn resume(out: W, header: Header, read: &Scan) -> Self {
        Writer {
            out,
            header,
            key: None,
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
        let frame = match self.header.version {
            Version::Clear => codec.compress(block)?,
            Version::Sealed => {
                let place = Place {
                    header: self.header,
                    sequence: self.blocks,
                };
                codec.seal(block, place, self.key.as_ref())?
            }
        };
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

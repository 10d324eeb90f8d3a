//! The header of a block.

use super::Hash;

const MAGIC: [u8; 4] = *b"GWBK";

/// The length of a block's header in bytes.
pub const BLOCK_HEADER: usize = 48;

/// Of that, what the block's hash is over.
const HASHED: usize = 16;

/// What stands before the frame of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockHeader {
    /// Counts the segment's blocks, from 0.
    pub sequence: u32,
    /// The length of the frame.
    pub packed: u32,
    /// The length of the events in it.
    pub unpacked: u32,
    pub hash: Hash,
}

impl BlockHeader {
    /// Of a block with this frame that follows what has the hash `previous`.
    pub fn of(sequence: u32, packed: u32, unpacked: u32, previous: Hash, frame: &[u8]) -> Self {
        let mut header = BlockHeader {
            sequence,
            packed,
            unpacked,
            hash: Hash::default(),
        };
        header.hash = header.hash_after(previous, frame);
        header
    }

    /// The hash that it should have.
    pub fn hash_after(&self, previous: Hash, frame: &[u8]) -> Hash {
        Hash::of(&[&previous.0, &self.hashed(), frame])
    }

    fn hashed(&self) -> [u8; HASHED] {
        let mut bytes = [0; HASHED];
        let fields = [
            MAGIC,
            self.sequence.to_be_bytes(),
            self.packed.to_be_bytes(),
            self.unpacked.to_be_bytes(),
        ];
        for (byte, value) in bytes.iter_mut().zip(fields.iter().flatten()) {
            *byte = *value;
        }
        bytes
    }

    pub fn to_bytes(self) -> [u8; BLOCK_HEADER] {
        let mut bytes = [0; BLOCK_HEADER];
        let fields = self.hashed().into_iter().chain(self.hash.0);
        for (byte, value) in bytes.iter_mut().zip(fields) {
            *byte = value;
        }
        bytes
    }

    /// `None`: no block begins here.
    pub fn from_bytes(bytes: &[u8; BLOCK_HEADER]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<4>()?;
        let (sequence, rest) = rest.split_first_chunk::<4>()?;
        let (packed, rest) = rest.split_first_chunk::<4>()?;
        let (unpacked, rest) = rest.split_first_chunk::<4>()?;
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        (*magic == MAGIC && rest.is_empty()).then(|| BlockHeader {
            sequence: u32::from_be_bytes(*sequence),
            packed: u32::from_be_bytes(*packed),
            unpacked: u32::from_be_bytes(*unpacked),
            hash: Hash(*hash),
        })
    }
}

//! Segments: files of blocks, in which each block has the hash of all that is before it.
//!
//! ```text
//! header    magic "GWRECORD", version, session, number, digest of the segment before
//! block     magic "GWBK", sequence number, lengths, hash, one zstd frame of events
//! block     …
//! ```
//!
//! In sealed segments a wrapped key stands behind the header, and a block's frame is encrypted as far as its events are secret.

mod block;
mod frame;
mod header;
mod reader;
mod scan;
mod writer;

use std::fmt;

use sha2::{Digest, Sha256};

pub use block::BLOCK_HEADER;
pub use frame::Codec;
pub use header::{HEADER, Header, Version};
pub use reader::{Block, Mark, Reader};
pub use scan::{Scan, scan, scan_as};
pub use writer::Writer;

/// SHA-256 over everything in a segment up to some block. That of the last block is the segment's digest.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    fn of(parts: &[&[u8]]) -> Self {
        let mut sha = Sha256::new();
        for part in parts {
            sha.update(part);
        }
        Hash(sha.finalize().into())
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Something was done to a segment, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The bytes of the file that it is in, from `from` to before `to`.
    pub from: u64,
    pub to: u64,
    /// `None`: the header of the file.
    pub block: Option<u32>,
    pub kind: DamageKind,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DamageKind {
    /// These bytes are not what was written.
    Edited,
    /// The file ends in the middle of something.
    Cut,
    /// No block begins here, so that nothing behind it can be read.
    Unreadable,
    /// This block belongs elsewhere, or something is missing before it.
    OutOfOrder { expected: u32 },
    /// The block is whole, but its events are of another version, or nonsense.
    NotEvents,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Damage { from, to, .. } = self;
        let place = match self.block {
            Some(block) => format!("block {block}, bytes {from} to {to}"),
            None => format!("the header, bytes {from} to {to}"),
        };
        match self.kind {
            DamageKind::Edited => write!(f, "{place}: not what was written"),
            DamageKind::Cut => write!(f, "{place}: the file is cut off here"),
            DamageKind::Unreadable => {
                write!(f, "bytes {from} to {to}: no block begins at byte {from}")
            }
            DamageKind::OutOfOrder { expected } => {
                write!(f, "{place}: block {expected} was expected here")
            }
            DamageKind::NotEvents => write!(f, "{place}: the events cannot be read"),
        }
    }
}

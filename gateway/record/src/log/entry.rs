//! What is logged of a segment.

use gatewright_contract::SessionId;
use minicbor::{Decode, Encode};

use crate::cbor;
use crate::event::Time;
use crate::segment::Hash;

/// A finished segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entry {
    #[cbor(n(0), with = "cbor::id")]
    pub session: SessionId,
    /// Counts the segments of the session, from 0.
    #[n(1)]
    pub segment: u32,
    #[cbor(n(2), with = "cbor::hash")]
    pub digest: Hash,
    /// The length of its file.
    #[n(3)]
    pub length: u64,
    /// When it was logged.
    #[n(4)]
    pub at: Time,
    /// The session ended with it.
    #[n(5)]
    pub is_last: bool,
}

impl Entry {
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to memory does not fail.
        let Ok(()) = minicbor::encode(self, &mut bytes) else {
            return Vec::new();
        };
        bytes
    }

    /// `None`: it is no entry, or not written in the one way in which an entry is.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let entry: Entry = minicbor::decode(bytes).ok()?;
        (entry.to_bytes() == bytes).then_some(entry)
    }
}

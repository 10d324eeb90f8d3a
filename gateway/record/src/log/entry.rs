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
    /// The session is deleted: the entry is about all of its segments, and its length is that of all files.
    #[n(6)]
    pub deleted: Option<Deleted>,
}

/// Why a session is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Deleted {
    #[n(0)]
    pub reason: Reason,
    /// The seconds for which sessions were kept.
    #[n(1)]
    pub retention: Option<u64>,
    /// When its end was logged.
    #[n(2)]
    pub ended: Time,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Reason {
    #[default]
    #[n(0)]
    Retention,
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

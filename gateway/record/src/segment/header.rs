//! The beginning of a segment.

use std::io;

use gatewright_contract::SessionId;
use uuid::Uuid;

use super::Hash;

const MAGIC: &[u8; 8] = b"GWRECORD";

/// The versions of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    Clear,
    /// Behind the header stands a wrapped key, and blocks have two frames.
    Sealed,
}

impl Version {
    fn number(self) -> u16 {
        match self {
            Version::Clear => 1,
            Version::Sealed => 2,
        }
    }
}

/// Its length in bytes.
pub const HEADER: usize = 64;

/// What a segment is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub session: SessionId,
    /// Counts the segments of the session, from 0.
    pub number: u32,
    /// The digest of the segment before; zeros for the first.
    pub previous: Hash,
    pub version: Version,
}

impl Header {
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let session: Uuid = self.session.into();
        let fields: [&[u8]; 6] = [
            MAGIC,
            &self.version.number().to_be_bytes(),
            &[0; 2],
            &self.number.to_be_bytes(),
            session.as_bytes(),
            &self.previous.0,
        ];
        for (byte, value) in bytes.iter_mut().zip(fields.iter().copied().flatten()) {
            *byte = *value;
        }
        bytes
    }

    /// `None`: another kind of file, or another version.
    pub fn from_bytes(bytes: &[u8; HEADER]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk::<8>()?;
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (number, rest) = rest.split_first_chunk::<4>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (previous, rest) = rest.split_first_chunk::<32>()?;
        let versions = [Version::Clear, Version::Sealed];
        let known = versions.into_iter().find(|known| {
            let [high, low] = known.number().to_be_bytes();
            *version == [high, low, 0, 0]
        })?;
        (magic == MAGIC && rest.is_empty()).then(|| Header {
            version: known,
            session: Uuid::from_bytes(*session).into(),
            number: u32::from_be_bytes(*number),
            previous: Hash(*previous),
        })
    }
}

/// The longest wrapped key: for some hundred recipients.
pub(super) const MAX_KEY: usize = 1 << 16;

/// The length of its length.
pub(super) const KEY_LENGTH: usize = 4;

/// What stands behind the header of a sealed segment.
pub(super) fn key_bytes(wrapped: &[u8]) -> io::Result<Vec<u8>> {
    let length = Some(wrapped.len()).filter(|length| *length <= MAX_KEY);
    let length = length.and_then(|length| u32::try_from(length).ok());
    let length = length.ok_or_else(|| io::Error::other("too many recipients"))?;
    Ok([&length.to_be_bytes()[..], wrapped].concat())
}

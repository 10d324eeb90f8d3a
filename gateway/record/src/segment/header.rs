//! The beginning of a segment.

use gatewright_contract::SessionId;
use uuid::Uuid;

use super::Hash;

const MAGIC: &[u8; 8] = b"GWRECORD";

/// The version of the format.
const VERSION: u16 = 1;

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
}

impl Header {
    pub fn to_bytes(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        let session: Uuid = self.session.into();
        let fields: [&[u8]; 6] = [
            MAGIC,
            &VERSION.to_be_bytes(),
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
        let [high, low] = VERSION.to_be_bytes();
        let known = magic == MAGIC && *version == [high, low, 0, 0] && rest.is_empty();
        known.then(|| Header {
            session: Uuid::from_bytes(*session).into(),
            number: u32::from_be_bytes(*number),
            previous: Hash(*previous),
        })
    }
}

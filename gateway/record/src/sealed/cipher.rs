//! XChaCha20-Poly1305 over the blocks of a segment. Nonces are random: a block that could not be written is written again, with other
//! events in it.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use rand_core::{OsRng, RngCore};

use crate::segment::Header;

/// The length of a nonce in bytes.
pub(crate) const NONCE: usize = 24;

/// The key of one segment.
#[derive(Clone)]
pub(crate) struct DataKey([u8; 32]);

/// Where a block stands, so that none can be read in another's place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub header: Header,
    pub sequence: u32,
}

impl Place {
    fn bytes(self) -> Vec<u8> {
        let mut bytes = self.header.to_bytes().to_vec();
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes
    }
}

impl DataKey {
    pub fn generate() -> Self {
        let mut key = [0; 32];
        OsRng.fill_bytes(&mut key);
        DataKey(key)
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(DataKey)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A nonce, and what is encrypted with it. `None`: it is too long.
    pub fn seal(&self, place: Place, plain: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE];
        OsRng.fill_bytes(&mut nonce);
        let aad = place.bytes();
        let payload = Payload {
            msg: plain,
            aad: &aad,
        };
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// `None`: it was encrypted with another key, at another place, or is something else.
    pub fn open(&self, place: Place, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        let aad = place.bytes();
        let payload = Payload {
            msg: sealed,
            aad: &aad,
        };
        let cipher = XChaCha20Poly1305::new(&self.0.into());
        cipher.decrypt(&XNonce::from(*nonce), payload).ok()
    }
}

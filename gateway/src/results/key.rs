//! The key of pseudonyms: HMAC-SHA-256 (RFC 2104), with a label so that equal values of different columns differ.

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::Sha256;

/// The minimum length of a configured key, in bytes.
pub const MINIMUM_KEY_BYTES: usize = 32;

/// The secret behind `pseudonym`. Gateways with the same key return equal pseudonyms; a random key lasts as long as the
/// process.
#[derive(Debug)]
pub struct PseudonymKey(SecretSlice<u8>);

/// A configured key is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "the pseudonym key has {found} bytes; at least {MINIMUM_KEY_BYTES} random bytes are required"
    )]
    TooShort { found: usize },
}

impl PseudonymKey {
    /// A new key from the operating system's random source.
    pub fn random() -> Self {
        Self::from_bytes(rand::random())
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SecretSlice::from(bytes.to_vec()))
    }

    /// A configured secret as the key, byte for byte.
    ///
    /// # Errors
    /// The secret is shorter than [`MINIMUM_KEY_BYTES`].
    pub fn from_secret(secret: &SecretString) -> Result<Self, KeyError> {
        let bytes = secret.expose_secret().as_bytes();
        if bytes.len() < MINIMUM_KEY_BYTES {
            return Err(KeyError::TooShort { found: bytes.len() });
        }
        Ok(Self(SecretSlice::from(bytes.to_vec())))
    }

    /// The keyed hash for values with this label.
    pub(super) fn labelled(&self, label: &str) -> Pseudonym {
        let mut mac = match Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) {
            Ok(mac) => mac,
            Err(_) => unreachable!("HMAC takes keys of every length"),
        };
        mac.update(label.as_bytes());
        mac.update(&[0]);
        Pseudonym(mac)
    }
}

/// HMAC state that already includes the key and the label.
#[derive(Clone)]
pub(super) struct Pseudonym(Hmac<Sha256>);

impl Pseudonym {
    pub(super) fn digest(&self, value: &[u8]) -> [u8; 32] {
        let mut mac = self.0.clone();
        mac.update(value);
        mac.finalize().into_bytes().into()
    }
}

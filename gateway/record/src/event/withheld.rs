//! What is not recorded of texts and values.

use minicbor::{Decode, Encode};

use crate::cbor;

/// What is recorded of the values in texts, and of those that clients send beside them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Literals {
    #[default]
    #[n(0)]
    Keep,
    /// Texts have parameters in place of constants; of parameters and COPY data the length is recorded; errors have no texts.
    #[n(1)]
    Redact,
}

/// What a text was recorded without.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum Withheld {
    /// Its constants, for which parameters stand, and its comments.
    #[n(0)]
    Constants,
    /// The constants that carry passwords.
    #[n(1)]
    Passwords,
    /// All of it.
    #[n(2)]
    Text(#[n(0)] WithheldText),
}

/// A text that is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WithheldText {
    #[n(0)]
    pub length: u64,
    /// SHA-256 of it. `None` for a text with a password, which could be found by trying.
    #[cbor(n(1), with = "cbor::optional_hash")]
    pub sha256: Option<[u8; 32]>,
}

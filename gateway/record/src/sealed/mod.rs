//! Encryption of what sessions asked and got. Each segment has a key of its own, which stands in front of it, wrapped for every recipient
//! in the form of an [age](https://age-encryption.org/v1) file. Hashes are over what is encrypted, so that a record is verified
//! without any key. Who was connected, and when and how executions ended, is in the clear.

mod cipher;
mod keys;
mod split;

pub use keys::{Identities, NoKey, Recipients};

pub(crate) use cipher::{DataKey, NONCE, Place};
pub(crate) use split::{merge, split};

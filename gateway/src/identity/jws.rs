use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::TokenError;

/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// Checked before anything is computed from the token.
pub(super) fn check_length(token: &str) -> Result<(), TokenError> {
    match token.len() {
        0 => Err(TokenError::Missing),
        length if length > MAX_TOKEN => Err(TokenError::TooLong { limit: MAX_TOKEN }),
        _ => Ok(()),
    }
}

/// A signed token taken apart and not yet believed (RFC 7515 section 3.1).
pub(super) struct Unverified<'t> {
    pub(super) header: Header,
    pub(super) claims: Map<String, Value>,
    /// What the signature covers: header and payload as they were sent.
    pub(super) signing_input: &'t [u8],
    pub(super) signature: Vec<u8>,
}

/// The header parameters that decide anything here (RFC 7515 section 4.1). Keys offered by the
/// token itself (`jwk`, `jku`, `x5c`) are not read.
#[derive(Deserialize)]
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
    pub(super) crit: Option<Value>,
}

impl<'t> Unverified<'t> {
    pub(super) fn parse(token: &'t str) -> Result<Self, TokenError> {
        let malformed = |part| TokenError::Malformed { part };
        let (signed, signature) = token
            .rsplit_once('.')
            .ok_or(malformed("it has too few parts"))?;
        let (header, payload) = signed
            .split_once('.')
            .ok_or(malformed("it has too few parts"))?;
        if payload.contains('.') {
            return Err(malformed("it has too many parts"));
        }
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        Ok(Self {
            header: decode(header)
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .ok_or(malformed("its header is not readable"))?,
            claims: decode(payload)
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .ok_or(malformed("its payload is not readable"))?,
            signing_input: signed.as_bytes(),
            signature: decode(signature).ok_or(malformed("its signature is not readable"))?,
        })
    }
}

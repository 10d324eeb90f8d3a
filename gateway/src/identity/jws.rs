//! Parses signed tokens in JWS compact form.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::TokenError;

/// Maximum length of a token in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// Must be called before the token is hashed or parsed, to bound the work.
pub(super) fn check_length(token: &str) -> Result<(), TokenError> {
    match token.len() {
        0 => Err(TokenError::Missing),
        length if length > MAX_TOKEN => Err(TokenError::TooLong { limit: MAX_TOKEN }),
        _ => Ok(()),
    }
}

/// A parsed token whose signature has not been verified (RFC 7515, section 3.1).
pub(super) struct Unverified<'t> {
    pub(super) header: Header,
    pub(super) claims: Map<String, Value>,
    /// The encoded header and payload, which the signature covers.
    pub(super) signing_input: &'t [u8],
    pub(super) signature: Vec<u8>,
}

/// The relevant header parameters (RFC 7515, section 4.1). Keys that the token itself supplies (`jwk`, `jku`, `x5c`)
/// are ignored.
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
        let (signed, signature) = token.rsplit_once('.').ok_or(malformed("too few parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(malformed("too few parts"))?;
        if payload.contains('.') {
            return Err(malformed("too many parts"));
        }
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        Ok(Self {
            header: decode(header)
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .ok_or(malformed("invalid header"))?,
            claims: decode(payload)
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .ok_or(malformed("invalid payload"))?,
            signing_input: signed.as_bytes(),
            signature: decode(signature).ok_or(malformed("invalid signature encoding"))?,
        })
    }
}

//! Signatures as Standard Webhooks 1.0 has them (standardwebhooks.com): HMAC-SHA256 over the message's id, time and body.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;
use thiserror::Error;

/// How a secret begins.
const PREFIX: &str = "whsec_";

/// The lengths of secrets in bytes that the standard allows.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// The key that the gateway and a receiver share.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

/// A text is no secret. Does not contain it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be `whsec_` and 24 to 64 random bytes in base64")]
pub struct SecretError;

impl Secret {
    /// Reads `whsec_` and base64.
    ///
    /// # Errors
    /// It is something else, or too short or too long.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError)?;
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| SecretError)?;
        match LENGTHS.contains(&bytes.len()) {
            true => Ok(Secret(bytes.into())),
            false => Err(SecretError),
        }
    }

    /// The value of `webhook-signature`. `timestamp`: seconds since 1970, as in `webhook-timestamp`.
    pub(super) fn sign(&self, id: &str, timestamp: u64, body: &[u8]) -> String {
        let mut mac = match Hmac::<Sha256>::new_from_slice(self.0.expose_secret()) {
            Ok(mac) => mac,
            Err(_) => unreachable!("HMAC takes keys of every length"),
        };
        mac.update(format!("{id}.{timestamp}.").as_bytes());
        mac.update(body);
        let digest = mac.finalize().into_bytes();
        format!("v1,{}", BASE64_STANDARD.encode(digest))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's reference libraries.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn what_is_no_secret_is_refused_and_not_shown() {
        for text in [
            "",
            "hunter2",
            "whsec_",
            "whsec_c2hvcnQ=",
            "whsec_!!!!",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        ] {
            assert_eq!(Secret::parse(text).err(), Some(SecretError), "{text}");
        }
        let long = format!("whsec_{}", BASE64_STANDARD.encode([7; 65]));
        assert_eq!(Secret::parse(&long).err(), Some(SecretError));
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").expect("a secret");
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}

//! What a login that has begun is checked against, kept in the browser: sealed, so that strangers who begin logins cost no memory.

use std::time::{Duration, SystemTime};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

/// How long a person may take at the provider.
const LIFETIME: Duration = Duration::from_secs(600);

/// What is sealed is for nothing else.
const PURPOSE: &[u8] = b"gatewright console login 1";

/// A login that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    /// The page to show afterwards.
    pub next: String,
    /// In seconds since 1970.
    pub at: u64,
}

/// The key of this process. After a restart, logins have to begin again.
pub(super) struct Seal(LessSafeKey);

impl Seal {
    pub fn random() -> Option<Self> {
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &key).ok()?;
        Some(Seal(LessSafeKey::new(key)))
    }

    pub fn close(&self, begun: &Begun) -> Option<String> {
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let mut text = serde_json::to_vec(begun).ok()?;
        let once = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(once, Aad::from(PURPOSE), &mut text)
            .ok()?;
        Some(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// `None`: it was not sealed here, or too long ago.
    pub fn open(&self, sealed: &str, now: SystemTime) -> Option<Begun> {
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.0.open_in_place(nonce, Aad::from(PURPOSE), text).ok()?;
        let begun: Begun = serde_json::from_slice(text).ok()?;
        let age = seconds(now).checked_sub(begun.at)?;
        (age <= LIFETIME.as_secs()).then_some(begun)
    }
}

pub(super) fn seconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_here_lately_is_opened() {
        let (seal, other) = (
            Seal::random().expect("a key"),
            Seal::random().expect("a key"),
        );
        let now = SystemTime::now();
        let begun = Begun {
            state: "s".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            next: "/".to_owned(),
            at: seconds(now),
        };
        let sealed = seal.close(&begun).expect("a cookie");
        assert_eq!(seal.open(&sealed, now), Some(begun.clone()));
        assert_eq!(other.open(&sealed, now), None);
        assert_eq!(seal.open(&sealed, now + LIFETIME), Some(begun));
        let late = now + LIFETIME + Duration::from_secs(1);
        assert_eq!(seal.open(&sealed, late), None);
        assert_eq!(seal.open(&sealed, now - Duration::from_secs(5)), None);
        for at in 0..sealed.len() {
            let mut forged = sealed.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).expect("text");
            assert_eq!(seal.open(&forged, now), None, "{at}");
        }
        for short in ["", "A", "AAAAAAAAAAAAAAAA"] {
            assert_eq!(seal.open(short, now), None);
        }
    }
}

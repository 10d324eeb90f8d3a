//! SASL OAUTHBEARER (RFC 7628) as PostgreSQL 18 speaks it: the client's message taken apart, and the server's answer to a
//! client that has no token or a wrong one.

use bytes::BytesMut;
use gatewright_wire::{build, frontend};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;

use super::{Accepted, HandshakeError, HandshakeSettings};

/// The mechanism's name.
pub const OAUTHBEARER: &str = "OAUTHBEARER";

/// Separates the pairs of a message, and alone is the client's answer to an error.
const SEPARATOR: u8 = 1;

/// Where clients without a token learn to get one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The issuer's URL.
    pub issuer: String,
    /// What to ask for there.
    pub scope: String,
}

impl Discovery {
    /// This issuer, and `openid` as the scope.
    pub fn of(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            scope: "openid".to_owned(),
        }
    }

    /// The address of its discovery document (OpenID Connect Discovery 1.0 section 4).
    fn document(&self) -> String {
        let issuer = self.issuer.trim_end_matches('/');
        format!("{issuer}/.well-known/openid-configuration")
    }
}

impl Accepted {
    /// Offers OAUTHBEARER and waits for a token. A client that has none is told where to get one, and then turned away.
    pub(super) async fn exchange_bearer(
        &mut self,
        settings: &HandshakeSettings,
    ) -> Result<SecretString, HandshakeError> {
        let mut offer = BytesMut::new();
        build::authentication_sasl(&mut offer, OAUTHBEARER);
        self.send(&offer).await?;
        let first = self
            .response(|body| {
                let (mechanism, data) =
                    frontend::sasl_initial_response(body).map_err(|_| MALFORMED_SASL)?;
                if mechanism != OAUTHBEARER {
                    return Err(HandshakeError::OtherMechanism);
                }
                data.map(token).transpose()
            })
            .await?;
        let token = match first {
            Some(token) => token,
            // A client may leave the initial response out (RFC 4422 section 5); an empty challenge asks for it.
            None => {
                self.challenge(&[]).await?;
                self.response(token).await?
            }
        };
        if token.expose_secret().is_empty() {
            self.reject_bearer(settings).await?;
            return Err(HandshakeError::NoToken);
        }
        Ok(token)
    }

    /// Answers a token that is not accepted, as RFC 7628 section 3.2.2 has it; the error itself is the caller's to send.
    pub async fn reject_bearer(
        &mut self,
        settings: &HandshakeSettings,
    ) -> Result<(), HandshakeError> {
        let mut status = serde_json::Map::new();
        status.insert("status".to_owned(), "invalid_token".into());
        if let Some(discovery) = &settings.discovery {
            let document = discovery.document();
            status.insert("openid-configuration".to_owned(), document.into());
            status.insert("scope".to_owned(), discovery.scope.as_str().into());
        }
        let status = serde_json::Value::Object(status).to_string();
        self.challenge(status.as_bytes()).await?;
        self.response(|body| match *body {
            [SEPARATOR] => Ok(()),
            _ => Err(HandshakeError::MalformedBearer("the answer to the error")),
        })
        .await
    }

    async fn challenge(&mut self, data: &[u8]) -> Result<(), HandshakeError> {
        let mut out = BytesMut::new();
        build::authentication_sasl_continue(&mut out, data);
        self.send(&out).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }
}

const MALFORMED_SASL: HandshakeError = HandshakeError::MalformedBearer("the SASL initial response");

/// The token of a client's first message; empty where it has none.
///
/// `gs2-header kvsep *(key "=" value kvsep) kvsep` (RFC 7628 section 3.1): no channel binding, no other identity than the
/// token's, one `auth` with a bearer token (RFC 6750 section 2.1), and further pairs, which mean nothing here.
fn token(message: &[u8]) -> Result<SecretString, HandshakeError> {
    let wrong = |part| Err(HandshakeError::MalformedBearer(part));
    let pairs = match message {
        [b'n' | b'y', b',', b',', SEPARATOR, pairs @ ..] => pairs,
        [b'p', ..] => return wrong("channel binding, which OAUTHBEARER does not have"),
        [b'n' | b'y', b',', b'a', ..] => {
            return wrong("an authorization identity, which must be left out");
        }
        _ => return wrong("the GS2 header"),
    };
    let Some(pairs) = pairs.strip_suffix(&[SEPARATOR]) else {
        return wrong("the end, which must be an empty pair");
    };
    let Some(pairs) = pairs.strip_suffix(&[SEPARATOR]) else {
        return wrong("the pairs, of which there must be one");
    };
    let mut found = None;
    for pair in pairs.split(|byte| *byte == SEPARATOR) {
        let Some(at) = pair.iter().position(|byte| *byte == b'=') else {
            return wrong("a pair without `=`");
        };
        let (key, value) = (&pair[..at], &pair[at + 1..]);
        if key.is_empty() || !key.iter().all(u8::is_ascii_alphabetic) {
            return wrong("a key");
        }
        if !value.iter().all(|byte| is_value(*byte)) {
            return wrong("a value");
        }
        if key == b"auth" && found.replace(value).is_some() {
            return wrong("a second `auth`");
        }
    }
    match found {
        None => wrong("`auth`, which is missing"),
        Some(value) => bearer(value),
    }
}

/// `auth`'s value: nothing, or `Bearer` in any case, spaces and the token.
fn bearer(value: &[u8]) -> Result<SecretString, HandshakeError> {
    if value.is_empty() {
        return Ok(SecretString::default());
    }
    let wrong = |part| Err(HandshakeError::MalformedBearer(part));
    let Some((scheme, rest)) = value.split_at_checked("Bearer".len()) else {
        return wrong("the scheme, which must be Bearer");
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") || rest.first() != Some(&b' ') {
        return wrong("the scheme, which must be Bearer");
    }
    let token = rest.trim_ascii_start();
    let bare = token.iter().rev().skip_while(|byte| **byte == b'=');
    let mut length = 0;
    for byte in bare {
        if !byte.is_ascii_alphanumeric() && !b"-._~+/".contains(byte) {
            return wrong("the token");
        }
        length += 1;
    }
    match std::str::from_utf8(token) {
        Ok(token) if length > 0 => Ok(SecretString::from(token)),
        _ => wrong("the token"),
    }
}

/// RFC 7628 section 3.1: `*(VCHAR / SP / HTAB / CR / LF )`.
fn is_value(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(message: &[u8]) -> Option<String> {
        token(message)
            .ok()
            .map(|token| token.expose_secret().to_owned())
    }

    #[test]
    fn a_token_is_found_beside_what_else_a_client_may_send() {
        for message in [
            "n,,\x01auth=Bearer a.b-c==\x01\x01",
            "y,,\x01auth=Bearer a.b-c==\x01\x01",
            "n,,\x01auth=bEARER   a.b-c==\x01\x01",
            "n,,\x01host=db\x01port=5432\x01auth=Bearer a.b-c==\x01\x01",
        ] {
            assert_eq!(read(message.as_bytes()).as_deref(), Some("a.b-c=="));
        }
        assert_eq!(read(b"n,,\x01auth=\x01\x01").as_deref(), Some(""));
    }

    #[test]
    fn every_other_form_is_refused() {
        for message in [
            "",
            "n",
            "n,,",
            "n,,\x01",
            "n,,\x01\x01",
            "n,,\x01auth=Bearer t\x01",
            "n,,\x01auth=Bearer t",
            "n,,auth=Bearer t\x01\x01",
            "n,\x01auth=Bearer t\x01\x01",
            "x,,\x01auth=Bearer t\x01\x01",
            "p=tls-exporter,,\x01auth=Bearer t\x01\x01",
            "n,a=root,\x01auth=Bearer t\x01\x01",
            "n,,\x01auth=Bearer t\x01\x01\x01",
            "n,,\x01auth=Bearer t\x01\x01x",
            "n,,\x01auth=Bearer t\x01auth=Bearer t\x01\x01",
            "n,,\x01auth=Bearer t\x01auth=\x01\x01",
            "n,,\x01host=db\x01\x01",
            "n,,\x01=Bearer t\x01\x01",
            "n,,\x01auth\x01\x01",
            "n,,\x01au th=Bearer t\x01\x01",
            "n,,\x01auth=Basic t\x01\x01",
            "n,,\x01auth=Bearer\x01\x01",
            "n,,\x01auth=Bearer \x01\x01",
            "n,,\x01auth=Bearert\x01\x01",
            "n,,\x01auth=Bearer ==\x01\x01",
            "n,,\x01auth=Bearer a=b\x01\x01",
            "n,,\x01auth=Bearer a b\x01\x01",
            "n,,\x01auth=Bearer a\0b\x01\x01",
            "n,,\x01host=\u{e4}\x01auth=Bearer t\x01\x01",
        ] {
            assert_eq!(read(message.as_bytes()), None, "{message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_token_comes_back_as_it_was(token in "[A-Za-z0-9._~+/-]{1,200}={0,2}", host in "[ -~]{0,20}") {
            let message = format!("n,,\x01host={host}\x01auth=Bearer {token}\x01\x01");
            prop_assert_eq!(read(message.as_bytes()), Some(token));
        }

        #[test]
        fn no_bytes_break_it(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes);
            let _ = read(&[b"n,,\x01auth=", &bytes[..], b"\x01\x01"].concat());
        }

        /// A token is accepted in one form only: a byte more or less at the end is another message.
        #[test]
        fn a_cut_message_is_refused(token in "[A-Za-z0-9]{1,50}", cut in 1..50usize) {
            let message = format!("n,,\x01auth=Bearer {token}\x01\x01");
            let short = &message.as_bytes()[..message.len().saturating_sub(cut)];
            prop_assert_eq!(read(short), None);
        }
    }
}

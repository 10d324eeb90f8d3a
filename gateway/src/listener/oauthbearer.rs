//! The server's side of SASL OAUTHBEARER (RFC 7628), compatible with PostgreSQL 18.

use bytes::BytesMut;
use gatewright_wire::{build, frontend};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;

use super::{Accepted, HandshakeError, HandshakeSettings};

/// The SASL mechanism name.
pub const OAUTHBEARER: &str = "OAUTHBEARER";

/// `kvsep`: separates the key-value pairs of a message. A message of only this byte acknowledges an error.
const SEPARATOR: u8 = 1;

/// Tells clients without a token where to get one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovery {
    /// The issuer's URL.
    pub issuer: String,
    /// The OAuth scope to request.
    pub scope: String,
}

impl Discovery {
    /// This issuer with the scope `openid`.
    pub fn of(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            scope: "openid".to_owned(),
        }
    }

    /// The URL of the discovery document (OpenID Connect Discovery 1.0, section 4).
    fn document(&self) -> String {
        let issuer = self.issuer.trim_end_matches('/');
        format!("{issuer}/.well-known/openid-configuration")
    }
}

impl Accepted {
    /// Offers OAUTHBEARER and reads the token. A client without a token is sent the discovery information, and the
    /// exchange fails.
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
            // The initial response is optional (RFC 4422, section 5). An empty challenge requests it.
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

    /// Rejects a token: sends the error status (RFC 7628, section 3.2.2) and reads the client's acknowledgement. The
    /// caller then sends the ErrorResponse.
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
            _ => Err(HandshakeError::MalformedBearer(
                "the error must be acknowledged with a single 0x01",
            )),
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

const MALFORMED_SASL: HandshakeError =
    HandshakeError::MalformedBearer("invalid SASL initial response");

/// The token in the client's first message; empty if the client has none.
///
/// The message is `gs2-header kvsep *(key "=" value kvsep) kvsep` (RFC 7628, section 3.1). Channel binding and an
/// authorization identity are rejected. Exactly one `auth` pair is required, with a bearer token (RFC 6750, section
/// 2.1) or empty. Other pairs are ignored.
fn token(message: &[u8]) -> Result<SecretString, HandshakeError> {
    let wrong = |reason| Err(HandshakeError::MalformedBearer(reason));
    let pairs = match message {
        [b'n' | b'y', b',', b',', SEPARATOR, pairs @ ..] => pairs,
        [b'p', ..] => return wrong("OAUTHBEARER does not support channel binding"),
        [b'n' | b'y', b',', b'a', ..] => {
            return wrong("an authorization identity is not supported");
        }
        _ => return wrong("invalid GS2 header"),
    };
    let Some(pairs) = pairs.strip_suffix(&[SEPARATOR]) else {
        return wrong("missing final separator");
    };
    let Some(pairs) = pairs.strip_suffix(&[SEPARATOR]) else {
        return wrong("no key-value pairs");
    };
    let mut found = None;
    for pair in pairs.split(|byte| *byte == SEPARATOR) {
        let Some(at) = pair.iter().position(|byte| *byte == b'=') else {
            return wrong("a key-value pair without `=`");
        };
        let (key, value) = (&pair[..at], &pair[at + 1..]);
        if key.is_empty() || !key.iter().all(u8::is_ascii_alphabetic) {
            return wrong("invalid key");
        }
        if !value.iter().all(|byte| is_value(*byte)) {
            return wrong("invalid value");
        }
        if key == b"auth" && found.replace(value).is_some() {
            return wrong("multiple `auth` pairs");
        }
    }
    match found {
        None => wrong("missing `auth` pair"),
        Some(value) => bearer(value),
    }
}

/// The value of `auth`: empty, or `Bearer` (case-insensitive), spaces and the token.
fn bearer(value: &[u8]) -> Result<SecretString, HandshakeError> {
    if value.is_empty() {
        return Ok(SecretString::default());
    }
    let wrong = |reason| Err(HandshakeError::MalformedBearer(reason));
    let Some((scheme, rest)) = value.split_at_checked("Bearer".len()) else {
        return wrong("the scheme must be Bearer");
    };
    if !scheme.eq_ignore_ascii_case(b"bearer") || rest.first() != Some(&b' ') {
        return wrong("the scheme must be Bearer");
    }
    let token = rest.trim_ascii_start();
    let bare = token.iter().rev().skip_while(|byte| **byte == b'=');
    let mut length = 0;
    for byte in bare {
        if !byte.is_ascii_alphanumeric() && !b"-._~+/".contains(byte) {
            return wrong("invalid token characters");
        }
        length += 1;
    }
    match std::str::from_utf8(token) {
        Ok(token) if length > 0 => Ok(SecretString::from(token)),
        _ => wrong("invalid token characters"),
    }
}

/// RFC 7628, section 3.1: `*(VCHAR / SP / HTAB / CR / LF )`.
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
    fn accepts_every_valid_form() {
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
    fn rejects_malformed_messages() {
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
        fn extracts_any_valid_token(token in "[A-Za-z0-9._~+/-]{1,200}={0,2}", host in "[ -~]{0,20}") {
            let message = format!("n,,\x01host={host}\x01auth=Bearer {token}\x01\x01");
            prop_assert_eq!(read(message.as_bytes()), Some(token));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes);
            let _ = read(&[b"n,,\x01auth=", &bytes[..], b"\x01\x01"].concat());
        }

        #[test]
        fn rejects_truncated_messages(token in "[A-Za-z0-9]{1,50}", cut in 1..50usize) {
            let message = format!("n,,\x01auth=Bearer {token}\x01\x01");
            let short = &message.as_bytes()[..message.len().saturating_sub(cut)];
            prop_assert_eq!(read(short), None);
        }
    }
}

use bytes::{Buf, BytesMut};
use gatewright_wire::frame::{self, HEADER_BYTES, PASSWORD_MESSAGE_LIMIT, Side};
use gatewright_wire::{build, frontend};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Accepted, CleartextPassword, HandshakeError, HandshakeSettings};

impl Accepted {
    /// Asks for the password in clear text and waits for it: inside TLS, or where the settings allow it without.
    /// How long is the caller's business.
    ///
    /// The caller answers an error with [`HandshakeError::refusal`].
    pub async fn ask_password(
        &mut self,
        settings: &HandshakeSettings,
    ) -> Result<SecretString, HandshakeError> {
        let allowed = self.secure
            || (self.loopback && settings.cleartext_password == CleartextPassword::Loopback);
        if !allowed {
            return Err(HandshakeError::CleartextRefused);
        }
        self.exchange().await
    }

    async fn exchange(&mut self) -> Result<SecretString, HandshakeError> {
        let mut request = BytesMut::new();
        build::authentication_cleartext_password(&mut request);
        self.stream.write_all(&request).await?;
        self.stream.flush().await?;
        loop {
            if let Some(header) =
                frame::next_header(&self.leftover, Side::Frontend, PASSWORD_MESSAGE_LIMIT)?
            {
                if header.tag != b'p' {
                    return Err(HandshakeError::NotAPassword { tag: header.tag });
                }
                if let Some(message) = self.leftover.get_mut(..header.total()) {
                    let password = take_password(message);
                    self.leftover.advance(header.total());
                    return password;
                }
                // Room for all of it at once: a buffer that grows leaves copies of the password behind.
                let missing = header.total().saturating_sub(self.leftover.len());
                self.leftover.reserve(missing);
            } else {
                self.leftover.reserve(4096);
            }
            if self.stream.read_buf(&mut self.leftover).await? == 0 {
                return Err(HandshakeError::Closed);
            }
        }
    }
}

fn take_password(message: &mut [u8]) -> Result<SecretString, HandshakeError> {
    let body = message.get_mut(HEADER_BYTES..).unwrap_or_default();
    let password = frontend::password(body)
        .and_then(|password| std::str::from_utf8(password).ok())
        .map(SecretString::from)
        .ok_or(HandshakeError::MalformedPassword);
    body.fill(0);
    match &password {
        Ok(secret) if secrecy::ExposeSecret::expose_secret(secret).is_empty() => {
            Err(HandshakeError::EmptyPassword)
        }
        _ => password,
    }
}

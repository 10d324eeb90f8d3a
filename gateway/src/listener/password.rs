//! Reads the client's authentication messages.

use bytes::{Buf, BytesMut};
use gatewright_wire::frame::{self, HEADER_BYTES, PASSWORD_MESSAGE_LIMIT, Side};
use gatewright_wire::{build, frontend};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Accepted, HandshakeError};

impl Accepted {
    /// Requests the password with AuthenticationCleartextPassword and reads it.
    pub(super) async fn exchange_password(&mut self) -> Result<SecretString, HandshakeError> {
        let mut request = BytesMut::new();
        build::authentication_cleartext_password(&mut request);
        self.stream.write_all(&request).await?;
        self.stream.flush().await?;
        self.response(take_password).await
    }

    /// Reads a `p` message and passes its body to `take`. The body is erased from the buffer.
    pub(super) async fn response<T>(
        &mut self,
        take: impl FnOnce(&[u8]) -> Result<T, HandshakeError>,
    ) -> Result<T, HandshakeError> {
        loop {
            if let Some(header) =
                frame::next_header(&self.leftover, Side::Frontend, PASSWORD_MESSAGE_LIMIT)?
            {
                if header.tag != b'p' {
                    return Err(HandshakeError::NotAPassword { tag: header.tag });
                }
                if let Some(message) = self.leftover.get_mut(..header.total()) {
                    let taken = take(message.get(HEADER_BYTES..).unwrap_or_default());
                    message.fill(0);
                    self.leftover.advance(header.total());
                    return taken;
                }
                // Reserve the complete length: reallocating would leave copies of the password in freed memory.
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

fn take_password(body: &[u8]) -> Result<SecretString, HandshakeError> {
    let password = frontend::password(body)
        .and_then(|password| std::str::from_utf8(password).ok())
        .map(SecretString::from)
        .ok_or(HandshakeError::MalformedPassword);
    match &password {
        Ok(secret) if secrecy::ExposeSecret::expose_secret(secret).is_empty() => {
            Err(HandshakeError::EmptyPassword)
        }
        _ => password,
    }
}

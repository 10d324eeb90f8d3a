//! COPY data in another encoding than UTF-8: the editor works in UTF-8, so each message is decoded on its way in and encoded on its way
//! out. What would not come out as it came in ends the result.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::emission::HEADER;
use super::error::ResultError;

/// Text in another encoding.
pub trait Transcode {
    /// As UTF-8. `None`: it is not certain what the text is.
    fn decode<'t>(&self, text: &'t [u8]) -> Option<Cow<'t, str>>;
    /// `None`: the encoding does not have all of the characters.
    fn encode<'t>(&self, text: &'t str) -> Option<Cow<'t, [u8]>>;
}

/// One message of the server, which has whole rows (`CopySendEndOfRow`).
pub(super) fn decoded<'t>(
    transcode: &dyn Transcode,
    body: &'t [u8],
) -> Result<Cow<'t, [u8]>, ResultError> {
    let text = transcode.decode(body).ok_or(ResultError::Encoding)?;
    if transcode.encode(&text).as_deref() != Some(body) {
        return Err(ResultError::Encoding);
    }
    Ok(match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

/// Appends messages whose bodies are in UTF-8.
pub(super) fn encode_messages(
    transcode: &dyn Transcode,
    mut messages: &[u8],
    out: &mut BytesMut,
) -> Result<(), ResultError> {
    while let Some((header, rest)) = messages.split_at_checked(HEADER) {
        let [tag, length @ ..] = header else { break };
        let length = <[u8; 4]>::try_from(length).map_or(0, u32::from_be_bytes);
        let body = usize::try_from(length).unwrap_or(0).saturating_sub(4);
        let (body, next) = rest
            .split_at_checked(body)
            .ok_or(ResultError::Malformed("a message is cut"))?;
        let text = std::str::from_utf8(body).map_err(|_| ResultError::Encoding)?;
        let text = transcode.encode(text).ok_or(ResultError::Encoding)?;
        let counted = i32::try_from(text.len() + 4).map_err(|_| ResultError::RowTooLong {
            limit: i32::MAX as usize,
        })?;
        out.put_u8(*tag);
        out.put_i32(counted);
        out.put_slice(&text);
        messages = next;
    }
    Ok(())
}

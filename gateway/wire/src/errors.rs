//! The fields of ErrorResponse and NoticeResponse.

use bytes::BytesMut;
use pgwire::messages::response::{ErrorResponse, NoticeResponse};

use crate::DecodeError;
use crate::body::Body;
use crate::build::append;

/// Field codes (PostgreSQL documentation, "Error and Notice Message Fields").
pub mod code {
    pub const SEVERITY: u8 = b'S';
    pub const SEVERITY_NONLOCALIZED: u8 = b'V';
    pub const SQLSTATE: u8 = b'C';
    pub const MESSAGE: u8 = b'M';
    pub const DETAIL: u8 = b'D';
    pub const HINT: u8 = b'H';
    pub const POSITION: u8 = b'P';
    pub const INTERNAL_POSITION: u8 = b'p';
    pub const INTERNAL_QUERY: u8 = b'q';
    pub const CONTEXT: u8 = b'W';
    pub const SCHEMA: u8 = b's';
    pub const TABLE: u8 = b't';
    pub const COLUMN: u8 = b'c';
    pub const DATA_TYPE: u8 = b'd';
    pub const CONSTRAINT: u8 = b'n';
    pub const FILE: u8 = b'F';
    pub const LINE: u8 = b'L';
    pub const ROUTINE: u8 = b'R';
}

/// The fields of an error or notice in the order sent, including fields with unknown codes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ErrorFields {
    fields: Vec<(u8, String)>,
}

impl ErrorFields {
    /// An error or notice raised by the gateway. `severity` is `ERROR`, `FATAL`, `WARNING`, `NOTICE` and so on.
    pub fn new(severity: &str, sqlstate: &str, message: impl Into<String>) -> Self {
        Self {
            fields: vec![
                (code::SEVERITY, severity.to_owned()),
                (code::SEVERITY_NONLOCALIZED, severity.to_owned()),
                (code::SQLSTATE, sqlstate.to_owned()),
                (code::MESSAGE, message.into()),
            ],
        }
    }

    /// Decodes the body of an ErrorResponse or NoticeResponse.
    ///
    /// Invalid UTF-8 is replaced, not rejected: during start-up the server sends messages in the encoding of its
    /// locale.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("ErrorResponse", body);
        let mut fields = Vec::with_capacity(8);
        loop {
            match body.u8()? {
                0 => break,
                code => fields.push((code, String::from_utf8_lossy(body.raw_cstr()?).into_owned())),
            }
        }
        body.end()?;
        Ok(Self { fields })
    }

    /// Like [`ErrorFields::set`], for building.
    pub fn with(mut self, code: u8, text: impl Into<String>) -> Self {
        self.set(code, text);
        self
    }

    /// Sets a field. An existing field is replaced and keeps its position.
    pub fn set(&mut self, code: u8, text: impl Into<String>) {
        match self.fields.iter_mut().find(|(present, _)| *present == code) {
            Some((_, old)) => *old = text.into(),
            None => self.fields.push((code, text.into())),
        }
    }

    pub fn remove(&mut self, code: u8) {
        self.fields.retain(|(present, _)| *present != code);
    }

    pub fn field(&self, code: u8) -> Option<&str> {
        self.fields
            .iter()
            .find(|(present, _)| *present == code)
            .map(|(_, text)| text.as_str())
    }

    pub fn iter(&self) -> impl Iterator<Item = (u8, &str)> {
        self.fields
            .iter()
            .map(|(code, text)| (*code, text.as_str()))
    }

    /// The severity, preferably from the non-localized field. Empty if absent.
    pub fn severity(&self) -> &str {
        self.field(code::SEVERITY_NONLOCALIZED)
            .or_else(|| self.field(code::SEVERITY))
            .unwrap_or_default()
    }

    /// The SQLSTATE. Empty if absent.
    pub fn sqlstate(&self) -> &str {
        self.field(code::SQLSTATE).unwrap_or_default()
    }

    /// The primary message. Empty if absent.
    pub fn message(&self) -> &str {
        self.field(code::MESSAGE).unwrap_or_default()
    }

    pub fn detail(&self) -> Option<&str> {
        self.field(code::DETAIL)
    }

    pub fn hint(&self) -> Option<&str> {
        self.field(code::HINT)
    }

    /// The error position in the statement, in characters, starting at 1.
    pub fn position(&self) -> Option<u32> {
        self.field(code::POSITION)?.parse().ok()
    }

    /// Appends an ErrorResponse.
    pub fn encode_error(&self, out: &mut BytesMut) {
        let sent = append(out, &ErrorResponse::new(self.bounded()));
        debug_assert!(sent.is_ok(), "bounded fields fit in a message");
    }

    /// Appends a NoticeResponse.
    pub fn encode_notice(&self, out: &mut BytesMut) {
        let sent = append(out, &NoticeResponse::new(self.bounded()));
        debug_assert!(sent.is_ok(), "bounded fields fit in a message");
    }

    // Policies supply message text, which may be long or contain zero bytes. A zero byte would terminate the field, and
    // the client would parse the rest as further fields.
    fn bounded(&self) -> Vec<(u8, String)> {
        self.fields
            .iter()
            .filter(|(code, _)| *code != 0)
            .map(|(code, text)| {
                let end = text.floor_char_boundary(FIELD_LIMIT);
                (
                    *code,
                    text.get(..end).unwrap_or_default().replace('\0', " "),
                )
            })
            .take(FIELDS_LIMIT)
            .collect()
    }
}

/// Maximum length of a field that the gateway sends, in bytes.
const FIELD_LIMIT: usize = 1 << 20;

/// Maximum number of fields that the gateway sends. The protocol defines eighteen.
const FIELDS_LIMIT: usize = 64;

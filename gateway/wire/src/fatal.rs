//! FATAL errors.

use bytes::BytesMut;

use crate::ErrorFields;
use crate::errors::code;

/// A FATAL error that is sent to a client instead of opening a session. The connection is closed after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FatalError {
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl FatalError {
    pub fn new(sqlstate: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            sqlstate: sqlstate.into(),
            message: message.into(),
            detail: None,
            hint: None,
        }
    }

    /// Adds a DETAIL.
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a HINT.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Appends the error as an ErrorResponse.
    pub fn encode(&self, out: &mut BytesMut) {
        let mut fields = ErrorFields::new("FATAL", &self.sqlstate, self.message.as_str());
        if let Some(detail) = &self.detail {
            fields.set(code::DETAIL, detail.as_str());
        }
        if let Some(hint) = &self.hint {
            fields.set(code::HINT, hint.as_str());
        }
        fields.encode_error(out);
    }
}

use bytes::BytesMut;

use crate::ErrorFields;
use crate::errors::code;

/// Why a client is turned away before its session begins: a FATAL error, after which the connection closes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FatalError {
    pub sqlstate: String,
    pub message: String,
    pub hint: Option<String>,
}

impl FatalError {
    pub fn new(sqlstate: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            sqlstate: sqlstate.into(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same with what the client can do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Appends the ErrorResponse.
    pub fn encode(&self, out: &mut BytesMut) {
        let mut fields = ErrorFields::new("FATAL", &self.sqlstate, self.message.as_str());
        if let Some(hint) = &self.hint {
            fields.set(code::HINT, hint.as_str());
        }
        fields.encode_error(out);
    }
}

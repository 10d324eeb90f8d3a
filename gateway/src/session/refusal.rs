//! What a client is told in place of a statement's own outcome.

use std::borrow::Cow;

use gatewright_wire::ErrorFields;

/// The text of the message that stands in for a refused one. It is no SQL, so the server answers with a syntax error in
/// every transaction state, and does what it always does after an error; only the text of that error is replaced.
pub const STAND_IN: &str = "gatewright_refused_this_statement";

/// An error that the client sees as if PostgreSQL had raised it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Five characters (PostgreSQL, Appendix A).
    pub sqlstate: Cow<'static, str>,
    pub message: String,
    /// Machine-readable reason, JSON.
    pub detail: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// 1-based character index into the statement.
    pub position: Option<u32>,
}

impl Refusal {
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Refusal {
            sqlstate: Cow::Borrowed(sqlstate),
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
        }
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts this refusal's words into an error of the server, keeping what else the server said (file, line, routine).
    pub fn dress(&self, server: &ErrorFields) -> ErrorFields {
        let mut fields = ErrorFields::default();
        for code in [b'S', b'V'] {
            fields.set(code, server.field(code).unwrap_or("ERROR"));
        }
        fields.set(b'C', &*self.sqlstate);
        fields.set(b'M', &self.message);
        if let Some(detail) = &self.detail {
            fields.set(b'D', detail);
        }
        if let Some(hint) = &self.hint {
            fields.set(b'H', hint);
        }
        if let Some(position) = self.position {
            fields.set(b'P', position.to_string());
        }
        // Where the stand-in fails as the client's own message would have, the server's source position is the right one.
        if matches!(&*self.sqlstate, "42601" | "34000") {
            for code in [b'F', b'L', b'R'] {
                if let Some(text) = server.field(code) {
                    fields.set(code, text);
                }
            }
        }
        fields
    }

    /// The error as the gateway itself says it, when no server error stands behind it.
    pub fn error(&self) -> ErrorFields {
        self.dress(&ErrorFields::default())
    }
}

//! What a client is told in place of a statement's own outcome.

use std::borrow::Cow;

use gatewright_wire::frame::Frame;
use gatewright_wire::{DecodeError, ErrorFields};

/// The text of the message that replaces a refused one. It is not SQL, so the server answers with a syntax error in
/// every transaction state, and does what it always does after an error; only the text of that error is replaced.
pub const STAND_IN: &str = "gatewright_refused_this_statement";

const SYNTAX_ERROR: &str = "42601";

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
    /// The judge made it, and has counted it.
    pub counted: bool,
    /// It says that the gateway cannot read the text. If the server cannot either, the client gets the server's error in its place.
    pub unread: bool,
}

impl Refusal {
    pub fn new(sqlstate: &'static str, message: impl Into<String>) -> Self {
        Refusal {
            sqlstate: Cow::Borrowed(sqlstate),
            message: message.into(),
            detail: None,
            hint: None,
            position: None,
            counted: false,
            unread: false,
        }
    }

    /// The error of a message whose fields cannot be read, in PostgreSQL's words. What stands in for it at the server fails as it would have.
    pub(in crate::session) fn unreadable(error: &DecodeError) -> Self {
        let (sqlstate, message) = match error {
            DecodeError::NotUtf8 { .. } => ("22021", "invalid byte sequence for encoding \"UTF8\""),
            DecodeError::Truncated { .. } | DecodeError::NegativeLength { .. } => {
                ("08P01", "insufficient data left in message")
            }
            DecodeError::Unterminated { .. } => ("08P01", "invalid string in message"),
            _ => ("08P01", "invalid message format"),
        };
        Refusal::new(sqlstate, message)
    }

    /// The same for a Describe or Close: PostgreSQL names its subject by number where that is neither statement nor portal.
    pub(in crate::session) fn unreadable_subject(
        message: &str,
        frame: Frame<'_>,
        error: &DecodeError,
    ) -> Self {
        match (error, frame.body.first()) {
            (DecodeError::UndefinedValue { .. }, Some(kind)) => {
                Refusal::new("08P01", format!("invalid {message} message subtype {kind}"))
            }
            _ => Refusal::unreadable(error),
        }
    }

    /// What the client is told of a text that the server can read and the gateway cannot.
    pub(in crate::session) fn if_server_reads(self) -> Self {
        if self.sqlstate != SYNTAX_ERROR {
            return self;
        }
        let message =
            "the gateway does not know the syntax of this statement, so it was not judged";
        let mut refusal = Refusal::new("0A000", message)
            .with_hint("Write it with the syntax of PostgreSQL 18 or an earlier version.");
        refusal.detail = Some(self.message);
        refusal.position = self.position;
        refusal
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Puts this refusal's text into an error of the server, keeping what else the server said (file, line, routine).
    pub fn apply_to(&self, server: &ErrorFields) -> ErrorFields {
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
        self.apply_to(&ErrorFields::default())
    }
}

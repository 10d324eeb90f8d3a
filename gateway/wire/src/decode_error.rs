//! The error of the body decoders.

/// The body of a message is malformed. `message` is the protocol's name for the message.
///
/// The error text contains no data from the message, so it may be sent to the peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body ends before the last field.
    #[error("{message} is truncated")]
    Truncated { message: &'static str },
    /// Bytes follow the last field.
    #[error("{message} has trailing bytes")]
    Trailing { message: &'static str },
    /// A string has no terminating zero byte.
    #[error("{message} contains an unterminated string")]
    Unterminated { message: &'static str },
    /// A string that must be UTF-8, such as a statement name, is not.
    #[error("{message} contains a string that is not valid UTF-8")]
    NotUtf8 { message: &'static str },
    /// The length of a value is negative, but not -1 (NULL).
    #[error("{message} contains a value with a negative length")]
    NegativeLength { message: &'static str },
    /// A field has a value that the protocol does not define.
    #[error("{message} has an undefined value in its {field} field")]
    UndefinedValue {
        message: &'static str,
        field: &'static str,
    },
    /// This side of the connection does not send messages of this type.
    #[error("unknown message type {tag:#04x}")]
    UnknownTag { tag: u8 },
}

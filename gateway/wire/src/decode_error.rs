/// Why the body of a message could not be understood. `message` is the protocol's name for the message.
///
/// The text holds no byte of the message, so it may be shown to the peer that sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body ends before all fields were read.
    #[error("{message} message ends too early")]
    Truncated { message: &'static str },
    /// Bytes follow the last field.
    #[error("{message} message has bytes after its last field")]
    Trailing { message: &'static str },
    /// A string has no terminating zero byte.
    #[error("{message} message holds a string without terminator")]
    Unterminated { message: &'static str },
    /// A string is not UTF-8. The gateway speaks UTF-8 on both sides.
    #[error("{message} message holds text that is not UTF-8")]
    NotUtf8 { message: &'static str },
    /// The length of a value is negative and not the null marker -1.
    #[error("{message} message holds a value of negative length")]
    NegativeLength { message: &'static str },
    /// A field holds a value that the protocol does not define.
    #[error("{message} message holds an undefined value in its {field} field")]
    UndefinedValue {
        message: &'static str,
        field: &'static str,
    },
    /// The message type has no decoder on this side of the connection.
    #[error("message type {tag:#04x} is not known here")]
    UnknownTag { tag: u8 },
}

//! Message framing: a type byte (tag), an `Int32` length that includes itself, and the body.

/// The sender of a message. The same tag means different messages in the two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Frontend,
    Backend,
}

/// The first five bytes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub tag: u8,
    /// As on the wire: includes the length field (4 bytes) and the body, but not the tag.
    pub length: u32,
}

impl Header {
    /// Length of the complete message including the tag, in bytes.
    pub fn total(&self) -> usize {
        self.length as usize + 1
    }

    /// The frame with this header. `bytes` must be the complete message.
    pub fn frame<'a>(&self, bytes: &'a [u8]) -> Frame<'a> {
        Frame {
            tag: self.tag,
            body: bytes.get(HEADER_BYTES..).unwrap_or_default(),
            bytes,
        }
    }

    /// Length of the body in bytes.
    pub fn body(&self) -> usize {
        (self.length as usize).saturating_sub(4)
    }
}

/// Length of a header in bytes.
pub const HEADER_BYTES: usize = 5;

/// Framing is lost, so the connection must be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// PostgreSQL: "invalid frontend message type %d".
    #[error("invalid message type {tag}")]
    UnknownTag { tag: u8 },
    /// The length is less than the 4 bytes of the length field itself.
    #[error("invalid length {length} for message type {tag}")]
    LengthTooSmall { tag: u8, length: u32 },
    /// The message exceeds the protocol's or the configured limit for its type.
    #[error("the length {length} of message type {tag} exceeds the limit of {limit} bytes")]
    TooLong { tag: u8, length: u32, limit: usize },
}

/// PostgreSQL's `PQ_SMALL_MESSAGE_LIMIT`, for messages that contain only names and numbers.
pub const SMALL_MESSAGE_LIMIT: usize = 10_000;

/// PostgreSQL's `PG_MAX_AUTH_TOKEN_LENGTH`, for passwords and SASL messages.
pub const PASSWORD_MESSAGE_LIMIT: usize = 65_535;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Small,
    Password,
    Large,
}

const fn table(tags: &[(u8, Kind)]) -> [Kind; 256] {
    let mut table = [Kind::Unknown; 256];
    let mut index = 0;
    while index < tags.len() {
        table[tags[index].0 as usize] = tags[index].1;
        index += 1;
    }
    table
}

// The limits of SocketBackend in PostgreSQL's tcop/postgres.c.
static FRONTEND: [Kind; 256] = table(&[
    (b'B', Kind::Large),    // Bind
    (b'C', Kind::Small),    // Close
    (b'D', Kind::Small),    // Describe
    (b'E', Kind::Small),    // Execute
    (b'F', Kind::Large),    // FunctionCall
    (b'H', Kind::Small),    // Flush
    (b'P', Kind::Large),    // Parse
    (b'Q', Kind::Large),    // Query
    (b'S', Kind::Small),    // Sync
    (b'X', Kind::Small),    // Terminate
    (b'c', Kind::Small),    // CopyDone
    (b'd', Kind::Large),    // CopyData
    (b'f', Kind::Small),    // CopyFail
    (b'p', Kind::Password), // PasswordMessage, SASLInitialResponse, SASLResponse, GSSResponse
]);

static BACKEND: [Kind; 256] = table(&[
    (b'1', Kind::Large), // ParseComplete
    (b'2', Kind::Large), // BindComplete
    (b'3', Kind::Large), // CloseComplete
    (b'A', Kind::Large), // NotificationResponse
    (b'C', Kind::Large), // CommandComplete
    (b'D', Kind::Large), // DataRow
    (b'E', Kind::Large), // ErrorResponse
    (b'G', Kind::Large), // CopyInResponse
    (b'H', Kind::Large), // CopyOutResponse
    (b'I', Kind::Large), // EmptyQueryResponse
    (b'K', Kind::Large), // BackendKeyData
    (b'N', Kind::Large), // NoticeResponse
    (b'R', Kind::Large), // Authentication*
    (b'S', Kind::Large), // ParameterStatus
    (b'T', Kind::Large), // RowDescription
    (b'V', Kind::Large), // FunctionCallResponse
    (b'W', Kind::Large), // CopyBothResponse
    (b'Z', Kind::Large), // ReadyForQuery
    (b'c', Kind::Large), // CopyDone
    (b'd', Kind::Large), // CopyData
    (b'n', Kind::Large), // NoData
    (b's', Kind::Large), // PortalSuspended
    (b't', Kind::Large), // ParameterDescription
    (b'v', Kind::Large), // NegotiateProtocolVersion
]);

/// Decodes the header at the start of `buf`. The body need not have arrived.
///
/// `max` limits the length field; for small message types PostgreSQL's lower limits also apply.
///
/// Returns `None` if the header is incomplete and valid so far.
pub fn next_header(buf: &[u8], side: Side, max: usize) -> Result<Option<Header>, FrameError> {
    let Some(&tag) = buf.first() else {
        return Ok(None);
    };
    let table = match side {
        Side::Frontend => &FRONTEND,
        Side::Backend => &BACKEND,
    };
    let limit = match table[usize::from(tag)] {
        Kind::Unknown => return Err(FrameError::UnknownTag { tag }),
        Kind::Small => SMALL_MESSAGE_LIMIT.min(max),
        Kind::Password => PASSWORD_MESSAGE_LIMIT.min(max),
        Kind::Large => max,
    };
    let Some(bytes) = buf
        .get(1..HEADER_BYTES)
        .and_then(|bytes| bytes.try_into().ok())
    else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(bytes);
    if length < 4 {
        return Err(FrameError::LengthTooSmall { tag, length });
    }
    // The length is a signed Int32 on the wire.
    if length as usize > limit || length > i32::MAX as u32 {
        return Err(FrameError::TooLong { tag, length, limit });
    }
    Ok(Some(Header { tag, length }))
}

/// One complete message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub tag: u8,
    pub body: &'a [u8],
    /// Tag, length and body, as received.
    pub bytes: &'a [u8],
}

/// The message at the start of `buf`, or `None` if it is incomplete. Fails as [`next_header`] does.
pub fn next_frame(buf: &[u8], side: Side, max: usize) -> Result<Option<Frame<'_>>, FrameError> {
    let Some(header) = next_header(buf, side, max)? else {
        return Ok(None);
    };
    let Some(bytes) = buf.get(..header.total()) else {
        return Ok(None);
    };
    Ok(Some(header.frame(bytes)))
}

/// A run of complete messages that can be forwarded in one copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Run {
    pub bytes: usize,
    pub frames: u64,
}

/// Measures the run of complete messages at the start of `buf` whose tags `accept` accepts. The run ends before the
/// first message that is not accepted, incomplete or malformed; [`next_header`] reports which.
pub fn scan_run(buf: &[u8], side: Side, accept: impl Fn(u8) -> bool) -> Run {
    let mut run = Run::default();
    while let Some(rest) = buf.get(run.bytes..) {
        match next_header(rest, side, usize::MAX) {
            Ok(Some(header)) if header.total() <= rest.len() && accept(header.tag) => {
                run.bytes += header.total();
                run.frames += 1;
            }
            _ => break,
        }
    }
    run
}

//! The untagged packets at the start of a connection: StartupMessage, SSLRequest, GSSENCRequest and CancelRequest.

use bytes::{BufMut, BytesMut};

use crate::body::Body;
use crate::build::{self, BuildError};
use crate::{DecodeError, frame};

/// PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`: maximum number of bytes after the length field.
pub const MAX_PACKET_BODY: usize = 10_000;

const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// The supported protocol major version.
pub const MAJOR: u16 = 3;
/// The newest supported protocol minor version.
pub const NEWEST_MINOR: u16 = 2;

/// A start-up packet. It is the first packet of a connection, or follows a declined encryption request or TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    Startup(StartupMessage),
    SslRequest,
    GssEncRequest,
    Cancel(CancelRequest),
}

/// A start-up packet is malformed or not supported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    /// PostgreSQL: "invalid length of startup packet".
    #[error("invalid length of startup packet")]
    Length { length: u32 },
    /// The major version is not 3.
    #[error("unsupported frontend protocol {major}.{minor}: gateway supports 3.0 to 3.2")]
    UnsupportedProtocol { major: u16, minor: u16 },
    /// PostgreSQL: "invalid startup packet layout".
    #[error("invalid startup packet: {0}")]
    Layout(#[from] DecodeError),
    /// The key of a CancelRequest is not 4 to 256 bytes long.
    #[error("invalid length of cancel key")]
    KeyLength,
}

impl Packet {
    /// Decodes the packet at the start of `buf` and returns it with its length in bytes. `None` if it is incomplete.
    ///
    /// An invalid length is reported as soon as the length field has arrived.
    pub fn decode(buf: &[u8]) -> Result<Option<(Self, usize)>, StartupError> {
        let Some((length, rest)) = buf.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length);
        let body_length = (length as usize).saturating_sub(4);
        if !(4..=MAX_PACKET_BODY).contains(&body_length) {
            return Err(StartupError::Length { length });
        }
        let Some(body) = rest.get(..body_length) else {
            return Ok(None);
        };
        let packet = Self::decode_body(body, length)?;
        Ok(Some((packet, body_length + 4)))
    }

    fn decode_body(body: &[u8], length: u32) -> Result<Self, StartupError> {
        let mut body = Body::new("StartupMessage", body);
        match body.u32()? {
            SSL_REQUEST | GSSENC_REQUEST if !body.is_empty() => {
                Err(StartupError::Length { length })
            }
            SSL_REQUEST => Ok(Self::SslRequest),
            GSSENC_REQUEST => Ok(Self::GssEncRequest),
            CANCEL_REQUEST => {
                let pid = body.i32()?;
                let key = body.take_rest();
                if !CANCEL_KEY_BYTES.contains(&key.len()) {
                    return Err(StartupError::KeyLength);
                }
                Ok(Self::Cancel(CancelRequest {
                    pid,
                    key: key.to_vec(),
                }))
            }
            version => {
                let (major, minor) = ((version >> 16) as u16, version as u16);
                if major != MAJOR {
                    return Err(StartupError::UnsupportedProtocol { major, minor });
                }
                StartupMessage::decode_parameters(minor, body).map(Self::Startup)
            }
        }
    }
}

/// Length of a cancel key in bytes. Protocol 3.0 requires 4; protocol 3.2 allows the whole range.
pub const CANCEL_KEY_BYTES: std::ops::RangeInclusive<usize> = 4..=256;

/// CancelRequest: cancels the statement that another connection is running.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelRequest {
    pub pid: i32,
    pub key: Vec<u8>,
}

// Omits the secret key.
impl std::fmt::Debug for CancelRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CancelRequest")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl CancelRequest {
    pub fn encode(&self, out: &mut BytesMut) {
        out.put_u32(12 + self.key.len() as u32);
        out.put_u32(CANCEL_REQUEST);
        out.put_i32(self.pid);
        out.put_slice(&self.key);
    }
}

/// StartupMessage: opens a session.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StartupMessage {
    /// The requested major and minor version.
    pub protocol: (u16, u16),
    /// The parameters in the order sent, without `_pq_.` options. As in PostgreSQL, the last value of a repeated name
    /// takes effect.
    pub parameters: Vec<(String, String)>,
    /// `_pq_.` options, which request protocol extensions. Versions 3.0 to 3.2 define none.
    pub protocol_options: Vec<(String, String)>,
}

impl StartupMessage {
    fn decode_parameters(minor: u16, mut body: Body<'_>) -> Result<Self, StartupError> {
        let mut message = Self {
            protocol: (MAJOR, minor),
            ..Self::default()
        };
        loop {
            let name = body.cstr()?;
            if name.is_empty() {
                break;
            }
            let value = body.cstr()?;
            let list = match name.starts_with("_pq_.") {
                true => &mut message.protocol_options,
                false => &mut message.parameters,
            };
            match list.iter_mut().find(|(present, _)| present == name) {
                Some((_, old)) => value.clone_into(old),
                None => list.push((name.to_owned(), value.to_owned())),
            }
        }
        body.end()?;
        Ok(message)
    }

    /// The value of a start-up parameter: `user`, `database`, `options` or `replication`. Names are case-sensitive.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .rev()
            .find(|(present, _)| present == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a run-time parameter, such as `client_encoding`. Names are case-insensitive.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .iter()
            .rev()
            .find(|(present, _)| present.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Selects the protocol version of the connection.
    pub fn negotiate(&self) -> Negotiated {
        let version = (MAJOR, self.protocol.1.min(NEWEST_MINOR));
        let unsupported: Vec<String> = self
            .protocol_options
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        let announce = version != self.protocol || !unsupported.is_empty();
        Negotiated {
            version,
            unsupported,
            announce,
        }
    }

    /// Appends the packet. Fails without appending anything if a name is empty, a string contains a zero byte, or the
    /// packet exceeds [`MAX_PACKET_BODY`].
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), BuildError> {
        let start = out.len();
        out.put_u32(0);
        out.put_u16(self.protocol.0);
        out.put_u16(self.protocol.1);
        for (name, value) in self.parameters.iter().chain(&self.protocol_options) {
            // An empty name would terminate the list.
            if name.is_empty() || name.as_bytes().contains(&0) || value.as_bytes().contains(&0) {
                out.truncate(start);
                return Err(BuildError::ZeroByte {
                    message: "StartupMessage",
                });
            }
            for text in [name, value] {
                out.put_slice(text.as_bytes());
                out.put_u8(0);
            }
        }
        out.put_u8(0);
        let length = out.len() - start;
        match out.get_mut(start..start + 4) {
            Some(field) if length <= MAX_PACKET_BODY + 4 => {
                field.copy_from_slice(&(length as u32).to_be_bytes());
                Ok(())
            }
            _ => {
                out.truncate(start);
                Err(BuildError::TooLong)
            }
        }
    }
}

/// The result of [`StartupMessage::negotiate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    pub version: (u16, u16),
    /// The `_pq_.` options that the gateway does not recognize.
    pub unsupported: Vec<String>,
    /// The client requested something else and must receive NegotiateProtocolVersion before authentication.
    pub announce: bool,
}

impl Negotiated {
    /// Length of the cancel key for this protocol version, in bytes.
    pub fn cancel_key_bytes(&self) -> usize {
        if self.version >= (3, 2) { 32 } else { 4 }
    }

    /// Appends NegotiateProtocolVersion if `announce` is set.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), BuildError> {
        match self.announce {
            true => build::negotiate_protocol_version(out, self.version, &self.unsupported),
            false => Ok(()),
        }
    }
}

/// Appends an SSLRequest.
pub fn ssl_request(out: &mut BytesMut) {
    out.put_u32(8);
    out.put_u32(SSL_REQUEST);
}

/// The first byte of a TLS record that carries a ClientHello (RFC 8446, section 5.1). No start-up packet begins with
/// it: its length would exceed [`MAX_PACKET_BODY`].
pub const TLS_HANDSHAKE_RECORD: u8 = 0x16;

const _: () =
    assert!((TLS_HANDSHAKE_RECORD as usize) << 24 > MAX_PACKET_BODY + frame::HEADER_BYTES);

//! The untagged packets that open a connection: StartupMessage, SSLRequest, GSSENCRequest and CancelRequest.

use bytes::{BufMut, BytesMut};

use crate::body::Body;
use crate::build::{self, BuildError};
use crate::{DecodeError, frame};

/// PostgreSQL's `MAX_STARTUP_PACKET_LENGTH`: bytes after the length field.
pub const MAX_PACKET_BODY: usize = 10_000;

const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

/// The protocol major version that the gateway speaks.
pub const MAJOR: u16 = 3;
/// The newest minor version that the gateway speaks.
pub const NEWEST_MINOR: u16 = 2;

/// The first packet of a connection, or the one after a refused encryption request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet {
    Startup(StartupMessage),
    SslRequest,
    GssEncRequest,
    Cancel(CancelRequest),
}

/// Why an opening packet was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartupError {
    /// PostgreSQL: "invalid length of startup packet".
    #[error("invalid length of startup packet")]
    Length { length: u32 },
    /// The major version is not 3.
    #[error("unsupported frontend protocol {major}.{minor}: the gateway supports 3.0 to 3.2")]
    UnsupportedProtocol { major: u16, minor: u16 },
    /// PostgreSQL: "invalid startup packet layout".
    #[error("invalid startup packet: {0}")]
    Layout(#[from] DecodeError),
    /// A cancel request whose key is shorter than 4 or longer than 256 bytes.
    #[error("invalid length of cancel key")]
    KeyLength,
}

impl Packet {
    /// Reads the packet at the start of `buf` and the bytes it takes. `None`: more bytes are needed.
    ///
    /// A wrong length is an error as soon as the length field is there.
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

/// Bytes of a cancel key (protocol 3.2; protocol 3.0 has 4).
pub const CANCEL_KEY_BYTES: std::ops::RangeInclusive<usize> = 4..=256;

/// A request to cancel what another connection is doing.
#[derive(Clone, PartialEq, Eq)]
pub struct CancelRequest {
    pub pid: i32,
    pub key: Vec<u8>,
}

// The key is a secret.
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

/// Who the client is and what it wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StartupMessage {
    /// Major and minor version asked for.
    pub protocol: (u16, u16),
    /// All but the `_pq_.` options, in the order sent. Where a name was sent twice the later value stands, as in PostgreSQL.
    pub parameters: Vec<(String, String)>,
    /// `_pq_.` options: extensions of the protocol. None is defined for 3.0 to 3.2.
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

    /// The value of a parameter of the packet itself (`user`, `database`, `options`, `replication`).
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .rev()
            .find(|(present, _)| present == name)
            .map(|(_, value)| value.as_str())
    }

    /// The value of a server setting, whose names know no case.
    pub fn setting(&self, name: &str) -> Option<&str> {
        let found = self
            .parameters
            .iter()
            .rev()
            .find(|(present, _)| present.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The version the connection goes on with, and whether the client has to be told (NegotiateProtocolVersion).
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

    /// Appends the packet.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), BuildError> {
        let start = out.len();
        out.put_u32(0);
        out.put_u16(self.protocol.0);
        out.put_u16(self.protocol.1);
        for (name, value) in self.parameters.iter().chain(&self.protocol_options) {
            // An empty name would end the list.
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

/// The outcome of [`StartupMessage::negotiate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    pub version: (u16, u16),
    pub unsupported: Vec<String>,
    /// The client asked for something else, so it must be told before it is authenticated.
    pub announce: bool,
}

impl Negotiated {
    /// Bytes of the cancel key that a client of this version takes.
    pub fn cancel_key_bytes(&self) -> usize {
        if self.version >= (3, 2) { 32 } else { 4 }
    }

    /// Appends NegotiateProtocolVersion if the client has to be told.
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

/// The first byte of a TLS record that carries a ClientHello (RFC 8446, 5.1): no packet of PostgreSQL starts with it,
/// as it would be longer than [`MAX_PACKET_BODY`].
pub const TLS_HANDSHAKE_RECORD: u8 = 0x16;

const _: () =
    assert!((TLS_HANDSHAKE_RECORD as usize) << 24 > MAX_PACKET_BODY + frame::HEADER_BYTES);

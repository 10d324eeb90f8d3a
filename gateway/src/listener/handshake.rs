//! Reads a new connection up to its startup packet or cancel request.

use bytes::{Buf, BytesMut};
use gatewright_wire::startup::{Packet, StartupMessage, TLS_HANDSHAKE_RECORD};
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::{Accepted, ClientStream, Handshake, HandshakeError, HandshakeSettings, refuse};

/// Reads a new connection up to and including its startup packet.
///
/// Also negotiates the protocol version: a client that requests a newer minor version or unknown `_pq_.` options
/// receives NegotiateProtocolVersion.
///
/// # Errors
/// See [`HandshakeError`]. The client has then received the error, if possible, and the connection is closed.
pub async fn handshake(
    stream: TcpStream,
    settings: &HandshakeSettings,
) -> Result<Handshake, HandshakeError> {
    let address = stream.peer_addr()?;
    let ip = address.ip().to_canonical();
    prepare(&stream)?;
    let mut entry = Entry {
        stream: Some(ClientStream::Plain(stream)),
        buffer: BytesMut::new(),
    };
    let outcome = match tokio::time::timeout(settings.handshake_timeout, entry.run(settings)).await
    {
        Ok(outcome) => outcome,
        Err(_) => Err(HandshakeError::StartupTimeout(settings.handshake_timeout)),
    };
    match (outcome, entry.stream) {
        (Ok(Opening::Startup(startup)), Some(stream)) => {
            Ok(Handshake::Session(Box::new(Accepted {
                secure: matches!(stream, ClientStream::Tls(_)),
                stream,
                startup,
                loopback: ip.is_loopback(),
                address: ip,
                peer: ip.to_string(),
                leftover: entry.buffer,
            })))
        }
        (Ok(Opening::Cancel(request)), _) => Ok(Handshake::Cancel(request)),
        (Ok(_), _) => Ok(Handshake::Gone),
        (Err(error), stream) => {
            if let (Some(stream), Some(refusal)) = (stream, error.fatal_error()) {
                refuse(stream, &refusal).await;
            }
            Err(error)
        }
    }
}

/// Disables Nagle's algorithm, and enables keepalive to detect peers that have disappeared.
fn prepare(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(std::time::Duration::from_secs(60));
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

enum Opening {
    Startup(StartupMessage),
    Cancel(super::CancelRequest),
    Gone,
}

/// A connection during start-up.
struct Entry {
    /// `None` only during the TLS handshake, and after it has failed.
    stream: Option<ClientStream>,
    buffer: BytesMut,
}

impl Entry {
    async fn run(&mut self, settings: &HandshakeSettings) -> Result<Opening, HandshakeError> {
        if self.starts_with_tls().await? {
            self.begin_direct_tls(settings).await?;
        }
        let (mut ssl_requested, mut gss_requested) = (false, false);
        loop {
            let Some(packet) = self.packet().await? else {
                return Ok(Opening::Gone);
            };
            match packet {
                Packet::Startup(startup) => return self.start(startup).await.map(Opening::Startup),
                Packet::Cancel(request) => return Ok(Opening::Cancel(request)),
                Packet::SslRequest => {
                    self.check_request("SSLRequest", &mut ssl_requested)?;
                    self.answer_ssl_request(settings).await?;
                }
                Packet::GssEncRequest => {
                    self.check_request("GSSENCRequest", &mut gss_requested)?;
                    self.write(b"N").await?;
                }
            }
        }
    }

    /// Peeks at the first byte; rustls must read the record from its start.
    async fn starts_with_tls(&self) -> Result<bool, HandshakeError> {
        let Some(ClientStream::Plain(stream)) = &self.stream else {
            return Ok(false);
        };
        let mut first = [0];
        let count = stream.peek(&mut first).await?;
        Ok(count == 1 && first == [TLS_HANDSHAKE_RECORD])
    }

    async fn begin_direct_tls(
        &mut self,
        settings: &HandshakeSettings,
    ) -> Result<(), HandshakeError> {
        if settings.tls.is_none() {
            return Err(HandshakeError::TlsNotOffered);
        }
        self.begin_tls(settings).await?;
        match &self.stream {
            Some(ClientStream::Tls(stream))
                if stream.get_ref().1.alpn_protocol() == Some(super::tls::ALPN) =>
            {
                Ok(())
            }
            _ => Err(HandshakeError::NoAlpn),
        }
    }

    fn check_request(&self, request: &'static str, seen: &mut bool) -> Result<(), HandshakeError> {
        if matches!(self.stream, Some(ClientStream::Tls(_))) {
            return Err(HandshakeError::RequestInsideTls);
        }
        if std::mem::replace(seen, true) {
            return Err(HandshakeError::RepeatedRequest { request });
        }
        match self.buffer.is_empty() {
            true => Ok(()),
            false => Err(HandshakeError::BufferedBytes { request }),
        }
    }

    async fn answer_ssl_request(
        &mut self,
        settings: &HandshakeSettings,
    ) -> Result<(), HandshakeError> {
        if settings.tls.is_none() {
            return self.write(b"N").await;
        }
        self.write(b"S").await?;
        self.begin_tls(settings).await
    }

    async fn begin_tls(&mut self, settings: &HandshakeSettings) -> Result<(), HandshakeError> {
        let (Some(config), Some(ClientStream::Plain(stream))) = (&settings.tls, self.stream.take())
        else {
            return Err(HandshakeError::TlsNotOffered);
        };
        let accepted = TlsAcceptor::from(config.clone())
            .accept(stream)
            .await
            .map_err(HandshakeError::Tls)?;
        self.stream = Some(ClientStream::Tls(Box::new(accepted)));
        Ok(())
    }

    /// The next start-up packet, or `None` if the client closed the connection and no bytes are buffered.
    async fn packet(&mut self) -> Result<Option<Packet>, HandshakeError> {
        loop {
            if let Some((packet, used)) = Packet::decode(&self.buffer)? {
                self.buffer.advance(used);
                return Ok(Some(packet));
            }
            let stream = self.stream.as_mut().ok_or(HandshakeError::Closed)?;
            self.buffer.reserve(READ_BYTES);
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() {
                    Ok(None)
                } else {
                    Err(HandshakeError::Closed)
                };
            }
        }
    }

    async fn start(
        &mut self,
        mut startup: StartupMessage,
    ) -> Result<StartupMessage, HandshakeError> {
        if startup.parameter("user").unwrap_or_default().is_empty() {
            return Err(HandshakeError::NoUser);
        }
        let negotiated = startup.negotiate();
        let mut answer = BytesMut::new();
        // Encoding cannot fail: the names come from a packet of at most 10,000 bytes.
        if negotiated.encode(&mut answer).is_ok() && !answer.is_empty() {
            self.write(&answer).await?;
        }
        startup.protocol = negotiated.version;
        Ok(startup)
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), HandshakeError> {
        let stream = self.stream.as_mut().ok_or(HandshakeError::Closed)?;
        stream.write_all(bytes).await?;
        stream.flush().await?;
        Ok(())
    }
}

const READ_BYTES: usize = 1024;

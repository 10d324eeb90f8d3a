//! Sends events as syslog messages (RFC 5424).

use std::fs;
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{Head, SinkError};
use crate::streams::ocsf::{self, Severity};
use crate::streams::settings::SyslogTarget;
use crate::upstream::{ClientTls, TlsMode, TlsSetupError};

/// "log audit" (RFC 5424, section 6.2.1).
const FACILITY: u8 = 13;

/// What UDP can carry over IPv4.
const LONGEST_DATAGRAM: usize = 65_507;

/// What connecting or sending may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A receiver, and the connection to it while there is one.
pub(in crate::streams) struct Syslog {
    target: Target,
    host: String,
    connection: Option<Connection>,
}

enum Target {
    Udp(String),
    Tcp(String),
    Tls(String, Option<Arc<ClientConfig>>),
    Unix(PathBuf),
}

enum Connection {
    Udp(UdpSocket),
    Unix(UnixDatagram),
    Stream(Box<dyn Stream>),
}

/// What octets are sent on.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

impl Syslog {
    pub fn new(target: &SyslogTarget) -> Result<Self, TlsSetupError> {
        let target = match target {
            SyslogTarget::Udp(address) => Target::Udp(address.clone()),
            SyslogTarget::Tcp(address) => Target::Tcp(address.clone()),
            SyslogTarget::Unix(path) => Target::Unix(path.clone()),
            SyslogTarget::Tls { address, roots } => {
                let tls = ClientTls::new(TlsMode::VerifyFull, roots, None)?;
                let config = tls.rustls_config().map(|config| {
                    let mut config = (**config).clone();
                    // It speaks another protocol there.
                    config.alpn_protocols = Vec::new();
                    Arc::new(config)
                });
                Target::Tls(address.clone(), config)
            }
        };
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Ok(Syslog {
            target,
            host: token(host.trim(), 255),
            connection: None,
        })
    }

    /// Sends events. That they were received, only the next attempt can tell: syslog has no answers.
    pub async fn send(&mut self, events: &[&str]) -> Result<(), SinkError> {
        let messages = events.iter().map(|event| self.message(event));
        let messages = messages.collect::<Result<Vec<_>, _>>()?;
        let sent = timeout(TIMEOUT, self.send_all(&messages)).await;
        let sent = sent.unwrap_or(Err(SinkError::Late));
        if sent.is_err() {
            self.connection = None;
        }
        sent
    }

    async fn send_all(&mut self, messages: &[Vec<u8>]) -> Result<(), SinkError> {
        let mut connection = match self.connection.take() {
            Some(mut connection) => match connection.is_open().await {
                true => connection,
                false => self.connect().await?,
            },
            None => self.connect().await?,
        };
        match &mut connection {
            Connection::Udp(socket) => {
                for message in messages {
                    socket.send(message).await?;
                }
            }
            Connection::Unix(socket) => {
                for message in messages {
                    socket.send(message).await?;
                }
            }
            Connection::Stream(stream) => {
                for message in messages {
                    stream
                        .write_all(format!("{} ", message.len()).as_bytes())
                        .await?;
                    stream.write_all(message).await?;
                }
                stream.flush().await?;
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    async fn connect(&self) -> Result<Connection, SinkError> {
        Ok(match &self.target {
            Target::Udp(address) => {
                let found = tokio::net::lookup_host(address).await?.next();
                let found = found.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
                let any = match found.is_ipv4() {
                    true => "0.0.0.0:0",
                    false => "[::]:0",
                };
                let socket = UdpSocket::bind(any).await?;
                socket.connect(found).await?;
                Connection::Udp(socket)
            }
            Target::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                Connection::Unix(socket)
            }
            Target::Tcp(address) => {
                Connection::Stream(Box::new(TcpStream::connect(address).await?))
            }
            Target::Tls(address, config) => {
                let host = address
                    .rsplit_once(':')
                    .map_or(address.as_str(), |(host, _)| host);
                let name = host.trim_matches(['[', ']']).to_owned();
                let name = ServerName::try_from(name);
                let name = name.map_err(|error| SinkError::Tls(error.to_string()))?;
                let stream = TcpStream::connect(address).await?;
                let config = config.as_ref();
                let config = config.ok_or_else(|| SinkError::Tls("it is off".to_owned()))?;
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name, stream).await;
                let stream = stream.map_err(|error| SinkError::Tls(error.to_string()))?;
                Connection::Stream(Box::new(stream))
            }
        })
    }

    /// Of one that is too long for a datagram, a shorter one.
    fn message(&self, event: &str) -> Result<Vec<u8>, SinkError> {
        let message = self.encoded(event)?;
        let is_datagram = match self.target {
            Target::Udp(_) | Target::Unix(_) => true,
            Target::Tcp(_) | Target::Tls(..) => false,
        };
        match is_datagram && message.len() > LONGEST_DATAGRAM {
            true => self.encoded(&ocsf::cut(event).ok_or(SinkError::NoEvent)?),
            false => Ok(message),
        }
    }

    fn encoded(&self, event: &str) -> Result<Vec<u8>, SinkError> {
        let head = Head::of(event)?;
        let severity: u8 = match head.severity_id {
            Severity::Informational => 6,
            Severity::Low => 5,
            Severity::Medium => 4,
        };
        let time = i64::try_from(head.time)
            .ok()
            .and_then(|time| Timestamp::from_millisecond(time).ok());
        let time = time.map_or_else(|| "-".to_owned(), |time| format!("{time:.3}"));
        let (priority, host, process) = (FACILITY * 8 + severity, &self.host, std::process::id());
        let message =
            format!("<{priority}>1 {time} {host} gatewright {process} statement - {event}");
        Ok(message.into_bytes())
    }
}

impl Connection {
    /// False if the receiver has closed it: what is sent then is lost without an error.
    async fn is_open(&mut self) -> bool {
        let Connection::Stream(stream) = self else {
            return true;
        };
        let mut byte = [0];
        let mut buffer = ReadBuf::new(&mut byte);
        poll_fn(|context| {
            let read = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            // Nothing is ever answered: what can be read is the end.
            Poll::Ready(read.is_pending())
        })
        .await
    }
}

/// Printable ASCII, or `-` where nothing is left.
fn token(text: &str, most: usize) -> String {
    let kept: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(most)
        .collect();
    match kept.is_empty() {
        true => "-".to_owned(),
        false => kept,
    }
}

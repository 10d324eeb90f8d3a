//! Where events go.

use std::path::PathBuf;

use openidconnect::url::Url;
use secrecy::SecretString;

use crate::upstream::Roots;

/// All streams.
#[derive(Debug, Clone)]
pub struct StreamsSettings {
    /// Where events wait until they are delivered.
    pub directory: PathBuf,
    /// So many bytes of events may wait.
    pub limit: u64,
    pub texts: Texts,
    pub streams: Vec<StreamSettings>,
}

/// What events have of the texts of statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Texts {
    /// What the record has of them.
    #[default]
    Recorded,
    None,
}

/// One stream.
#[derive(Debug, Clone)]
pub struct StreamSettings {
    pub name: String,
    pub to: Destination,
}

#[derive(Debug, Clone)]
pub enum Destination {
    /// Lines are appended.
    File(PathBuf),
    Stdout,
    Syslog(SyslogTarget),
    Otlp(OtlpTarget),
}

/// A syslog receiver (RFC 5424).
#[derive(Debug, Clone)]
pub enum SyslogTarget {
    /// A datagram for each event (RFC 5426).
    Udp(String),
    /// Octets are counted (RFC 6587, section 3.4.1).
    Tcp(String),
    /// The same over TLS (RFC 5425).
    Tls { address: String, roots: Roots },
    /// A socket for datagrams, such as /dev/log.
    Unix(PathBuf),
}

/// A collector that takes logs by OTLP over HTTP.
#[derive(Debug, Clone)]
pub struct OtlpTarget {
    pub url: Url,
    /// Who sends.
    pub token: Option<SecretString>,
    /// The CAs to trust in place of the system's.
    pub ca_pem: Option<Vec<u8>>,
}

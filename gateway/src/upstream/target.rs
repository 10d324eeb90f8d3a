//! The target of a server connection.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{ClientTls, Credential};

/// A database on a server, and how the gateway logs in.
#[derive(Debug, Clone)]
pub struct Target {
    /// Tried in order. A host that begins with `/` is the directory of a Unix socket.
    pub hosts: Vec<(String, u16)>,
    pub dbname: String,
    /// The role that the gateway logs in with.
    pub user: String,
    pub password: Credential,
    /// The password is a bearer token. It is sent only in cleartext or with OAUTHBEARER, over a secure connection.
    pub bearer: bool,
    pub tls: ClientTls,
    /// Which of the hosts are acceptable.
    pub session_attributes: SessionAttributes,
    /// Time limit per address, from connecting until the server is ready.
    pub connect_timeout: Duration,
}

impl Target {
    /// A target without a password, with `sslmode=prefer`, `target_session_attrs=any` and a connect timeout of 10 s.
    pub fn new(
        hosts: Vec<(String, u16)>,
        dbname: impl Into<String>,
        user: impl Into<String>,
    ) -> Self {
        Self {
            hosts,
            dbname: dbname.into(),
            user: user.into(),
            password: Credential::None,
            bearer: false,
            tls: ClientTls::default(),
            session_attributes: SessionAttributes::Any,
            connect_timeout: Duration::from_secs(10),
        }
    }

    /// Identifies the database independently of the role: `host:port[,host:port]/dbname`.
    pub fn address_and_database(&self) -> String {
        let hosts: Vec<String> = self
            .hosts
            .iter()
            .map(|(host, port)| format!("{host}:{port}"))
            .collect();
        format!("{}/{}", hosts.join(","), self.dbname)
    }
}

/// libpq's `target_session_attrs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SessionAttributes {
    #[default]
    Any,
    /// Sessions accept writes by default.
    ReadWrite,
    /// Sessions do not accept writes by default.
    ReadOnly,
    /// The server is not in hot standby mode.
    Primary,
    /// The server is in hot standby mode.
    Standby,
    /// A standby, or any server if none of the hosts is a standby.
    PreferStandby,
}

/// The address of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    Tcp {
        /// The configured host, against which the server's certificate is verified.
        host: String,
        address: SocketAddr,
    },
    Unix(PathBuf),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp { host, address } => write!(f, "{host} ({address})"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{ClientTls, Credential};

/// A database on a server, and how the gateway logs in there.
#[derive(Debug, Clone)]
pub struct Target {
    /// Tried in order. A host that begins with `/` is the directory of a unix socket.
    pub hosts: Vec<(String, u16)>,
    pub dbname: String,
    /// The role that the gateway logs in as.
    pub user: String,
    pub password: Credential,
    /// The password is a bearer token: it is given in clear text or by OAUTHBEARER, inside TLS, and never hashed.
    pub bearer: bool,
    pub tls: ClientTls,
    /// What kind of server will do, where several hosts are given.
    pub session_attributes: SessionAttributes,
    /// For each address: from the first packet to the server's readiness.
    pub connect_timeout: Duration,
}

impl Target {
    /// A target with libpq's defaults: TLS if the server offers it, any kind of server, 10 s.
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

    /// Names the database among all databases of all servers, whoever logs in: `host:port[,host:port]/dbname`.
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
    /// Sessions may write.
    ReadWrite,
    /// Sessions may not write.
    ReadOnly,
    /// Not in recovery.
    Primary,
    /// In recovery.
    Standby,
    /// A standby if any host is one, otherwise any.
    PreferStandby,
}

/// One address that a connection can be made to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    Tcp {
        /// As configured: the name that a certificate must bear.
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

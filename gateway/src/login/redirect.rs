//! Redirect URIs.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use openidconnect::url::{Host, Url};
use thiserror::Error;

/// A loopback redirect URI, which this program serves (RFC 8252, section 7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// As registered: `127.0.0.1`, `[::1]` or `localhost`.
    host: String,
    /// 0 selects any free port.
    port: u16,
    path: String,
}

/// The redirect URI is not a loopback URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a redirect URI must be http:// with the host 127.0.0.1, [::1] or localhost, an optional port and a path, such as http://127.0.0.1/callback"
)]
pub struct RedirectError;

impl Redirect {
    /// The address to listen on. For `localhost` this is the IPv4 address; browsers try both.
    pub(super) fn address(&self) -> SocketAddr {
        match self.host.as_str() {
            "[::1]" => (Ipv6Addr::LOCALHOST, self.port).into(),
            _ => (Ipv4Addr::LOCALHOST, self.port).into(),
        }
    }

    /// The URI with the actual port.
    pub(super) fn uri(&self, port: u16) -> String {
        format!("http://{}:{port}{}", self.host, self.path)
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Default for Redirect {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 0,
            path: "/callback".to_owned(),
        }
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            0 => write!(f, "http://{}{}", self.host, self.path),
            port => write!(f, "http://{}:{port}{}", self.host, self.path),
        }
    }
}

impl FromStr for Redirect {
    type Err = RedirectError;

    fn from_str(text: &str) -> Result<Self, RedirectError> {
        let url = Url::parse(text).map_err(|_| RedirectError)?;
        let host = match url.host() {
            Some(Host::Ipv4(Ipv4Addr::LOCALHOST)) => "127.0.0.1",
            Some(Host::Ipv6(Ipv6Addr::LOCALHOST)) => "[::1]",
            Some(Host::Domain("localhost")) => "localhost",
            _ => return Err(RedirectError),
        };
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        match url.scheme() == "http" && bare {
            true => Ok(Self {
                host: host.to_owned(),
                port: url.port().unwrap_or(0),
                path: url.path().to_owned(),
            }),
            false => Err(RedirectError),
        }
    }
}

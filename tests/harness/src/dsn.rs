//! The subset of connection strings that the harness writes and parses itself.

use std::fmt;

use anyhow::{Context, Result};

/// The parts of a PostgreSQL URL over TCP.
#[derive(Clone, PartialEq, Eq)]
pub struct Dsn {
    pub user: String,
    pub password: String,
    pub host: String,
    pub port: u16,
    pub database: String,
    /// The part after `?`, without it; empty if absent.
    pub options: String,
}

impl Dsn {
    /// Parses `postgres://user[:password]@host:port[/database][?options]`. Percent escapes are kept.
    pub fn parse(url: &str) -> Result<Self> {
        let rest = url
            .strip_prefix("postgres://")
            .or_else(|| url.strip_prefix("postgresql://"))
            .context("a PostgreSQL URL must start with postgres://")?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, address) = authority
            .rsplit_once('@')
            .context("the URL names no user (user@host:port)")?;
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let (host, port) = address.rsplit_once(':').context("the URL names no port")?;
        Ok(Self {
            user: user.to_owned(),
            password: password.to_owned(),
            host: host.to_owned(),
            port: port
                .parse()
                .with_context(|| format!("'{port}' is not a port"))?,
            database: database.to_owned(),
            options: options.to_owned(),
        })
    }

    /// The same server and credentials with another database.
    pub fn with_database(&self, database: &str) -> Self {
        Self {
            database: database.to_owned(),
            ..self.clone()
        }
    }

    /// The same server and database with another user and password.
    pub fn with_login(&self, user: &str, password: &str) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            ..self.clone()
        }
    }

    /// The URL, including the password.
    pub fn url(&self) -> String {
        let question = if self.options.is_empty() { "" } else { "?" };
        format!(
            "postgres://{}:{}@{}:{}/{}{question}{}",
            self.user, self.password, self.host, self.port, self.database, self.options
        )
    }
}

/// Omits the password, so that a failing test does not print it.
impl fmt::Debug for Dsn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "postgres://{}@{}:{}/{}",
            self.user, self.host, self.port, self.database
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Dsn;

    #[test]
    fn parses_and_writes_the_ready_line() {
        let dsn =
            Dsn::parse("postgres://dev:aaa.bbb-c_c.d@127.0.0.1:6432/shop?sslmode=disable").unwrap();
        assert_eq!(
            (dsn.user.as_str(), dsn.password.as_str()),
            ("dev", "aaa.bbb-c_c.d")
        );
        assert_eq!((dsn.host.as_str(), dsn.port), ("127.0.0.1", 6432));
        assert_eq!(
            (dsn.database.as_str(), dsn.options.as_str()),
            ("shop", "sslmode=disable")
        );
        assert_eq!(
            dsn.url(),
            "postgres://dev:aaa.bbb-c_c.d@127.0.0.1:6432/shop?sslmode=disable"
        );
        assert!(!format!("{dsn:?}").contains("bbb"));
    }

    #[test]
    fn a_url_without_port_is_refused() {
        assert!(Dsn::parse("postgres://dev@localhost/shop").is_err());
    }
}

//! Parses libpq connection URIs: `postgres://user:password@host:port/dbname?sslmode=…`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use thiserror::Error;

use super::{ClientTls, Roots, SessionAttributes, Target, TlsMode, TlsSetupError};

/// A connection string is invalid. Error texts never contain the whole string, because it may contain a password.
#[derive(Debug, Error)]
pub enum DsnError {
    #[error("a connection string must start with postgres:// or postgresql://")]
    Scheme,
    #[error("the connection string has no user; use postgres://user@host:port")]
    NoUser,
    #[error("the {part} in the connection string is not valid UTF-8 after percent-decoding")]
    Escape { part: &'static str },
    #[error("invalid port number \"{port}\"")]
    Port { port: String },
    #[error("could not match {ports} port numbers to {hosts} hosts")]
    PortCount { ports: usize, hosts: usize },
    #[error("missing \"]\" in IPv6 host address")]
    Bracket,
    #[error("missing value for connection parameter \"{name}\"")]
    NoValue { name: String },
    #[error(
        "unknown connection parameter \"{name}\"; supported are host, port, user, password, dbname, sslmode, \
         sslrootcert, sslcert, sslkey, connect_timeout and target_session_attrs"
    )]
    UnknownOption { name: String },
    #[error("invalid {name} value \"{value}\"; expected {expected}")]
    Value {
        name: &'static str,
        value: String,
        expected: &'static str,
    },
    #[error("sslcert and sslkey must be set together")]
    HalfCertificate,
    /// As in libpq: public CAs issue certificates to anyone, so the host name must be verified.
    #[error("sslrootcert=system requires sslmode=verify-full")]
    WeakMode,
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
}

impl FromStr for Target {
    type Err = DsnError;

    /// Parses a connection string. If it has no password, the environment variable `PGPASSWORD` is used.
    fn from_str(dsn: &str) -> Result<Self, DsnError> {
        let environment = std::env::var("PGPASSWORD")
            .ok()
            .filter(|password| !password.is_empty());
        Self::from_dsn(dsn, environment.map(SecretString::from))
    }
}

impl Target {
    /// Parses a connection string. `password` is used if it has none.
    ///
    /// The defaults are libpq's: host `localhost`, port 5432, the user's name as database, `sslmode=prefer`.
    pub fn from_dsn(dsn: &str, password: Option<SecretString>) -> Result<Self, DsnError> {
        let parts = Parts::read(dsn)?;
        let user = parts
            .user
            .filter(|user| !user.is_empty())
            .ok_or(DsnError::NoUser)?;
        let certificate = match (&parts.certificate, &parts.key) {
            (Some(certificate), Some(key)) => Some((certificate.as_path(), key.as_path())),
            (None, None) => None,
            _ => return Err(DsnError::HalfCertificate),
        };
        let dbname = parts
            .dbname
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| user.clone());
        let mut target = Self::new(hosts(parts.hosts, &parts.ports)?, dbname, user);
        target.password = parts.password.or(password).into();
        let mode = match (parts.mode, parts.system_roots) {
            (Some(TlsMode::VerifyFull) | None, true) => TlsMode::VerifyFull,
            (Some(_), true) => return Err(DsnError::WeakMode),
            (mode, false) => mode.unwrap_or_default(),
        };
        target.tls = ClientTls::new(mode, &parts.roots, certificate)?;
        target.session_attributes = parts.session_attributes;
        if let Some(limit) = parts.connect_timeout {
            target.connect_timeout = limit;
        }
        Ok(target)
    }
}

#[derive(Default)]
struct Parts {
    user: Option<String>,
    password: Option<SecretString>,
    hosts: Vec<String>,
    ports: Vec<String>,
    dbname: Option<String>,
    mode: Option<TlsMode>,
    roots: Roots,
    /// `sslrootcert=system`.
    system_roots: bool,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    connect_timeout: Option<Duration>,
    session_attributes: SessionAttributes,
}

impl Parts {
    fn read(dsn: &str) -> Result<Self, DsnError> {
        let rest = ["postgres://", "postgresql://"]
            .iter()
            .find_map(|scheme| dsn.strip_prefix(scheme));
        let rest = rest.ok_or(DsnError::Scheme)?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, dbname) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, addresses) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login
            .split_once(':')
            .map_or((login, None), |(user, password)| (user, Some(password)));
        let mut parts = Self {
            user: non_empty(decode("user", user)?),
            password: password
                .map(|password| decode("password", password))
                .transpose()?
                .map(SecretString::from),
            dbname: non_empty(decode("database", dbname)?),
            ..Self::default()
        };
        for address in addresses.split(',').filter(|address| !address.is_empty()) {
            parts.address(address)?;
        }
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or_else(|| DsnError::NoValue {
                name: option.to_owned(),
            })?;
            parts.option(&decode("option", name)?, decode("option", value)?)?;
        }
        Ok(parts)
    }

    fn address(&mut self, address: &str) -> Result<(), DsnError> {
        let (host, port) = match address.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']').ok_or(DsnError::Bracket)?;
                (host, after.strip_prefix(':').unwrap_or(after))
            }
            None => address.split_once(':').unwrap_or((address, "")),
        };
        self.hosts.push(decode("host", host)?);
        self.ports.push(port.to_owned());
        Ok(())
    }

    fn option(&mut self, name: &str, value: String) -> Result<(), DsnError> {
        match name {
            "host" => self.hosts = value.split(',').map(str::to_owned).collect(),
            "port" => self.ports = value.split(',').map(str::to_owned).collect(),
            "user" => self.user = non_empty(value),
            "password" => self.password = Some(value.into()),
            "dbname" => self.dbname = non_empty(value),
            "sslmode" => self.mode = Some(mode(value)?),
            "sslrootcert" => {
                self.system_roots = value == "system";
                self.roots = match self.system_roots {
                    true => Roots::System,
                    false => Roots::File(PathBuf::from(value)),
                };
            }
            "sslcert" => self.certificate = Some(Path::new(&value).to_owned()),
            "sslkey" => self.key = Some(Path::new(&value).to_owned()),
            "connect_timeout" => self.connect_timeout = timeout(value)?,
            "target_session_attrs" => self.session_attributes = session_attributes(value)?,
            _ => {
                return Err(DsnError::UnknownOption {
                    name: name.to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn decode(part: &'static str, text: &str) -> Result<String, DsnError> {
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| DsnError::Escape { part })?;
    Ok(decoded.into_owned())
}

/// Pairs hosts with ports. A single port applies to all hosts; the default is 5432.
fn hosts(mut hosts: Vec<String>, ports: &[String]) -> Result<Vec<(String, u16)>, DsnError> {
    if hosts.is_empty() {
        hosts.push(String::new());
    }
    if ports.len() > 1 && ports.len() != hosts.len() {
        return Err(DsnError::PortCount {
            ports: ports.len(),
            hosts: hosts.len(),
        });
    }
    let number = |port: &str| match port {
        "" => Ok(5432),
        port => port
            .parse()
            .ok()
            .filter(|&port: &u16| port != 0)
            .ok_or_else(|| DsnError::Port {
                port: port.to_owned(),
            }),
    };
    let mut pairs = Vec::with_capacity(hosts.len());
    for (index, host) in hosts.into_iter().enumerate() {
        let port = ports
            .get(index)
            .or(ports.first())
            .map_or("", String::as_str);
        let host = if host.is_empty() {
            "localhost".to_owned()
        } else {
            host
        };
        pairs.push((host, number(port)?));
    }
    Ok(pairs)
}

fn mode(value: String) -> Result<TlsMode, DsnError> {
    Ok(match value.as_str() {
        "disable" => TlsMode::Disable,
        "prefer" => TlsMode::Prefer,
        "require" => TlsMode::Require,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" => TlsMode::VerifyFull,
        _ => {
            return Err(DsnError::Value {
                name: "sslmode",
                value,
                expected: "disable, prefer, require, verify-ca or verify-full",
            });
        }
    })
}

fn session_attributes(value: String) -> Result<SessionAttributes, DsnError> {
    Ok(match value.as_str() {
        "any" => SessionAttributes::Any,
        "read-write" => SessionAttributes::ReadWrite,
        "read-only" => SessionAttributes::ReadOnly,
        "primary" => SessionAttributes::Primary,
        "standby" => SessionAttributes::Standby,
        "prefer-standby" => SessionAttributes::PreferStandby,
        _ => {
            return Err(DsnError::Value {
                name: "target_session_attrs",
                value,
                expected: "any, read-write, read-only, primary, standby or prefer-standby",
            });
        }
    })
}

/// In seconds. Zero, which means no limit in libpq, selects the default: the gateway must not wait indefinitely.
fn timeout(value: String) -> Result<Option<Duration>, DsnError> {
    match value.parse::<u64>() {
        Ok(0) => Ok(None),
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
        Err(_) => Err(DsnError::Value {
            name: "connect_timeout",
            value,
            expected: "a number of seconds",
        }),
    }
}

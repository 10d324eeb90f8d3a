//! Connection strings in the form of a URL, as libpq reads them: `postgres://user:password@host:port/dbname?sslmode=…`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use thiserror::Error;

use super::{ClientTls, Roots, SessionAttributes, Target, TlsMode, TlsSetupError};

/// Why a connection string cannot be used. The texts never hold the string: it may hold a password.
#[derive(Debug, Error)]
pub enum DsnError {
    #[error("a connection string starts with postgres:// or postgresql://")]
    Scheme,
    #[error("the connection string names no user: write postgres://user@host:port")]
    NoUser,
    #[error("the {part} of the connection string is not UTF-8 after its percent escapes are read")]
    Escape { part: &'static str },
    #[error("'{port}' is not a port")]
    Port { port: String },
    #[error("there are {ports} ports for {hosts} hosts in the connection string")]
    PortCount { ports: usize, hosts: usize },
    #[error("the [ of an IPv6 address has no ]")]
    Bracket,
    #[error("the connection string's option '{name}' has no value")]
    NoValue { name: String },
    #[error(
        "the connection string's option '{name}' is not known; known are host, port, user, password, dbname, sslmode, \
         sslrootcert, sslcert, sslkey, connect_timeout and target_session_attrs"
    )]
    UnknownOption { name: String },
    #[error("{name} cannot be '{value}'; it is one of {known}")]
    Value {
        name: &'static str,
        value: String,
        known: &'static str,
    },
    #[error("sslcert and sslkey are given together or not at all")]
    HalfCertificate,
    /// As libpq has it: the system's authorities vouch for every server there is, so its name must be checked.
    #[error("sslrootcert=system goes with sslmode=verify-full only")]
    WeakMode,
    #[error(transparent)]
    Tls(#[from] TlsSetupError),
}

impl FromStr for Target {
    type Err = DsnError;

    /// Reads a connection string; a password that is not in it is taken from the environment variable `PGPASSWORD`.
    fn from_str(dsn: &str) -> Result<Self, DsnError> {
        let environment = std::env::var("PGPASSWORD")
            .ok()
            .filter(|password| !password.is_empty());
        Self::from_dsn(dsn, environment.map(SecretString::from))
    }
}

impl Target {
    /// Reads a connection string; `password` stands in where it has none.
    ///
    /// As in libpq: port 5432, host `localhost`, database named as the user, `sslmode=prefer`.
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

/// Pairs hosts with ports: one port is for all, none is 5432.
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
            let known = "disable, prefer, require, verify-ca and verify-full";
            return Err(DsnError::Value {
                name: "sslmode",
                value,
                known,
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
            let known = "any, read-write, read-only, primary, standby and prefer-standby";
            return Err(DsnError::Value {
                name: "target_session_attrs",
                value,
                known,
            });
        }
    })
}

/// Seconds; zero leaves the default in force, as waiting for ever is nothing a gateway should do.
fn timeout(value: String) -> Result<Option<Duration>, DsnError> {
    match value.parse::<u64>() {
        Ok(0) => Ok(None),
        Ok(seconds) => Ok(Some(Duration::from_secs(seconds))),
        Err(_) => Err(DsnError::Value {
            name: "connect_timeout",
            value,
            known: "a number of seconds",
        }),
    }
}

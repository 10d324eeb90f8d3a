use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::reader::{Section, nearest};
use super::{client, files};
use crate::identity::{CertificateRule, ClientCertificates, IssuerSettings};
use crate::listener::{Authentication, CleartextPassword, Discovery, HandshakeSettings};

/// Where clients connect and what is asked of them before they are anybody.
#[derive(Clone, Debug)]
pub struct Listen {
    pub address: SocketAddr,
    /// What `handshake.tls` was read from.
    pub tls: Option<TlsFiles>,
    /// Who logs in with a client certificate.
    pub certificates: ClientCertificates,
    /// The operator says that clients may connect from elsewhere without TLS.
    pub allow_plaintext: bool,
    pub handshake: HandshakeSettings,
    pub limits: Limits,
}

/// PEM files that exist, hold what they should and fit each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The authorities of client certificates, and what they revoked.
    pub client_ca: Option<PathBuf>,
    pub client_crl: Vec<PathBuf>,
}

/// What one listener bears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sessions at one time.
    pub max_connections: usize,
    /// Connections that have not logged in yet, at one time.
    pub max_handshakes: usize,
    /// Sessions of one identity at one time.
    pub max_connections_per_identity: Option<usize>,
    /// The longest message a client or server may send, in bytes.
    pub max_message: usize,
    /// The longest statement text, in bytes.
    pub max_statement: usize,
    /// A session outside a transaction without a message for so long is ended; `None` lets it be.
    pub idle_timeout: Option<Duration>,
    /// How long the first refusal of a repeated failure is held back; zero: none is.
    pub failure_delay: Duration,
    pub failure_delay_max: Duration,
    /// An address without a failure for so long begins anew.
    pub failure_memory: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 2000,
            max_handshakes: 500,
            max_connections_per_identity: None,
            max_message: 128 << 20,
            max_statement: 64 << 20,
            idle_timeout: None,
            failure_delay: Duration::from_millis(250),
            failure_delay_max: Duration::from_secs(5),
            failure_memory: Duration::from_secs(600),
        }
    }
}

/// The port for metrics and health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    pub address: SocketAddr,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A filter as tracing's `EnvFilter` reads it, such as `info` or `gatewright=debug`.
    pub level: String,
    pub format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".to_owned(),
            format: LogFormat::default(),
        }
    }
}

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
const AUTHENTICATION_TIMEOUT: Duration = Duration::from_secs(30);

/// The most that a limit on connections may be.
pub(super) const MAX_CONNECTIONS: u64 = 1_000_000;

/// PostgreSQL's own limit on one message (1 GiB less one).
const MAX_MESSAGE: u64 = (1 << 30) - 1;

fn default_address() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 6432))
}

pub(super) fn listen(
    root: &Section<'_, '_>,
    issuers: &[IssuerSettings],
    rules: &[CertificateRule],
) -> Listen {
    let mut listen = Listen {
        address: default_address(),
        tls: None,
        certificates: ClientCertificates::default(),
        allow_plaintext: false,
        handshake: HandshakeSettings {
            handshake_timeout: HANDSHAKE_TIMEOUT,
            authentication_timeout: AUTHENTICATION_TIMEOUT,
            discovery: issuers.first().map(|issuer| Discovery::of(&issuer.url)),
            ..HandshakeSettings::default()
        },
        limits: Limits::default(),
    };
    let Some(section) = root.section("listen") else {
        if !root.has("listen") {
            root.fault_here(
                "there is no [listen], so nobody could log in; add it with [listen.tls], \
                 or with `cleartext_password = \"loopback\"` to try things out on this machine",
            );
        }
        return listen;
    };
    if let Some(address) = address(&section) {
        listen.address = address;
    }
    listen.allow_plaintext = section.boolean("allow_plaintext").unwrap_or(false);
    let choices = [
        ("never", CleartextPassword::Never),
        ("loopback", CleartextPassword::Loopback),
    ];
    if let Some(when) = section.choice("cleartext_password", &choices) {
        listen.handshake.cleartext_password = when;
    }
    let ways = [
        ("password", Authentication::Password),
        ("oauthbearer", Authentication::OAuthBearer),
    ];
    if let Some(way) = section.choice("authentication", &ways) {
        listen.handshake.authentication = way;
    }
    if let Some(section) = section.section("oauth") {
        oauth(section, issuers, &mut listen);
    }
    match section.section("tls") {
        Some(files) => tls(files, rules, &mut listen),
        None if section.has("tls") => {}
        None => check_plaintext(&section, &listen),
    }
    if let Some(section) = section.section("limits") {
        limits(section, &mut listen);
    }
    if !rules.is_empty() && !section.has("tls") {
        section.fault_here("[[client_certificate]] needs [listen.tls] with a `client_ca`");
    }
    section.finish();
    listen
}

fn check_plaintext(section: &Section<'_, '_>, listen: &Listen) {
    if !listen.address.ip().is_loopback() && !listen.allow_plaintext {
        section.fault_here(format!(
            "{} is reachable from elsewhere and has no TLS: add [listen.tls] with a certificate and key, \
             listen on 127.0.0.1, or set `allow_plaintext = true` when something else protects the way",
            listen.address
        ));
    }
    if listen.handshake.cleartext_password == CleartextPassword::Never {
        section.fault_here(
            "nobody could log in: there is no TLS, and `cleartext_password` is \"never\"; \
             add [listen.tls], or set `cleartext_password = \"loopback\"`",
        );
    }
}

/// What clients without a token are told.
fn oauth(section: Section<'_, '_>, issuers: &[IssuerSettings], listen: &mut Listen) {
    let urls = || issuers.iter().map(|issuer| issuer.url.as_str());
    if let Some(url) = section.text("issuer") {
        if !urls().any(|known| known == url.value) {
            let advice = match nearest(&url.value, urls()) {
                Some(meant) => format!("; did you mean \"{meant}\"?"),
                None => String::new(),
            };
            section.fault(
                url.at,
                format!("there is no [[issuer]] \"{}\"{advice}", url.value),
            );
        }
        listen.handshake.discovery = Some(Discovery::of(&url.value));
    }
    let scope = section.text("scope");
    if let (Some(scope), Some(discovery)) = (scope, &mut listen.handshake.discovery) {
        discovery.scope = scope.value;
    }
    section.finish();
}

fn tls(section: Section<'_, '_>, rules: &[CertificateRule], listen: &mut Listen) {
    section.required_text("certificate", "a PEM file with the certificate chain");
    section.required_text("key", "a PEM file with the private key");
    let client_ca = section.path("client_ca");
    let client_crl = section.paths("client_crl");
    listen.certificates = client::certificates(&section, client_ca.as_ref(), &client_crl, rules);
    if let (Some(certificate), Some(key)) = (section.path("certificate"), section.path("key")) {
        listen.handshake.tls =
            files::server_config(&section, &certificate, &key, &listen.certificates);
        listen.tls = Some(TlsFiles {
            certificate: certificate.value,
            key: key.value,
            client_ca: client_ca.map(|path| path.value),
            client_crl,
        });
    }
    section.finish();
}

fn limits(section: Section<'_, '_>, listen: &mut Listen) {
    let limits = &mut listen.limits;
    let count = |key| {
        let count = section.integer(key, 1, MAX_CONNECTIONS);
        count.and_then(|n| usize::try_from(n).ok())
    };
    if let Some(connections) = count("max_connections") {
        limits.max_connections = connections;
    }
    if let Some(handshakes) = count("max_handshakes") {
        limits.max_handshakes = handshakes;
    }
    limits.max_connections_per_identity = count("max_connections_per_identity");
    let message = section.size("max_message", 64 << 10, MAX_MESSAGE);
    if let Some(message) = message.and_then(|n| usize::try_from(n).ok()) {
        limits.max_message = message;
    }
    let statement = section.size("max_statement", 64 << 10, MAX_MESSAGE);
    if let Some(statement) = statement.and_then(|n| usize::try_from(n).ok()) {
        limits.max_statement = statement;
    }
    limits.idle_timeout = section.period("idle_timeout");
    if let Some(delay) = section.duration("failure_delay") {
        limits.failure_delay = delay;
    }
    if let Some(delay) = section.duration("failure_delay_max") {
        limits.failure_delay_max = delay;
    }
    if let Some(memory) = section.period("failure_memory") {
        limits.failure_memory = memory;
    }
    if let Some(timeout) = section.period("handshake_timeout") {
        listen.handshake.handshake_timeout = timeout;
    }
    if let Some(timeout) = section.period("authentication_timeout") {
        listen.handshake.authentication_timeout = timeout;
    }
    section.finish();
}

pub(super) fn admin(root: &Section<'_, '_>) -> Option<Admin> {
    let section = root.section("admin")?;
    if !section.has("address") {
        section.missing(
            "address",
            "where metrics and health are served, such as \"127.0.0.1:9464\"",
        );
    }
    let address = address(&section);
    section.finish();
    address.map(|address| Admin { address })
}

pub(super) fn log(root: &Section<'_, '_>) -> Log {
    let mut log = Log::default();
    let Some(section) = root.section("log") else {
        return log;
    };
    let level = section.read("level", |value| {
        let filter = value
            .as_str()
            .filter(|text| text.split(',').all(is_directive));
        filter.map(str::to_owned).ok_or_else(|| {
            "error, warn, info, debug, trace or off, or such as \"info,gatewright=debug\"".into()
        })
    });
    if let Some(level) = level {
        log.level = level.value;
    }
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    if let Some(format) = section.choice("format", &formats) {
        log.format = format;
    }
    section.finish();
    log
}

/// A level, or a target and its level. tracing would take a misspelt level for a target's name.
fn is_directive(text: &str) -> bool {
    let level = match text.rsplit_once('=') {
        Some((target, level)) if !target.is_empty() => level,
        _ => text,
    };
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    levels.contains(&level.trim())
}

fn address(section: &Section<'_, '_>) -> Option<SocketAddr> {
    let address = section.read("address", |value| {
        value
            .as_str()
            .and_then(|text| text.parse().ok())
            .ok_or_else(|| {
                "an IP address and port such as \"127.0.0.1:6432\" or \"[::]:6432\"".into()
            })
    });
    address.map(|at| at.value)
}

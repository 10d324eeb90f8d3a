//! `[listen]` with its tables, `[admin]` and `[log]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::choices::{AUTHENTICATION, CLEARTEXT_PASSWORD, LOG_FORMAT};
use super::limits::{Limits, limits};
use super::section::{Section, suggestion};
use super::{client, files};
use crate::identity::{CertificateRule, ClientCertificates, IssuerSettings};
use crate::listener::{CleartextPassword, Discovery, HandshakeSettings};

/// Where clients connect, and what applies before they have logged in.
#[derive(Clone, Debug)]
pub struct Listen {
    pub address: SocketAddr,
    /// What `handshake.tls` was read from.
    pub tls: Option<TlsFiles>,
    /// Who logs in with a client certificate.
    pub certificates: ClientCertificates,
    /// The operator permits clients from other machines without TLS.
    pub allow_plaintext: bool,
    pub handshake: HandshakeSettings,
    pub limits: Limits,
}

/// PEM files that exist, have valid contents and fit each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
    /// The CAs of client certificates, and their revocation lists.
    pub client_ca: Option<PathBuf>,
    pub client_crl: Vec<PathBuf>,
}

/// The port for metrics and health checks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    pub address: SocketAddr,
    /// Names by which it may be addressed, besides localhost and IP addresses.
    pub hosts: Vec<String>,
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

pub(super) fn listen(
    root: &Section<'_, '_>,
    issuers: &[IssuerSettings],
    rules: &[CertificateRule],
) -> Listen {
    if !root.has("listen") {
        root.error_here(
            "[listen] is required: without TLS or an explicit `cleartext_password`, no client can log in; \
             add it with [listen.tls], or with `cleartext_password = \"loopback\"` for use on this machine",
        );
    }
    let section = root.section_or_defaults("listen");
    let mut handshake = HandshakeSettings {
        cleartext_password: section
            .choice("cleartext_password", &CLEARTEXT_PASSWORD)
            .unwrap_or_default(),
        authentication: section
            .choice("authentication", &AUTHENTICATION)
            .unwrap_or_default(),
        discovery: discovery(section.section_or_defaults("oauth"), issuers),
        ..HandshakeSettings::default()
    };
    let limits = limits(section.section_or_defaults("limits"), &mut handshake);
    let mut listen = Listen {
        address: address(&section).unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()),
        tls: None,
        certificates: ClientCertificates::default(),
        allow_plaintext: section.boolean("allow_plaintext").unwrap_or_default(),
        handshake,
        limits,
    };
    match section.section("tls") {
        Some(files) => tls(files, rules, &mut listen),
        None if section.has("tls") || !root.has("listen") => {}
        None => check_plaintext(&section, &listen),
    }
    if !rules.is_empty() && !section.has("tls") && root.has("listen") {
        section.error_here("[[client_certificate]] requires [listen.tls] with a `client_ca`");
    }
    section.finish();
    listen
}

fn check_plaintext(section: &Section<'_, '_>, listen: &Listen) {
    if !listen.address.ip().is_loopback() && !listen.allow_plaintext {
        section.error_here(format!(
            "{} accepts connections from other machines without TLS: add [listen.tls] with a certificate and key, \
             listen on 127.0.0.1, or set `allow_plaintext = true` if the network is protected by other means",
            listen.address
        ));
    }
    if listen.handshake.cleartext_password == CleartextPassword::Never {
        section.error_here(
            "no client could log in: there is no TLS, and `cleartext_password` is \"never\"; \
             add [listen.tls], or set `cleartext_password = \"loopback\"`",
        );
    }
}

/// Where clients without a token are told to get one.
fn discovery(section: Section<'_, '_>, issuers: &[IssuerSettings]) -> Option<Discovery> {
    let urls = || issuers.iter().map(|issuer| issuer.url.as_str());
    let mut discovery = urls().next().map(Discovery::of);
    if let Some(url) = section.string("issuer") {
        if !urls().any(|known| known == url.value) {
            let advice = suggestion(&url.value, urls());
            let message = format!("there is no [[issuer]] \"{}\"{advice}", url.value);
            section.error(url.at, message);
        }
        discovery = Some(Discovery::of(&url.value));
    }
    let scope = section.string("scope");
    if let (Some(scope), Some(discovery)) = (scope, &mut discovery) {
        discovery.scope = scope.value;
    }
    section.finish();
    discovery
}

fn tls(section: Section<'_, '_>, rules: &[CertificateRule], listen: &mut Listen) {
    section.require("certificate");
    section.require("key");
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

pub(super) fn admin(root: &Section<'_, '_>) -> Option<Admin> {
    let section = root.section("admin")?;
    section.require("address");
    let address = address(&section);
    let hosts = section.strings("hosts").into_iter();
    let hosts = hosts.map(|name| name.value).collect();
    section.finish();
    address.map(|address| Admin { address, hosts })
}

pub(super) fn log(root: &Section<'_, '_>) -> Log {
    let section = root.section_or_defaults("log");
    let level = section.read("level", |value| {
        let filter = value
            .as_str()
            .filter(|text| text.split(',').all(is_directive));
        filter.map(str::to_owned).ok_or_else(|| {
            "error, warn, info, debug, trace or off, or such as \"info,gatewright=debug\"".into()
        })
    });
    let log = Log {
        level: level.map(|level| level.value).unwrap_or_default(),
        format: section.choice("format", &LOG_FORMAT).unwrap_or_default(),
    };
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

pub(super) fn address(section: &Section<'_, '_>) -> Option<SocketAddr> {
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

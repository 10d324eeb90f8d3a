//! `[console]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use openidconnect::url::{Host, Url};
use secrecy::SecretString;

use super::approvals::{PortTls, tls};
use super::issuer::checked_url;
use super::listen::address;
use super::section::{At, Section, suggestion};
use super::values::plain;
use crate::identity::IssuerSettings;
use crate::upstream::password_file;

/// The port of the console, and how people log in there.
#[derive(Clone, Debug)]
pub struct Console {
    pub address: SocketAddr,
    /// Where browsers reach it, without a slash at its end.
    pub url: String,
    /// Names by which it may be addressed, besides localhost and IP addresses; `url`'s is among them.
    pub hosts: Vec<String>,
    /// Where people log in.
    pub issuer: IssuerSettings,
    pub client_id: String,
    pub client_secret: Option<SecretString>,
    pub client_secret_file: Option<PathBuf>,
    pub scopes: Vec<String>,
    pub admins: Vec<String>,
    pub idle_timeout: Duration,
    pub login_lifetime: Duration,
    pub tls: Option<PortTls>,
}

/// `people`: the issuers of people.
pub(super) fn console(
    section: &Section<'_, '_>,
    issuers: &[IssuerSettings],
    people: &[String],
) -> Console {
    section.require("address");
    let address = address(section).unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into());
    let tls = section.section("tls").and_then(tls);
    let is_local = address.ip().is_loopback();
    if !section.has("tls") && !is_local {
        section.error_here(format!(
            "{address} accepts logins from other machines without TLS: add [console.tls] with a certificate and key, or listen on 127.0.0.1"
        ));
    }
    let url = section.required_string("url");
    let url = url.and_then(|url| public_url(section, url));
    let mut hosts = plain(section.strings("hosts"));
    if let Some(url) = &url
        && let Some(Host::Domain(name)) = url.host()
        && !hosts.iter().any(|host| host == name)
    {
        hosts.push(name.to_owned());
    }
    let secret = section.path("client_secret_file").map(|path| {
        let read = password_file(&path.value);
        let read = read.map_err(|error| section.error(path.at, error.to_string()));
        (path.value, read.ok())
    });
    let issuer = issuer(section, issuers, people);
    let duration = |name| section.duration(name).unwrap_or_default();
    Console {
        address,
        url: url
            .map(|url| url.origin().ascii_serialization())
            .unwrap_or_default(),
        hosts,
        client_id: client_id(section, &issuer),
        issuer,
        client_secret_file: secret.as_ref().map(|(path, _)| path.clone()),
        client_secret: secret.and_then(|(_, secret)| secret),
        scopes: scopes(section),
        admins: plain(section.strings("admins")),
        idle_timeout: duration("idle_timeout"),
        login_lifetime: duration("login_lifetime"),
        tls,
    }
}

/// A URL of an origin: cookies and redirects belong to all of it.
fn public_url(section: &Section<'_, '_>, url: At<String>) -> Option<Url> {
    let at = url.at;
    let text = checked_url(section, "url", url);
    let parsed = Url::parse(&text).ok()?;
    let bare = parsed.path() == "/"
        && parsed.query().is_none()
        && parsed.fragment().is_none()
        && parsed.username().is_empty()
        && parsed.password().is_none();
    if !bare {
        section.error(
            at,
            "`url` must have no path: the console needs a name or port of its own",
        );
    }
    if section.has("tls") && parsed.scheme() == "http" {
        section.error(
            at,
            "`url` must begin with https:// where [console.tls] is set",
        );
    }
    Some(parsed)
}

/// A token that opens the console must open no database: browsers and agents would have the same one.
fn client_id(section: &Section<'_, '_>, issuer: &IssuerSettings) -> String {
    let Some(id) = section.required_string("client_id") else {
        return String::new();
    };
    if issuer.audiences.contains(&id.value) {
        let why = "`client_id` must not be an `audience` of the issuer, whose tokens open databases: register the console as a client of its own";
        section.error(id.at, why);
    }
    id.value
}

fn issuer(
    section: &Section<'_, '_>,
    issuers: &[IssuerSettings],
    people: &[String],
) -> IssuerSettings {
    let url = match (section.string("issuer"), people) {
        (Some(url), _) => {
            if !people.contains(&url.value) {
                let advice = suggestion(&url.value, people.iter().map(String::as_str));
                let why = format!("`issuer` must be one of `people` in [approvals]{advice}");
                section.error(url.at, why);
            }
            url.value
        }
        (None, [only]) => only.clone(),
        (None, []) => String::new(),
        (None, _) => {
            section.error_here("[console] requires `issuer`: `people` names several");
            String::new()
        }
    };
    let found = issuers.iter().find(|issuer| issuer.url == url).cloned();
    found.unwrap_or_else(|| IssuerSettings::new(url, Vec::new()))
}

fn scopes(section: &Section<'_, '_>) -> Vec<String> {
    let mut scopes = plain(section.strings("scopes"));
    if !scopes.iter().any(|scope| scope == "openid") {
        scopes.insert(0, "openid".to_owned());
    }
    scopes
}

//! `[approvals]`, `[store]` and `[api]`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use tokio_rustls::rustls::ServerConfig;

use super::choices::{APPROVAL_WAIT, COMMIT_REVIEW};
use super::console::{Console, console};
use super::files;
use super::listen::address;
use super::section::{At, Section, suggestion};
use super::values::plain;
use super::webhook::{Webhook, webhooks};
use crate::approvals::{ApprovalsSettings, Hours, HoursError};
use crate::identity::{ClientCertificates, IssuerSettings, is_secure_url};
use crate::store::StoreSettings;
use crate::upstream::{Credential, Target};

/// The SQLite file, unless it is set.
const FILE: &str = "gatewright.db";

/// Approvals, where they are stored, and where people decide.
#[derive(Clone, Debug)]
pub struct Approvals {
    pub settings: ApprovalsSettings,
    pub store: StoreSettings,
    /// The URL of a PostgreSQL store, which contains no password.
    pub store_url: Option<String>,
    /// Without it and `console`, people decide at another gateway that shares the store.
    pub api: Option<Api>,
    pub console: Option<Console>,
    pub webhooks: Vec<Webhook>,
}

/// The port of the API.
#[derive(Clone, Debug)]
pub struct Api {
    pub address: SocketAddr,
    /// Names by which it may be addressed, besides localhost and IP addresses.
    pub hosts: Vec<String>,
    pub allow_plaintext: bool,
    /// The certificate and key, and where they were read from.
    pub tls: Option<PortTls>,
}

/// TLS of a port for HTTP.
#[derive(Clone, Debug)]
pub struct PortTls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub config: Arc<ServerConfig>,
}

pub(super) fn approvals(root: &Section<'_, '_>, issuers: &[IssuerSettings]) -> Option<Approvals> {
    let (store, store_url) = store(root.section_or_defaults("store"));
    let api = root.section("api").map(|section| {
        let api = api(&section);
        section.finish();
        api
    });
    let Some(section) = root.section("approvals") else {
        for (key, heading) in [
            ("api", "[api]"),
            ("console", "[console]"),
            ("store", "[store]"),
            ("webhook", "[[webhook]]"),
        ] {
            if root.has(key) {
                root.error_here(format!("{heading} has no effect without [approvals]"));
            }
        }
        return None;
    };
    let people = people(&section, issuers);
    let console = root.section("console").map(|section| {
        let console = console(&section, issuers, &people);
        section.finish();
        console
    });
    let url = url(&section, api.as_ref(), console.as_ref());
    let settings = settings(&section, people, url);
    section.finish();
    let webhooks = webhooks(root.sections("webhook"), settings.keep);
    Some(Approvals {
        settings,
        webhooks,
        store,
        store_url,
        api,
        console,
    })
}

fn people(section: &Section<'_, '_>, issuers: &[IssuerSettings]) -> Vec<String> {
    let people = section.some_strings("people");
    for url in &people {
        let known = || issuers.iter().map(|issuer| issuer.url.as_str());
        if !known().any(|issuer| issuer == url.value) {
            let advice = suggestion(&url.value, known());
            let message = format!("there is no [[issuer]] \"{}\"{advice}", url.value);
            section.error(url.at, message);
        }
    }
    plain(people)
}

fn settings(section: &Section<'_, '_>, people: Vec<String>, url: String) -> ApprovalsSettings {
    let duration = |name| section.duration(name).unwrap_or_default();
    ApprovalsSettings {
        people,
        reviewers: plain(section.some_strings("reviewers")),
        viewers: plain(section.strings("viewers")),
        auditors: plain(section.strings("auditors")),
        break_glass: plain(section.strings("break_glass")),
        needed: section.integer("approvals").unwrap_or(1),
        reason_required: section.boolean("reason_required").unwrap_or_default(),
        hours: hours(section),
        pending_ttl: duration("pending_ttl"),
        approval_ttl: duration("approval_ttl"),
        hold_limit: duration("hold_limit"),
        preview_timeout: duration("preview_timeout"),
        preview_lock_timeout: duration("preview_lock_timeout"),
        preview_rows: section.integer("preview_rows").unwrap_or_default(),
        max_grant: duration("max_grant"),
        notice_interval: duration("notice_interval"),
        agents: section.choice("agents", &APPROVAL_WAIT).unwrap_or_default(),
        review_commits: section
            .choice("review_commits", &COMMIT_REVIEW)
            .unwrap_or_default(),
        max_pending_per_identity: section.integer("max_pending_per_identity").unwrap_or(1),
        max_held: section.integer("max_held").unwrap_or(1),
        keep: duration("keep"),
        url,
    }
}

fn hours(section: &Section<'_, '_>) -> Option<Hours> {
    let texts = section.strings("hours");
    let zone = section.string("time_zone")?;
    if texts.is_empty() {
        if section.has("time_zone") {
            section.error(zone.at, "`time_zone` has no effect without `hours`");
        }
        if section.has("hours") {
            section.error_here("`hours` must not be empty");
        }
        return None;
    }
    let at = texts.first().map_or(zone.at, |text| text.at);
    match Hours::parse(plain(texts), zone.value) {
        Ok(hours) => Some(hours),
        Err(error @ HoursError::Zone(_)) => {
            section.error(zone.at, error.to_string());
            None
        }
        Err(error) => {
            section.error(at, format!("`hours` {error}"));
            None
        }
    }
}

fn url(section: &Section<'_, '_>, api: Option<&Api>, console: Option<&Console>) -> String {
    let given = section.string("url").map(|url| {
        let plaintext =
            api.is_some_and(|api| api.allow_plaintext) && url.value.starts_with("http://");
        if !is_secure_url(&url.value) && !plaintext {
            let why = "`url` must begin with https://, or with http:// on a loopback address";
            section.error(url.at, why);
        }
        url.value.trim_end_matches('/').to_owned()
    });
    match (given, console, api) {
        (Some(url), ..) => url,
        (None, Some(console), _) => console.url.clone(),
        (None, None, Some(api)) if api.address.port() == 0 || api.address.ip().is_unspecified() => {
            section.error_here(format!(
                "nobody can follow links to {}: set `url` to the address of the API as reviewers know it",
                api.address
            ));
            String::new()
        }
        (None, None, Some(api)) => {
            let scheme = if api.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{}", api.address)
        }
        (None, None, None) => {
            section.error_here(
                "nobody could decide: add [console] or [api], or set `url` to that of another gateway that shares the store",
            );
            String::new()
        }
    }
}

fn store(section: Section<'_, '_>) -> (StoreSettings, Option<String>) {
    let path = section.path("path");
    let url = section.string("url");
    let password = files::credential(&section);
    if path.is_some() && url.is_some() {
        section.error_here("only one of `path` and `url` can be set");
    }
    let settings = match &url {
        Some(url) => postgres(&section, url, password),
        None => {
            if !matches!(password, Credential::None) {
                section.error_here("a password has no effect without `url`");
            }
            let beside = || section.source.directory().join(FILE);
            StoreSettings::File(path.map_or_else(beside, |path| path.value))
        }
    };
    section.finish();
    (settings, url.map(|url| url.value))
}

fn postgres(section: &Section<'_, '_>, url: &At<String>, password: Credential) -> StoreSettings {
    match Target::from_dsn(&url.value, None) {
        Ok(mut target) => {
            if !matches!(target.password, Credential::None) {
                section.error(
                    url.at,
                    "`url` must not contain the password: set `password_file` or one of its kin",
                );
            }
            target.password = password;
            StoreSettings::Postgres(target)
        }
        Err(error) => {
            section.error(url.at, format!("`url`: {error}"));
            StoreSettings::Memory
        }
    }
}

fn api(section: &Section<'_, '_>) -> Api {
    section.require("address");
    let mut api = Api {
        address: address(section).unwrap_or_else(|| (Ipv4Addr::LOCALHOST, 0).into()),
        hosts: plain(section.strings("hosts")),
        allow_plaintext: section.boolean("allow_plaintext").unwrap_or_default(),
        tls: None,
    };
    match section.section("tls") {
        Some(files) => api.tls = tls(files),
        None if !api.address.ip().is_loopback() && !api.allow_plaintext => {
            section.error_here(format!(
                "{} accepts tokens from other machines without TLS: add [api.tls] with a certificate and key, \
                 listen on 127.0.0.1, or set `allow_plaintext = true` if the network is protected by other means",
                api.address
            ));
        }
        None => {}
    }
    api
}

pub(super) fn tls(section: Section<'_, '_>) -> Option<PortTls> {
    section.require("certificate");
    section.require("key");
    let read = section.path("certificate").zip(section.path("key"));
    let tls = read.and_then(|(certificate, key)| {
        let clients = ClientCertificates::default();
        let config = files::server_config(&section, &certificate, &key, &clients)?;
        let mut config = (*config).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Some(PortTls {
            certificate: certificate.value,
            key: key.value,
            config: Arc::new(config),
        })
    });
    section.finish();
    tls
}

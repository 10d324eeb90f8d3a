//! `[[database]]` and `[[grant]]`.

use super::choices::{POOL, SESSION_ATTRIBUTES, TLS_MODE};
use super::files;
use super::section::{At, Section, suggestion};
use super::values::plain;
use crate::identity::{
    ANY, CERTIFICATE, CatalogLogin, Database, GrantRule, Grants, IssuerSettings,
};
use crate::pool::{PoolMode, PoolSettings};
use crate::upstream::{ClientTls, Roots, TlsMode};

/// `certificates`: clients may log in with one, so that a grant can name it among its issuers.
pub(super) fn grants(
    root: &Section<'_, '_>,
    issuers: &[IssuerSettings],
    certificates: bool,
) -> Grants {
    let databases = databases(root);
    let sections = root.sections("grant");
    if sections.is_empty() && !root.has("grant") {
        root.error_here(
            "at least one [[grant]] is required: without one, no client can connect to a database",
        );
    }
    let names: Vec<&str> = databases
        .iter()
        .map(|database| database.name.as_str())
        .collect();
    let mut urls: Vec<&str> = issuers.iter().map(|issuer| issuer.url.as_str()).collect();
    urls.extend(certificates.then_some(CERTIFICATE));
    let mut rules = Vec::with_capacity(sections.len());
    for section in sections {
        rules.push(rule(&section, &names, &urls));
        section.finish();
    }
    Grants::new(databases, rules)
}

fn databases(root: &Section<'_, '_>) -> Vec<Database> {
    let sections = root.sections("database");
    if sections.is_empty() && !root.has("database") {
        root.error_here("at least one [[database]] is required");
    }
    let mut databases: Vec<Database> = Vec::with_capacity(sections.len());
    for section in sections {
        let database = database(&section);
        if !database.name.is_empty() && databases.iter().any(|other| other.name == database.name) {
            section.error_here(format!("the database {} has two entries", database.name));
        }
        section.finish();
        databases.push(database);
    }
    databases
}

fn database(section: &Section<'_, '_>) -> Database {
    let name = section.required_string("name");
    let name = name.map(|name| name.value).unwrap_or_default();
    let hosts = hosts(section);
    let dbname = section.string("dbname").map(|dbname| dbname.value);
    let (tls, roots) = tls(section, &hosts);
    let catalog = section.section("catalog").map(|login| {
        let user = login.required_string("user");
        let credential = files::credential(&login);
        login.finish();
        CatalogLogin {
            user: user.map(|user| user.value).unwrap_or_default(),
            credential,
        }
    });
    Database {
        dbname: dbname.or_else(|| (name != ANY).then(|| name.clone())),
        name,
        hosts,
        tls,
        roots,
        session_attributes: section
            .choice("target_session_attrs", &SESSION_ATTRIBUTES)
            .unwrap_or_default(),
        connect_timeout: section.duration("connect_timeout").unwrap_or_default(),
        max_connections: section.integer("max_connections"),
        catalog_max_age: section.duration("catalog_max_age").unwrap_or_default(),
        pool: pool(section),
        record: super::record::of_database(section),
        catalog,
    }
}

fn pool(section: &Section<'_, '_>) -> PoolSettings {
    let settings = PoolSettings {
        mode: section.choice("pool", &POOL).unwrap_or_default(),
        size: section.integer("pool_size").unwrap_or_default(),
        wait: section.duration("pool_wait").unwrap_or_default(),
        idle: section.duration("pool_idle").unwrap_or_default(),
        max_age: section.duration("pool_max_age").unwrap_or_default(),
    };
    if settings.mode == PoolMode::None {
        for key in ["pool_size", "pool_wait", "pool_idle", "pool_max_age"] {
            if section.has(key) {
                let why = format!(
                    "`{key}` has no effect unless `pool` is \"session\" or \"transaction\""
                );
                section.error_here(why);
            }
        }
    }
    settings
}

/// libpq's modes, with a stricter default. Unix sockets have no TLS.
fn tls(section: &Section<'_, '_>, hosts: &[(String, u16)]) -> (ClientTls, Roots) {
    let over_network = hosts.iter().any(|(host, _)| !host.starts_with('/'));
    let mode = match section.choice("tls", &TLS_MODE) {
        Some(mode) if over_network || section.has("tls") => mode,
        _ => TlsMode::Disable,
    };
    let roots = match section.path("ca") {
        None => Roots::System,
        Some(path) => {
            if !matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull) {
                let why = "`ca` has no effect unless `tls` is \"verify-ca\" or \"verify-full\"";
                section.error(path.at, why);
            }
            if files::certificates(section, &path).is_none() {
                return (ClientTls::disabled(), Roots::System);
            }
            Roots::File(path.value)
        }
    };
    let tls = ClientTls::new(mode, &roots, None).unwrap_or_else(|error| {
        section.error_here(error.to_string());
        ClientTls::disabled()
    });
    (tls, roots)
}

fn hosts(section: &Section<'_, '_>) -> Vec<(String, u16)> {
    let port = section.integer("port");
    let port = port
        .and_then(|port| u16::try_from(port).ok())
        .unwrap_or_default();
    let host = section.string("host");
    let mut listed = section.strings("hosts");
    if section.has("host") && section.has("hosts") {
        section.error_here("only one of `host` and `hosts` can be set");
    }
    if listed.is_empty() {
        if !section.has("host") {
            section.require("host");
        }
        listed.extend(host);
    }
    listed
        .iter()
        .filter_map(|host| {
            let split = split_host(&host.value, port);
            if split.is_none() {
                section.error(
                    host.at,
                    "a host is a name, an IP address or a directory; a port follows a colon (\"[::1]:5432\")",
                );
            }
            split
        })
        .collect()
}

/// Splits `name`, `name:port`, `::1`, `[::1]`, `[::1]:port`, or `/directory` into host and port.
pub(super) fn split_host(text: &str, default: u16) -> Option<(String, u16)> {
    let bracketed = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    if let Some(host) = bracketed.filter(|host| host.parse::<std::net::Ipv6Addr>().is_ok()) {
        return Some((host.to_owned(), default));
    }
    if text.starts_with('/') || text.parse::<std::net::IpAddr>().is_ok() {
        return Some((text.to_owned(), default));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => {
            (host, port.parse().ok().filter(|port| *port > 0)?)
        }
        Some(_) => return None,
        None => (text, default),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let wrong = |c: char| c.is_whitespace() || "/[]@?".contains(c);
    let is_v6 = bare.parse::<std::net::Ipv6Addr>().is_ok();
    (is_v6 || !bare.contains(wrong) && !bare.contains(':')).then(|| (bare.to_owned(), port))
}

fn rule(section: &Section<'_, '_>, databases: &[&str], issuers: &[&str]) -> GrantRule {
    let role = section.required_string("role");
    let groups = section.some_strings("groups");
    let wanted = section.some_strings("databases");
    let any_name = databases.contains(&ANY);
    for name in &wanted {
        if name.value != ANY && !any_name && !databases.contains(&name.value.as_str()) {
            unknown(section, name, "[[database]]", databases);
        }
    }
    let from = section.strings("issuers");
    for url in &from {
        if !issuers.contains(&url.value.as_str()) {
            unknown(section, url, "[[issuer]]", issuers);
        }
    }
    GrantRule {
        groups: plain(groups),
        issuers: plain(from),
        databases: plain(wanted),
        role: role.map(|role| role.value).unwrap_or_default(),
        credential: files::credential(section),
    }
}

fn unknown(section: &Section<'_, '_>, name: &At<String>, kind: &str, known: &[&str]) {
    let advice = suggestion(&name.value, known.iter().copied());
    section.error(
        name.at,
        format!("there is no {kind} \"{}\"{advice}", name.value),
    );
}

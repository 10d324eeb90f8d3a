use std::time::Duration;

use super::files;
use super::issuer::values;
use super::listen::MAX_CONNECTIONS;
use super::reader::{At, Section, nearest};
use crate::identity::{
    ANY, CERTIFICATE, CatalogLogin, Database, GrantRule, Grants, IssuerSettings,
};
use crate::upstream::{ClientTls, Roots, SessionAttributes, TlsMode};

const DEFAULT_PORT: u16 = 5432;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// `certificates`: clients may log in with one, so that it can be named among a grant's issuers.
pub(super) fn grants(
    root: &Section<'_, '_>,
    issuers: &[IssuerSettings],
    certificates: bool,
) -> Grants {
    let databases = databases(root);
    let sections = root.sections("grant");
    if sections.is_empty() && !root.has("grant") {
        root.fault_here("there is no [[grant]], so nobody could reach a database; say which groups get which database in which role");
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
        root.fault_here(
            "there is no [[database]]; say which PostgreSQL this gateway stands in front of",
        );
    }
    let mut databases: Vec<Database> = Vec::with_capacity(sections.len());
    for section in sections {
        let database = database(&section);
        if !database.name.is_empty() && databases.iter().any(|other| other.name == database.name) {
            section.fault_here(format!("the database {} is there twice", database.name));
        }
        section.finish();
        databases.push(database);
    }
    databases
}

fn database(section: &Section<'_, '_>) -> Database {
    let name = section.required_text(
        "name",
        "what clients ask for as `dbname`, or \"*\" for every name without an entry",
    );
    let name = name.map(|name| name.value).unwrap_or_default();
    let hosts = hosts(section);
    let dbname = section.text("dbname").map(|dbname| dbname.value);
    let (tls, roots) = tls(section, &hosts);
    let catalog = section.section("catalog").map(|login| {
        let user = login.required_text("user", "the role the gateway reads the catalog with");
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
        session_attributes: session_attributes(section),
        connect_timeout: section.period("connect_timeout").unwrap_or(CONNECT_TIMEOUT),
        max_connections: section
            .integer("max_connections", 1, MAX_CONNECTIONS)
            .and_then(|n| usize::try_from(n).ok()),
        catalog,
    }
}

/// libpq's modes, and stricter than libpq in what goes without saying. Unix sockets have no TLS.
fn tls(section: &Section<'_, '_>, hosts: &[(String, u16)]) -> (ClientTls, Roots) {
    let over_network = hosts.iter().any(|(host, _)| !host.starts_with('/'));
    let default = match over_network {
        true => TlsMode::VerifyFull,
        false => TlsMode::Disable,
    };
    let modes = [
        ("disable", TlsMode::Disable),
        ("prefer", TlsMode::Prefer),
        ("require", TlsMode::Require),
        ("verify-ca", TlsMode::VerifyCa),
        ("verify-full", TlsMode::VerifyFull),
    ];
    let mode = section.choice("tls", &modes).unwrap_or(default);
    let roots = match section.path("ca") {
        None => Roots::System,
        Some(path) => {
            if !matches!(mode, TlsMode::VerifyCa | TlsMode::VerifyFull) {
                let why = "`ca` has no effect unless `tls` is \"verify-ca\" or \"verify-full\"";
                section.fault(path.at, why);
            }
            if files::certificates(section, &path).is_none() {
                return (ClientTls::disabled(), Roots::System);
            }
            Roots::File(path.value)
        }
    };
    let tls = ClientTls::new(mode, &roots, None).unwrap_or_else(|error| {
        section.fault_here(error.to_string());
        ClientTls::disabled()
    });
    (tls, roots)
}

fn session_attributes(section: &Section<'_, '_>) -> SessionAttributes {
    let kinds = [
        ("any", SessionAttributes::Any),
        ("read-write", SessionAttributes::ReadWrite),
        ("read-only", SessionAttributes::ReadOnly),
        ("primary", SessionAttributes::Primary),
        ("standby", SessionAttributes::Standby),
        ("prefer-standby", SessionAttributes::PreferStandby),
    ];
    section
        .choice("target_session_attrs", &kinds)
        .unwrap_or_default()
}

fn hosts(section: &Section<'_, '_>) -> Vec<(String, u16)> {
    let port = section
        .integer("port", 1, 65535)
        .and_then(|port| u16::try_from(port).ok());
    let host = section.text("host");
    let hosts = section.texts("hosts");
    if host.is_some() && hosts.is_some() {
        section.fault_here("give `host` or `hosts`, not both");
    }
    let listed = hosts
        .or_else(|| host.map(|host| vec![host]))
        .unwrap_or_default();
    if listed.is_empty() && !section.has("host") {
        section.missing(
            "host",
            "the server's name or address, or the directory of its unix socket",
        );
    }
    listed
        .iter()
        .filter_map(|host| {
            let split = split_host(&host.value, port.unwrap_or(DEFAULT_PORT));
            if split.is_none() {
                section.fault(host.at, "a host is a name, an IP address or a directory, with `:port` behind it if need be (\"[::1]:5432\")");
            }
            split
        })
        .collect()
}

/// Takes `name`, `name:port`, `::1`, `[::1]`, `[::1]:port`, or `/directory` apart.
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
    let role = section.required_text("role", "the PostgreSQL role the gateway logs in with");
    let groups = section.some_texts(
        "groups",
        "the groups this is for, or \"*\" for everyone with a valid token",
    );
    let wanted = section.some_texts(
        "databases",
        "names of [[database]] entries, or \"*\" for all",
    );
    let any_name = databases.contains(&ANY);
    for name in &wanted {
        if name.value != ANY && !any_name && !databases.contains(&name.value.as_str()) {
            unknown(section, name, "[[database]]", databases);
        }
    }
    let from = section.texts("issuers").unwrap_or_default();
    for url in &from {
        if !issuers.contains(&url.value.as_str()) {
            unknown(section, url, "[[issuer]]", issuers);
        }
    }
    GrantRule {
        groups: values(groups),
        issuers: values(from),
        databases: values(wanted),
        role: role.map(|role| role.value).unwrap_or_default(),
        credential: files::credential(section),
    }
}

fn unknown(section: &Section<'_, '_>, name: &At<String>, kind: &str, known: &[&str]) {
    let advice = match nearest(&name.value, known.iter().copied()) {
        Some(meant) => format!("; did you mean \"{meant}\"?"),
        None => String::new(),
    };
    section.fault(
        name.at,
        format!("there is no {kind} \"{}\"{advice}", name.value),
    );
}

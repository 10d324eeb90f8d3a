use super::files;
use super::issuer::values;
use super::reader::{At, Section, nearest};
use crate::identity::{ANY, CatalogLogin, Database, GrantRule, Grants, IssuerSettings, ServerTls};

const DEFAULT_PORT: u16 = 5432;

pub(super) fn grants(root: &Section<'_, '_>, issuers: &[IssuerSettings]) -> Grants {
    let databases = databases(root);
    let sections = root.sections("grant");
    if sections.is_empty() && !root.has("grant") {
        root.fault_here("there is no [[grant]], so nobody could reach a database; say which groups get which database in which role");
    }
    let names: Vec<&str> = databases
        .iter()
        .map(|database| database.name.as_str())
        .collect();
    let urls: Vec<&str> = issuers.iter().map(|issuer| issuer.url.as_str()).collect();
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
    let modes = [
        ("disable", ServerTls::Disable),
        ("prefer", ServerTls::Prefer),
        ("require", ServerTls::Require),
        ("verify-ca", ServerTls::VerifyCa),
        ("verify-full", ServerTls::VerifyFull),
    ];
    let tls = section.choice("tls", &modes).unwrap_or_default();
    let ca = section.path("ca").map(|path| {
        files::certificates(section, &path);
        if !matches!(tls, ServerTls::VerifyCa | ServerTls::VerifyFull) {
            section.fault(
                path.at,
                "`ca` has no effect unless `tls` is \"verify-ca\" or \"verify-full\"",
            );
        }
        path.value
    });
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
        ca,
        catalog,
    }
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

/// Takes `name`, `name:port`, `::1`, `[::1]:port`, or `/directory` apart.
fn split_host(text: &str, default: u16) -> Option<(String, u16)> {
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

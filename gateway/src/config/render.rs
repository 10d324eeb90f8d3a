use std::fmt::{self, Display, Formatter, Write};

use gatewright_policy_host::{Isolation, Mode, PolicySettings};
use serde_json::Value;

use super::listen::LogFormat;
use super::units::{duration_text, size_text};
use super::{Config, Listen, Policies};
use crate::identity::{
    Algorithm, CertificateName, CertificateRule, Database, GrantRule, IssuerSettings,
    VerifierSettings,
};
use crate::listener::{Authentication, CleartextPassword};
use crate::upstream::{Credential, Roots, SessionAttributes, TlsMode};

/// Stands where a secret would.
const HIDDEN: &str = "(hidden)";

/// Shows what the gateway would run with, as TOML, every default filled in and no secret shown.
impl Display for Config {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        listen(f, &self.listen)?;
        if let Some(admin) = &self.admin {
            section(f, "[admin]")?;
            text(f, "address", admin.address)?;
        }
        section(f, "[log]")?;
        text(f, "level", &self.log.level)?;
        let format = match self.log.format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        };
        text(f, "format", format)?;
        tokens(f, &self.verifier)?;
        text(f, "grace", duration_text(self.token_grace))?;
        self.issuers.iter().try_for_each(|one| issuer(f, one))?;
        let certificates = self.listen.certificates.rules();
        certificates
            .iter()
            .try_for_each(|one| certificate(f, one))?;
        self.grants
            .databases()
            .try_for_each(|one| database(f, one))?;
        self.grants
            .rules()
            .iter()
            .try_for_each(|one| rule(f, one))?;
        policies(f, &self.policies)
    }
}

fn listen(f: &mut Formatter<'_>, listen: &Listen) -> fmt::Result {
    f.write_str("[listen]\n")?;
    text(f, "address", listen.address)?;
    let when = match listen.handshake.cleartext_password {
        CleartextPassword::Never => "never",
        CleartextPassword::Loopback => "loopback",
    };
    text(f, "cleartext_password", when)?;
    plain(f, "allow_plaintext", listen.allow_plaintext)?;
    let way = match listen.handshake.authentication {
        Authentication::Password => "password",
        Authentication::OAuthBearer => "oauthbearer",
    };
    text(f, "authentication", way)?;
    if let Some(discovery) = &listen.handshake.discovery {
        section(f, "[listen.oauth]")?;
        text(f, "issuer", &discovery.issuer)?;
        text(f, "scope", &discovery.scope)?;
    }
    if let Some(tls) = &listen.tls {
        section(f, "[listen.tls]")?;
        text(f, "certificate", tls.certificate.display())?;
        text(f, "key", tls.key.display())?;
        if let Some(ca) = &tls.client_ca {
            text(f, "client_ca", ca.display())?;
        }
        if !tls.client_crl.is_empty() {
            let lists = tls.client_crl.iter();
            let lists: Vec<_> = lists.map(|path| path.display().to_string()).collect();
            list(f, "client_crl", &lists)?;
        }
    }
    section(f, "[listen.limits]")?;
    let limits = &listen.limits;
    plain(f, "max_connections", limits.max_connections)?;
    plain(f, "max_handshakes", limits.max_handshakes)?;
    match limits.max_connections_per_identity {
        Some(limit) => plain(f, "max_connections_per_identity", limit)?,
        None => f.write_str("# max_connections_per_identity: none\n")?,
    }
    text(
        f,
        "handshake_timeout",
        duration_text(listen.handshake.handshake_timeout),
    )?;
    text(
        f,
        "authentication_timeout",
        duration_text(listen.handshake.authentication_timeout),
    )?;
    text(f, "max_message", size_text(limits.max_message as u64))?;
    text(f, "max_statement", size_text(limits.max_statement as u64))?;
    text(f, "failure_delay", duration_text(limits.failure_delay))?;
    text(
        f,
        "failure_delay_max",
        duration_text(limits.failure_delay_max),
    )?;
    text(f, "failure_memory", duration_text(limits.failure_memory))?;
    match limits.idle_timeout {
        Some(timeout) => text(f, "idle_timeout", duration_text(timeout)),
        None => f.write_str("# idle_timeout: none\n"),
    }
}

fn tokens(f: &mut Formatter<'_>, settings: &VerifierSettings) -> fmt::Result {
    section(f, "[tokens]")?;
    text(f, "cache", duration_text(settings.cache))?;
    plain(f, "cache_entries", settings.cache_entries)
}

fn issuer(f: &mut Formatter<'_>, issuer: &IssuerSettings) -> fmt::Result {
    section(f, "[[issuer]]")?;
    text(f, "url", &issuer.url)?;
    list(f, "audience", &issuer.audiences)?;
    let algorithms: Vec<_> = issuer
        .algorithms
        .iter()
        .copied()
        .map(Algorithm::name)
        .collect();
    list(f, "algorithms", &algorithms)?;
    text(f, "clock_skew", duration_text(issuer.clock_skew))?;
    if let Some(url) = &issuer.jwks_url {
        text(f, "jwks_url", url)?;
    }
    if let Some(pem) = &issuer.ca_pem {
        writeln!(
            f,
            "# ca: {} bytes of certificates in place of the system's",
            pem.len()
        )?;
    }
    text(f, "refresh", duration_text(issuer.keys.refresh))?;
    text(f, "stale_keys", duration_text(issuer.keys.stale))?;
    text(f, "timeout", duration_text(issuer.keys.timeout))?;
    section(f, "[issuer.claims]")?;
    text(f, "subject", &issuer.claims.subject)?;
    text(f, "groups", &issuer.claims.groups)?;
    text(f, "agent", &issuer.claims.agent)?;
    text(f, "task", &issuer.claims.task)?;
    if !issuer.claims.attributes.is_empty() {
        section(f, "[issuer.claims.attributes]")?;
    }
    for (name, path) in &issuer.claims.attributes {
        text(f, &key(name), path)?;
    }
    if !issuer.subject_groups.is_empty() {
        section(f, "[issuer.subject_groups]")?;
    }
    for (subject, groups) in &issuer.subject_groups {
        list(f, &key(subject), groups)?;
    }
    Ok(())
}

fn certificate(f: &mut Formatter<'_>, rule: &CertificateRule) -> fmt::Result {
    section(f, "[[client_certificate]]")?;
    match &rule.name {
        CertificateName::Uri(uri) => text(f, "uri", uri)?,
        CertificateName::CommonName(name) => text(f, "common_name", name)?,
        CertificateName::DistinguishedName(name) => text(f, "distinguished_name", name)?,
    }
    text(f, "subject", &rule.subject)?;
    list(f, "groups", &rule.groups)?;
    match &rule.agent {
        Some(agent) => text(f, "agent", agent),
        None => Ok(()),
    }
}

fn database(f: &mut Formatter<'_>, database: &Database) -> fmt::Result {
    section(f, "[[database]]")?;
    text(f, "name", &database.name)?;
    let hosts: Vec<_> = database
        .hosts
        .iter()
        .map(|(host, port)| host_text(host, *port))
        .collect();
    match database.hosts.as_slice() {
        [(directory, port)] if directory.starts_with('/') => {
            text(f, "host", directory)?;
            plain(f, "port", port)?;
        }
        _ => list(f, "hosts", &hosts)?,
    }
    match &database.dbname {
        Some(dbname) => text(f, "dbname", dbname)?,
        None => f.write_str("# dbname: the name the client asks for\n")?,
    }
    let tls = match database.tls.mode() {
        TlsMode::Disable => "disable",
        TlsMode::Prefer => "prefer",
        TlsMode::Require => "require",
        TlsMode::VerifyCa => "verify-ca",
        TlsMode::VerifyFull => "verify-full",
    };
    text(f, "tls", tls)?;
    if let Roots::File(ca) = &database.roots {
        text(f, "ca", ca.display())?;
    }
    let kind = match database.session_attributes {
        SessionAttributes::Any => "any",
        SessionAttributes::ReadWrite => "read-write",
        SessionAttributes::ReadOnly => "read-only",
        SessionAttributes::Primary => "primary",
        SessionAttributes::Standby => "standby",
        SessionAttributes::PreferStandby => "prefer-standby",
    };
    text(f, "target_session_attrs", kind)?;
    text(
        f,
        "connect_timeout",
        duration_text(database.connect_timeout),
    )?;
    if let Some(limit) = database.max_connections {
        plain(f, "max_connections", limit)?;
    }
    if let Some(catalog) = &database.catalog {
        section(f, "[database.catalog]")?;
        text(f, "user", &catalog.user)?;
        credential(f, &catalog.credential)?;
    }
    Ok(())
}

fn host_text(host: &str, port: u16) -> String {
    match host {
        directory if directory.starts_with('/') => directory.to_owned(),
        v6 if v6.contains(':') => format!("[{v6}]:{port}"),
        name => format!("{name}:{port}"),
    }
}

fn rule(f: &mut Formatter<'_>, rule: &GrantRule) -> fmt::Result {
    section(f, "[[grant]]")?;
    list(f, "groups", &rule.groups)?;
    if !rule.issuers.is_empty() {
        list(f, "issuers", &rule.issuers)?;
    }
    list(f, "databases", &rule.databases)?;
    text(f, "role", &rule.role)?;
    credential(f, &rule.credential)
}

fn credential(f: &mut Formatter<'_>, credential: &Credential) -> fmt::Result {
    match credential {
        Credential::None => f.write_str("# no password\n"),
        Credential::Inline(_) => text(f, "password", HIDDEN),
        Credential::File(path) => text(f, "password_file", path.display()),
        Credential::Environment { name, .. } => text(f, "password_env", name),
        Credential::Command(command) => {
            // Arguments may hold secrets too.
            let arguments = (0..command.arguments()).map(|_| HIDDEN.to_owned());
            let program = command.program().display().to_string();
            let words: Vec<_> = std::iter::once(program).chain(arguments).collect();
            list(f, "password_command", &words)?;
            text(f, "password_command_cache", duration_text(command.keep()))?;
            text(
                f,
                "password_command_timeout",
                duration_text(command.limit()),
            )
        }
    }
}

fn policies(f: &mut Formatter<'_>, policies: &Policies) -> fmt::Result {
    let Some(directory) = &policies.directory else {
        return f.write_str("\n# no [policies]: every statement is allowed\n");
    };
    section(f, "[policies]")?;
    text(f, "directory", directory.display())?;
    if let Some(cache) = &policies.host.cache_directory {
        text(f, "cache_directory", cache.display())?;
    }
    let required = policies
        .policies
        .iter()
        .filter(|(_, settings)| settings.required);
    let required: Vec<_> = required.map(|(name, _)| name.as_str()).collect();
    list(f, "required", &required)?;
    list(f, "order", &policies.order)?;
    run(f, &policies.default)?;
    for (name, settings) in &policies.policies {
        section(f, &format!("[policy.{}]", key(name)))?;
        run(f, settings)?;
        if let Value::Object(own) = &settings.settings
            && !own.is_empty()
        {
            section(f, &format!("[policy.{}.settings]", key(name)))?;
            for (setting, value) in own {
                writeln!(f, "{} = {}", key(setting), json(setting, value))?;
            }
        }
    }
    Ok(())
}

fn run(f: &mut Formatter<'_>, settings: &PolicySettings) -> fmt::Result {
    let mode = match settings.mode {
        Mode::Enforce => "enforce",
        Mode::Shadow => "shadow",
        Mode::Off => "off",
    };
    text(f, "mode", mode)?;
    text(f, "deadline", duration_text(settings.deadline))?;
    text(f, "memory", size_text(settings.memory_bytes as u64))?;
    let isolation = match settings.isolation {
        Isolation::Pooled => "pooled",
        Isolation::Statement => "statement",
    };
    text(f, "isolation", isolation)?;
    plain(f, "max_instances", settings.max_instances)
}

/// A policy's setting in TOML's inline form. What its name gives away as a secret is not shown.
fn json(name: &str, value: &Value) -> String {
    let lower = name.to_ascii_lowercase();
    let secret = ["password", "secret", "token", "key", "salt", "pepper"];
    match value {
        Value::String(_) if secret.iter().any(|word| lower.contains(word)) => quoted(HIDDEN),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(|item| json(name, item)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let members: Vec<_> = members
                .iter()
                .map(|(name, value)| format!("{} = {}", key(name), json(name, value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
        other => other.to_string(),
    }
}

fn section(f: &mut Formatter<'_>, header: &str) -> fmt::Result {
    write!(f, "\n{header}\n")
}

fn text(f: &mut Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{name} = {}", quoted(&value.to_string()))
}

fn plain(f: &mut Formatter<'_>, name: &str, value: impl Display) -> fmt::Result {
    writeln!(f, "{name} = {value}")
}

fn list(f: &mut Formatter<'_>, name: &str, items: &[impl AsRef<str>]) -> fmt::Result {
    let items: Vec<_> = items.iter().map(|item| quoted(item.as_ref())).collect();
    writeln!(f, "{name} = [{}]", items.join(", "))
}

/// A TOML basic string (TOML 1.0, "String"), on one line whatever it holds.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A key as it must be written: bare where TOML allows it.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

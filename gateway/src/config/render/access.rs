//! Who can connect to what: issuers, client certificates, databases and grants.

use std::fmt::{self, Formatter};

use super::HIDDEN;
use super::shown::{Shown, key, list};
use crate::config::Config;
use crate::config::choices::{KEEP, LITERALS, POOL, SESSION_ATTRIBUTES, TLS_MODE};
use crate::config::keys::{CATALOG, CLAIMS, CLIENT_CERTIFICATE, DATABASE, GRANT, ISSUER};
use crate::config::units::duration_text;
use crate::identity::{
    Algorithm, CertificateName, CertificateRule, Database, GrantRule, IssuerSettings,
};
use crate::pool::PoolMode;
use crate::upstream::{Credential, Roots};

pub(super) fn access(f: &mut Formatter<'_>, config: &Config) -> fmt::Result {
    config.issuers.iter().try_for_each(|one| issuer(f, one))?;
    let certificates = config.listen.certificates.rules();
    certificates
        .iter()
        .try_for_each(|one| certificate(f, one))?;
    config
        .grants
        .databases()
        .try_for_each(|one| database(f, one))?;
    config
        .grants
        .rules()
        .iter()
        .try_for_each(|one| grant(f, one))
}

fn issuer(f: &mut Formatter<'_>, issuer: &IssuerSettings) -> fmt::Result {
    let mut shown = Shown::begin(f, &ISSUER)?;
    shown.string("url", &issuer.url)?;
    shown.list("audience", &issuer.audiences)?;
    let algorithms = issuer.algorithms.iter().copied();
    let algorithms: Vec<_> = algorithms.map(Algorithm::name).collect();
    shown.list("algorithms", &algorithms)?;
    shown.string("clock_skew", duration_text(issuer.clock_skew))?;
    match &issuer.jwks_url {
        Some(url) => shown.string("jwks_url", url)?,
        None => shown.absent("jwks_url")?,
    }
    match &issuer.ca_pem {
        Some(pem) => shown.note("ca", format_args!("{} bytes of certificates", pem.len()))?,
        None => shown.absent("ca")?,
    }
    shown.string("refresh", duration_text(issuer.keys.refresh))?;
    shown.string("stale_keys", duration_text(issuer.keys.stale))?;
    shown.string("timeout", duration_text(issuer.keys.timeout))?;
    shown.finish()?;
    let claims = &issuer.claims;
    let mut shown = Shown::begin(f, &CLAIMS)?;
    shown.string("subject", &claims.subject)?;
    shown.string("groups", &claims.groups)?;
    shown.string("agent", &claims.agent)?;
    shown.string("task", &claims.task)?;
    shown.finish()?;
    let paths = claims.attributes.iter();
    open(
        f,
        "[issuer.claims.attributes]",
        paths.map(|(name, path)| (name, super::quoted(&path.to_string()))),
    )?;
    let groups = issuer.subject_groups.iter();
    open(
        f,
        "[issuer.subject_groups]",
        groups.map(|(subject, groups)| (subject, list(groups))),
    )
}

/// A table whose keys are the operator's own.
fn open<'k>(
    f: &mut Formatter<'_>,
    heading: &str,
    entries: impl ExactSizeIterator<Item = (&'k String, String)>,
) -> fmt::Result {
    if entries.len() > 0 {
        write!(f, "\n{heading}\n")?;
    }
    for (name, value) in entries {
        writeln!(f, "{} = {value}", key(name))?;
    }
    Ok(())
}

fn certificate(f: &mut Formatter<'_>, rule: &CertificateRule) -> fmt::Result {
    let mut shown = Shown::begin(f, &CLIENT_CERTIFICATE)?;
    shown.omit(&["uri", "common_name", "distinguished_name"]);
    match &rule.name {
        CertificateName::Uri(uri) => shown.string("uri", uri)?,
        CertificateName::CommonName(name) => shown.string("common_name", name)?,
        CertificateName::DistinguishedName(name) => shown.string("distinguished_name", name)?,
    }
    shown.string("subject", &rule.subject)?;
    shown.list("groups", &rule.groups)?;
    match &rule.agent {
        Some(agent) => shown.string("agent", agent)?,
        None => shown.absent("agent")?,
    }
    shown.finish()
}

fn database(f: &mut Formatter<'_>, database: &Database) -> fmt::Result {
    let mut shown = Shown::begin(f, &DATABASE)?;
    shown.string("name", &database.name)?;
    let hosts = database.hosts.iter();
    let hosts: Vec<_> = hosts.map(|(host, port)| host_text(host, *port)).collect();
    shown.omit(&["host", "hosts", "port"]);
    match database.hosts.as_slice() {
        [(directory, port)] if directory.starts_with('/') => {
            shown.string("host", directory)?;
            shown.plain("port", port)?;
        }
        _ => shown.list("hosts", &hosts)?,
    }
    match &database.dbname {
        Some(dbname) => shown.string("dbname", dbname)?,
        None => shown.note("dbname", "the name the client used")?,
    }
    shown.string("tls", TLS_MODE.name(database.tls.mode()))?;
    match &database.roots {
        Roots::File(ca) => shown.string("ca", ca.display())?,
        _ => shown.absent("ca")?,
    }
    let attributes = SESSION_ATTRIBUTES.name(database.session_attributes);
    shown.string("target_session_attrs", attributes)?;
    let timeout = duration_text(database.connect_timeout);
    shown.string("connect_timeout", timeout)?;
    match database.max_connections {
        Some(limit) => shown.plain("max_connections", limit)?,
        None => shown.absent("max_connections")?,
    }
    let age = duration_text(database.catalog_max_age);
    shown.string("catalog_max_age", age)?;
    let pool = &database.pool;
    shown.string("pool", POOL.name(pool.mode))?;
    if pool.mode == PoolMode::None {
        shown.omit(&["pool_size", "pool_wait", "pool_idle", "pool_max_age"]);
    } else {
        shown.plain("pool_size", pool.size)?;
        shown.string("pool_wait", duration_text(pool.wait))?;
        shown.string("pool_idle", duration_text(pool.idle))?;
        shown.string("pool_max_age", duration_text(pool.max_age))?;
    }
    match database.record.keep {
        Some(keep) => shown.string("record", KEEP.name(keep))?,
        None => shown.absent("record")?,
    }
    match database.record.literals {
        Some(literals) => shown.string("record_literals", LITERALS.name(literals))?,
        None => shown.absent("record_literals")?,
    }
    match database.record.retention {
        Some(retention) => shown.string("record_retention", duration_text(retention))?,
        None => shown.absent("record_retention")?,
    }
    shown.finish()?;
    if let Some(catalog) = &database.catalog {
        let mut shown = Shown::begin(f, &CATALOG)?;
        shown.string("user", &catalog.user)?;
        credential(&mut shown, &catalog.credential)?;
        shown.finish()?;
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

fn grant(f: &mut Formatter<'_>, rule: &GrantRule) -> fmt::Result {
    let mut shown = Shown::begin(f, &GRANT)?;
    shown.list("groups", &rule.groups)?;
    match rule.issuers.is_empty() {
        true => shown.absent("issuers")?,
        false => shown.list("issuers", &rule.issuers)?,
    }
    shown.list("databases", &rule.databases)?;
    shown.string("role", &rule.role)?;
    credential(&mut shown, &rule.credential)?;
    shown.finish()
}

pub(super) fn credential(shown: &mut Shown<'_, '_>, credential: &Credential) -> fmt::Result {
    shown.omit(&[
        "password",
        "password_file",
        "password_env",
        "password_command",
        "password_command_cache",
        "password_command_timeout",
    ]);
    match credential {
        Credential::None => shown.absent("password"),
        Credential::Inline(_) => shown.string("password", HIDDEN),
        Credential::File(path) => shown.string("password_file", path.display()),
        Credential::Environment { name, .. } => shown.string("password_env", name),
        Credential::Command(command) => {
            // Arguments may contain secrets too.
            let arguments = (0..command.arguments()).map(|_| HIDDEN.to_owned());
            let program = command.program().display().to_string();
            let words: Vec<_> = std::iter::once(program).chain(arguments).collect();
            shown.list("password_command", &words)?;
            shown.string("password_command_cache", duration_text(command.keep()))?;
            shown.string("password_command_timeout", duration_text(command.limit()))
        }
    }
}

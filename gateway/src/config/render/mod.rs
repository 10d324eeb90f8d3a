//! What `gatewright check` prints: the configuration as TOML, with every default filled in and no secret shown.

mod access;
mod approvals;
mod policies;
mod shown;
mod streams;

use std::fmt::{self, Display, Formatter};

use super::choices::{
    AUTHENTICATION, CLEARTEXT_PASSWORD, DURABILITY, KEEP, LITERALS, LOG_FORMAT, WHEN_UNWRITABLE,
};
use super::keys::{ADMIN, LIMITS, LISTEN, LOG, OAUTH, RECORD, RECORD_MASK, TLS, TOKENS};
use super::units::{duration_text, size_text};
use super::{Config, Listen, TlsFiles};
use crate::library::{LibrarySettings, MaskedColumn};
use crate::recording::RecordSettings;
use shown::Shown;

pub use shown::quoted;

/// Stands for a secret.
const HIDDEN: &str = "(hidden)";

impl Display for Config {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        listen(f, &self.listen)?;
        if let Some(admin) = &self.admin {
            let mut shown = Shown::begin(f, &ADMIN)?;
            shown.string("address", admin.address)?;
            shown.list("hosts", &admin.hosts)?;
            shown.finish()?;
        }
        let mut shown = Shown::begin(f, &LOG)?;
        shown.string("level", &self.log.level)?;
        shown.string("format", LOG_FORMAT.name(self.log.format))?;
        shown.finish()?;
        let mut shown = Shown::begin(f, &TOKENS)?;
        shown.string("cache", duration_text(self.verifier.cache))?;
        shown.plain("cache_entries", self.verifier.cache_entries)?;
        shown.string("grace", duration_text(self.token_grace))?;
        shown.finish()?;
        access::access(f, self)?;
        if let Some(approvals) = &self.approvals {
            approvals::approvals(f, approvals)?;
        }
        if let Some(record) = &self.record {
            self::record(f, record, &self.library)?;
        }
        if let Some(streams) = &self.streams {
            streams::streams(f, streams)?;
        }
        if let Some(traces) = &self.traces {
            streams::traces(f, traces)?;
        }
        policies::policies(f, &self.policies)
    }
}

fn record(
    f: &mut Formatter<'_>,
    record: &RecordSettings,
    library: &LibrarySettings,
) -> fmt::Result {
    let mut shown = Shown::begin(f, &RECORD)?;
    shown.string("directory", record.directory.display())?;
    shown.string("key_file", record.key_file.display())?;
    shown.string("durability", DURABILITY.name(record.durability))?;
    shown.string(
        "when_unwritable",
        WHEN_UNWRITABLE.name(record.when_unwritable),
    )?;
    shown.string("interval", duration_text(record.interval))?;
    shown.string("keep", KEEP.name(record.keep))?;
    shown.string("literals", LITERALS.name(record.literals))?;
    match record.session_limit {
        Some(limit) => shown.string("session_limit", size_text(limit))?,
        None => shown.absent("session_limit")?,
    }
    match record.retention.all {
        Some(retention) => shown.string("retention", duration_text(retention))?,
        None => shown.absent("retention")?,
    }
    match &record.recipients {
        Some(recipients) => shown.list("recipients", recipients.texts())?,
        None => shown.absent("recipients")?,
    }
    shown.string("index", KEEP.name(library.index))?;
    shown.list("viewers", &library.viewers)?;
    match &record.store {
        Some(place) => shown.string("store", place)?,
        None => shown.absent("store")?,
    }
    match record.keep_local {
        Some(keep) => shown.string("keep_local", duration_text(keep))?,
        None => shown.absent("keep_local")?,
    }
    match record.upload_backlog {
        Some(limit) => shown.string("upload_backlog", size_text(limit))?,
        None => shown.absent("upload_backlog")?,
    }
    match &record.checkpoints {
        Some(place) => shown.string("checkpoints", place)?,
        None => shown.absent("checkpoints")?,
    }
    shown.string(
        "checkpoint_interval",
        duration_text(record.checkpoint_interval),
    )?;
    shown.string("max_segment", size_text(record.max_segment))?;
    shown.finish()?;
    for mask in &library.masks {
        let mut shown = Shown::begin(f, &RECORD_MASK)?;
        let columns = mask.columns.iter().map(MaskedColumn::text);
        shown.list("columns", &columns.collect::<Vec<_>>())?;
        shown.list("groups", &mask.groups)?;
        shown.finish()?;
    }
    Ok(())
}

fn listen(f: &mut Formatter<'_>, listen: &Listen) -> fmt::Result {
    let handshake = &listen.handshake;
    let mut shown = Shown::first(f, &LISTEN, LISTEN.heading)?;
    shown.string("address", listen.address)?;
    let cleartext = CLEARTEXT_PASSWORD.name(handshake.cleartext_password);
    shown.string("cleartext_password", cleartext)?;
    shown.plain("allow_plaintext", listen.allow_plaintext)?;
    let authentication = AUTHENTICATION.name(handshake.authentication);
    shown.string("authentication", authentication)?;
    shown.finish()?;
    if let Some(discovery) = &handshake.discovery {
        let mut shown = Shown::begin(f, &OAUTH)?;
        shown.string("issuer", &discovery.issuer)?;
        shown.string("scope", &discovery.scope)?;
        shown.finish()?;
    }
    if let Some(files) = &listen.tls {
        tls(f, files)?;
    }
    limits(f, listen)
}

fn tls(f: &mut Formatter<'_>, tls: &TlsFiles) -> fmt::Result {
    let mut shown = Shown::begin(f, &TLS)?;
    shown.string("certificate", tls.certificate.display())?;
    shown.string("key", tls.key.display())?;
    match &tls.client_ca {
        Some(ca) => shown.string("client_ca", ca.display())?,
        None => shown.absent("client_ca")?,
    }
    let lists = tls.client_crl.iter();
    let lists: Vec<_> = lists.map(|path| path.display().to_string()).collect();
    match lists.is_empty() {
        true => shown.absent("client_crl")?,
        false => shown.list("client_crl", &lists)?,
    }
    shown.finish()
}

fn limits(f: &mut Formatter<'_>, listen: &Listen) -> fmt::Result {
    let (limits, handshake) = (&listen.limits, &listen.handshake);
    let backoff = &limits.login_backoff;
    let mut shown = Shown::begin(f, &LIMITS)?;
    shown.plain("max_connections", limits.max_connections)?;
    shown.plain("max_handshakes", limits.max_handshakes)?;
    shown.plain(
        "max_handshakes_per_address",
        limits.max_handshakes_per_address,
    )?;
    match limits.max_connections_per_identity {
        Some(limit) => shown.plain("max_connections_per_identity", limit)?,
        None => shown.absent("max_connections_per_identity")?,
    }
    for (name, duration) in [
        ("handshake_timeout", handshake.handshake_timeout),
        ("authentication_timeout", handshake.authentication_timeout),
        ("failure_delay", backoff.first),
        ("failure_delay_max", backoff.most),
        ("failure_memory", backoff.memory),
    ] {
        shown.string(name, duration_text(duration))?;
    }
    shown.string("max_message", size_text(limits.max_message as u64))?;
    shown.string("max_statement", size_text(limits.max_statement as u64))?;
    match limits.idle_timeout {
        Some(timeout) => shown.string("idle_timeout", duration_text(timeout))?,
        None => shown.absent("idle_timeout")?,
    }
    shown.finish()
}

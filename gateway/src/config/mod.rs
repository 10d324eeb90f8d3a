//! Reads `gatewright.toml` and gives each module its settings, or every error of the file in one report.
//! It does not know what a module does with its settings. Each key is defined once, in `keys`.
//! Next module: `app`, which builds the gateway from a `Config`.

mod approvals;
mod choices;
mod client;
mod command;
mod console;
mod database;
mod files;
mod issuer;
mod keys;
mod limits;
mod listen;
mod person;
mod policies;
mod record;
mod render;
mod report;
mod section;
mod source;
mod stream;
mod traces;
mod units;
mod values;
mod webhook;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::identity::{Grants, IssuerSettings, VerifierSettings};
use crate::library::LibrarySettings;
use crate::recording::{DatabaseRecord, RecordSettings};

pub use approvals::{Api, Approvals, PortTls};
pub use choices::parse_pool;
pub use console::Console;
pub use limits::{Limits, LoginBackoff};
pub use listen::{Admin, Listen, Log, LogFormat, TlsFiles};
pub use person::{Person, Profile, gateway_address, person};
pub use policies::Policies;
pub use render::quoted;
pub use report::{ConfigError, Report};
pub use stream::ConfiguredStreams;
pub use traces::ConfiguredTraces;
pub use units::parse_duration;
pub use webhook::Webhook;

use keys::{CONFIGURATION, OPEN};
use source::Source;

/// A configuration file, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub listen: Listen,
    pub admin: Option<Admin>,
    pub log: Log,
    /// Empty only where all clients log in with certificates.
    pub issuers: Vec<IssuerSettings>,
    pub verifier: VerifierSettings,
    /// How long a session may outlive its token.
    pub token_grace: Duration,
    /// The databases and who can connect to them.
    pub grants: Grants,
    pub policies: Policies,
    pub approvals: Option<Approvals>,
    /// `None`: sessions are not recorded.
    pub record: Option<RecordSettings>,
    /// Of the record: who sees what of it, and what is indexed.
    pub library: LibrarySettings,
    /// `None`: nobody is told what became of statements.
    pub streams: Option<ConfiguredStreams>,
    /// `None`: statements have no spans.
    pub traces: Option<ConfiguredTraces>,
}

/// Reads and checks a configuration file. Relative paths in it are relative to its directory.
///
/// # Errors
/// Every error found, with its place in the file.
pub fn load(path: &Path) -> Result<Config, Report> {
    let text = read(path)?;
    let source = Source::new(path, &text);
    let document = source.parse();
    let root = source.root(&document, &CONFIGURATION);
    let issuers = issuer::issuers(&root);
    let rules = client::rules(&root);
    let listen = listen::listen(&root, &issuers, &rules);
    let admin = listen::admin(&root);
    let log = listen::log(&root);
    let (verifier, token_grace) = issuer::tokens(&root);
    let grants = database::grants(&root, &issuers, !rules.is_empty());
    let policies = policies::policies(&root);
    let approvals = approvals::approvals(&root, &issuers);
    let (record, library) = record::record(&root).unzip();
    let record = record.map(|record: RecordSettings| record::with_databases(record, &grants));
    let of_databases = |grants: &Grants| {
        let mut databases = grants.databases();
        databases.any(|database| database.record != DatabaseRecord::default())
    };
    if record.is_none() && of_databases(&grants) {
        root.error_here("the keys `record…` of a [[database]] have no effect without [record]");
    }
    let streams = stream::streams(&root, record.as_ref());
    let traces = traces::traces(&root);
    root.finish();
    source.outcome(Config {
        listen,
        admin,
        log,
        issuers,
        verifier,
        token_grace,
        grants,
        policies,
        approvals,
        record,
        library: library.unwrap_or_default(),
        streams,
        traces,
    })
}

/// Reads a file with one table of settings per policy name, for `gatewright dev --settings`.
///
/// # Errors
/// Every error found, with its place in the file.
pub fn settings_file(path: &Path) -> Result<BTreeMap<String, serde_json::Value>, Report> {
    let text = read(path)?;
    let source = Source::new(path, &text);
    let document = source.parse();
    let settings = policies::settings_tables(&source.root(&document, &OPEN));
    source.outcome(settings)
}

fn read(path: &Path) -> Result<String, Report> {
    std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read: {error}");
        Report::of(ConfigError {
            file: path.to_owned(),
            line: 0,
            column: 0,
            message,
        })
    })
}

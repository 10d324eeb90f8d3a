//! The server, identity and policies with which statements are explained.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Context, Result, anyhow, bail};

use super::ExplainArguments;
use crate::app::{PolicySource, PreviewSettings};
use crate::cli::serve;
use crate::config::{self, Config, Limits};
use crate::identity::{CERTIFICATE, GrantError, Identity};
use crate::upstream::Target;

/// The default subject.
const SOMEBODY: &str = "somebody";

/// The setup for the client that sends the statements.
pub(super) enum Setup {
    Granted(Box<PreviewSettings>, Box<PolicySource>),
    NoGrant(GrantError),
}

pub(super) fn of(arguments: &ExplainArguments) -> Result<Setup> {
    if let Some(path) = &arguments.config {
        return of_config(arguments, path);
    }
    let dsn = arguments.upstream.as_deref().unwrap_or_default();
    let target: Target = dsn.parse().context("--upstream")?;
    let tables = match &arguments.settings {
        Some(file) => config::settings_file(file).map_err(|report| anyhow!("{report}"))?,
        None => BTreeMap::new(),
    };
    let policies = PolicySource::of_directory(arguments.policies.clone(), tables);
    let identity = identity(arguments, "gatewright explain".to_owned());
    Ok(Setup::Granted(
        Box::new(PreviewSettings::of_target(
            target,
            identity,
            Limits::default().max_statement,
        )),
        Box::new(policies),
    ))
}

fn of_config(arguments: &ExplainArguments, path: &Path) -> Result<Setup> {
    let config = config::load(path).map_err(|report| anyhow!("{report}"))?;
    let database = arguments.database.as_deref().unwrap_or_default();
    let identity = identity(arguments, issuer(arguments.issuer.as_deref(), &config)?);
    let grant = match config.grants.resolve(&identity, database) {
        Ok(grant) => grant,
        Err(error) => return Ok(Setup::NoGrant(error)),
    };
    let max_statement = config.listen.limits.max_statement;
    let settings = PreviewSettings::of_grant(grant, database, identity, max_statement);
    Ok(Setup::Granted(
        Box::new(PreviewSettings {
            asks_people: config.approvals.is_some(),
            ..settings
        }),
        Box::new(serve::policy_source(&config)),
    ))
}

fn identity(arguments: &ExplainArguments, issuer: String) -> Identity {
    let (subject, groups) = match &arguments.person {
        Some(person) => (Some(&person.subject), &person.groups),
        None => (arguments.subject.as_ref(), &arguments.groups),
    };
    Identity {
        subject: subject.map_or_else(|| SOMEBODY.to_owned(), String::clone),
        issuer,
        groups: groups.clone(),
        agent: arguments.agent.clone(),
        task: arguments.task.clone(),
        program: false,
        attributes: Vec::new(),
        expires_at: SystemTime::now(),
    }
}

/// The issuer of the client's identity. Grants and policies can depend on it, so it is never guessed.
fn issuer(given: Option<&str>, config: &Config) -> Result<String> {
    let mut known: Vec<&str> = config
        .issuers
        .iter()
        .map(|issuer| issuer.url.as_str())
        .collect();
    if !config.listen.certificates.rules().is_empty() {
        known.push(CERTIFICATE);
    }
    match (given, known.as_slice()) {
        (Some(given), known) if known.contains(&given) => Ok(given.to_owned()),
        (Some(given), _) => bail!(
            "--issuer: {given} is not configured; configured issuers: {}",
            known.join(", ")
        ),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => bail!(
            "the configuration has several issuers; select one with --issuer: {}",
            known.join(", ")
        ),
    }
}

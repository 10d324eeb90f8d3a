//! `gatewright policy inspect`: what a policy is, and whether the gateway would load it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use gatewright_policy_host::{Described, Policy, describe};
use serde_json::{Value, json};

use crate::app;

/// Prints what is known, also of a policy that cannot be started.
///
/// # Errors
/// It would not be loaded.
pub(super) fn run(file: &Path, settings: Option<&Path>, as_json: bool) -> Result<()> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    let name = file.file_stem().unwrap_or_default().to_string_lossy();
    let described = describe(&name, &bytes)?;
    let source = super::source(file, settings)?;
    let metrics = Arc::new(app::metrics()?);
    let policies = source.open(metrics)?;
    let current = policies.current();
    let loaded = current.policies.first().map(Arc::as_ref);
    let mut out = io::stdout().lock();
    match as_json {
        true => writeln!(out, "{:#}", in_json(&described, loaded))?,
        false => out.write_all(text(&described, loaded).as_bytes())?,
    }
    match current.missing.first() {
        None => Ok(()),
        Some(missing) => Err(anyhow!("{}", missing.reason)),
    }
}

fn text(described: &Described, loaded: Option<&Policy>) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text.push_str(&format!("{name:<13}{value}\n"));
    if let Some(policy) = loaded {
        line("policy", &format!("{} {}", policy.name(), policy.version()));
        line("description", policy.description());
        line("hooks", &hooks(policy).join(", "));
    }
    let form = match described.is_component {
        true => "component",
        false => "core module",
    };
    line("contract", &format!("{} ({form})", described.contract));
    line("imports", &described.imports.join("\n             "));
    line("size", &format!("{} bytes", described.bytes));
    line("sha256", &described.digest);
    if let Some(schema) = loaded.and_then(Policy::settings_schema) {
        line("settings", schema);
    }
    text
}

fn in_json(described: &Described, loaded: Option<&Policy>) -> Value {
    json!({
        "policy": loaded.map(Policy::name),
        "version": loaded.map(Policy::version),
        "description": loaded.map(Policy::description),
        "hooks": loaded.map(hooks),
        "contract": described.contract,
        "form": if described.is_component { "component" } else { "core-module" },
        "imports": described.imports,
        "bytes": described.bytes,
        "sha256": described.digest,
        "settings_schema": loaded.and_then(Policy::settings_schema),
    })
}

/// Their names as in the contract.
fn hooks(policy: &Policy) -> Vec<String> {
    let names = policy.hooks().iter_names();
    names
        .map(|(name, _)| name.to_ascii_lowercase().replace('_', "-"))
        .collect()
}

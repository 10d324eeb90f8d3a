//! The policies, and how they are run.

use std::fmt::{self, Formatter};

use gatewright_policy_host::PolicySettings;
use serde_json::Value;

use super::HIDDEN;
use super::shown::{Shown, key, quoted};
use crate::config::Policies;
use crate::config::choices::{ISOLATION, MODE};
use crate::config::keys::{POLICIES, POLICY};
use crate::config::units::{duration_text, size_text};

pub(super) fn policies(f: &mut Formatter<'_>, policies: &Policies) -> fmt::Result {
    let Some(directory) = &policies.directory else {
        return f.write_str("\n# no [policies]: every statement is allowed\n");
    };
    let mut shown = Shown::begin(f, &POLICIES)?;
    shown.string("directory", directory.display())?;
    match &policies.host.cache_directory {
        Some(cache) => shown.string("cache_directory", cache.display())?,
        None => shown.absent("cache_directory")?,
    }
    let required = policies
        .policies
        .iter()
        .filter(|(_, settings)| settings.required);
    let required: Vec<_> = required.map(|(name, _)| name.as_str()).collect();
    shown.list("required", &required)?;
    shown.list("order", &policies.order)?;
    run(&mut shown, &policies.default)?;
    shown.finish()?;
    for (name, settings) in &policies.policies {
        let mut shown = Shown::headed(f, &POLICY, &format!("[policy.{}]", key(name)))?;
        run(&mut shown, settings)?;
        shown.finish()?;
        if let Value::Object(own) = &settings.settings
            && !own.is_empty()
        {
            write!(f, "\n[policy.{}.settings]\n", key(name))?;
            for (setting, value) in own {
                writeln!(f, "{} = {}", key(setting), json(setting, value))?;
            }
        }
    }
    Ok(())
}

fn run(shown: &mut Shown<'_, '_>, settings: &PolicySettings) -> fmt::Result {
    shown.string("mode", MODE.name(settings.mode))?;
    shown.string("deadline", duration_text(settings.deadline))?;
    shown.string("wait", duration_text(settings.wait))?;
    shown.string("memory", size_text(settings.memory_bytes as u64))?;
    shown.string("isolation", ISOLATION.name(settings.isolation))?;
    shown.plain("max_instances", settings.max_instances)
}

/// A policy's setting in TOML's inline form. One whose name suggests a secret is not shown.
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

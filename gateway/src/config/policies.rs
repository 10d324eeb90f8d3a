//! `[policies]` and `[policy.NAME]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gatewright_policy_host::{HostSettings, PolicySettings};
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::DeValue;

use super::choices::{ISOLATION, MODE};
use super::files;
use super::keys::OPEN;
use super::section::{At, Section, suggestion};
use super::values::plain;

/// Which policies there are and how each is run.
#[derive(Clone, Debug)]
pub struct Policies {
    /// Without it no policy runs.
    pub directory: Option<PathBuf>,
    pub host: HostSettings,
    /// Policies with settings of their own, by name.
    pub policies: BTreeMap<String, PolicySettings>,
    /// For policies without an entry.
    pub default: PolicySettings,
    /// Names in the order in which they judge; others follow by name.
    pub order: Vec<String>,
}

pub(super) fn policies(root: &Section<'_, '_>) -> Policies {
    let mut policies = Policies {
        directory: None,
        host: HostSettings::default(),
        policies: BTreeMap::new(),
        default: PolicySettings::default(),
        order: Vec::new(),
    };
    let mut required = Vec::new();
    if let Some(section) = root.section("policies") {
        required = chain(&section, &mut policies);
        section.finish();
    }
    if let Some(value) = root.value("policy")
        && !root.has("policies")
    {
        root.error(
            value.span().start,
            "settings of policies have no effect without [policies] and its `directory`",
        );
    }
    for (name, section) in root.named("policy") {
        let settings = policy(section, &policies.default);
        policies.policies.insert(name.value.to_owned(), settings);
    }
    for name in required {
        let settings = policies
            .policies
            .entry(name)
            .or_insert_with(|| policies.default.clone());
        settings.required = true;
    }
    policies
}

/// Reads `[policies]`; gives the names of the required ones.
fn chain(section: &Section<'_, '_>, policies: &mut Policies) -> Vec<String> {
    section.require("directory");
    let directory = section.path("directory");
    policies.host.cache_directory = section.path("cache_directory").map(|path| path.value);
    run(section, &mut policies.default);
    let required = section.strings("required");
    let order = section.strings("order");
    if let Some(directory) = &directory
        && files::check_directory(section, directory)
    {
        check_presence(section, &directory.value, &required);
    }
    let mut seen = BTreeSet::new();
    for name in &order {
        if !seen.insert(&name.value) {
            section.error(name.at, format!("`order` names {} twice", name.value));
        }
    }
    policies.directory = directory.map(|path| path.value);
    policies.order = plain(order);
    plain(required)
}

fn check_presence(section: &Section<'_, '_>, directory: &Path, required: &[At<String>]) {
    let present = names_in(directory);
    for name in required {
        if present.contains(&name.value) {
            continue;
        }
        let advice = suggestion(&name.value, present.iter().map(String::as_str));
        let shown = directory.display();
        section.error(
            name.at,
            format!(
                "the required policy \"{}\" does not exist: {shown} has no {}.wasm{advice}",
                name.value, name.value
            ),
        );
    }
}

/// A policy's name is its file's name without `.wasm`.
fn names_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "wasm")
        })
        .filter_map(|path| path.file_stem()?.to_str().map(str::to_owned))
        .collect()
}

fn policy(section: Section<'_, '_>, default: &PolicySettings) -> PolicySettings {
    let mut settings = default.clone();
    run(&section, &mut settings);
    if let Some(own) = section.section("settings") {
        settings.settings = Value::Object(object(&own));
    }
    section.finish();
    settings
}

/// How a policy is run: for all policies, or what differs for one.
fn run(section: &Section<'_, '_>, settings: &mut PolicySettings) {
    if let Some(mode) = section.choice("mode", &MODE) {
        settings.mode = mode;
    }
    if let Some(deadline) = section.duration("deadline") {
        settings.deadline = deadline;
    }
    if let Some(wait) = section.duration("wait") {
        settings.wait = wait;
    }
    if let Some(memory) = section.size("memory") {
        settings.memory_bytes = memory;
    }
    if let Some(isolation) = section.choice("isolation", &ISOLATION) {
        settings.isolation = isolation;
    }
    if let Some(instances) = section.integer("max_instances") {
        settings.max_instances = instances;
    }
}

/// Reads a file that is nothing but one table of settings per policy.
pub(super) fn settings_tables(root: &Section<'_, '_>) -> BTreeMap<String, Value> {
    let mut tables = BTreeMap::new();
    for (name, value) in root.entries() {
        if let Some(section) = root.table_of(name.value, value, &OPEN) {
            tables.insert(name.value.to_owned(), Value::Object(object(&section)));
        }
    }
    tables
}

fn object(section: &Section<'_, '_>) -> Map<String, Value> {
    section
        .entries()
        .map(|(name, value)| (name.value.to_owned(), json(section, value)))
        .collect()
}

/// Policies read their settings as JSON, which has neither dates nor infinity.
fn json(section: &Section<'_, '_>, value: &Spanned<DeValue<'_>>) -> Value {
    let refuse = |what: &str| {
        section.error(
            value.span().start,
            format!("{what} cannot be passed to a policy"),
        );
        Value::Null
    };
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| refuse("an integer of more than 64 bits"), Value::from),
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().and_then(Number::from_f64);
            number.map_or_else(|| refuse("a number that is not finite"), Value::Number)
        }
        DeValue::Array(items) => items.iter().map(|item| json(section, item)).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), json(section, value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}

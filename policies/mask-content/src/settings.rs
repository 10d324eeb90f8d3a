//! The settings of mask-content, and the rules and detectors made from them.

use std::collections::{BTreeMap, BTreeSet};

use gatewright_detectors::{Country, Detectors, Kind};
use serde::Deserialize;

/// The policy's section of the configuration. README.md documents each key.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    #[serde(default)]
    detectors: BTreeMap<String, Detector>,
    #[serde(default)]
    pub default_action: Action,
    #[serde(default = "one")]
    pub default_threshold: u32,
    #[serde(default)]
    countries: Option<Vec<String>>,
    #[serde(default)]
    pub exempt_groups: BTreeSet<String>,
    /// Columns to skip, as `schema.table.column`.
    #[serde(default)]
    pub ignore_columns: Vec<String>,
    #[serde(default)]
    pub numbers: bool,
}

fn one() -> u32 {
    1
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detector {
    enabled: Option<bool>,
    action: Option<Action>,
    threshold: Option<u32>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    #[default]
    Redact,
    Partial,
    Null,
    Refuse,
}

/// How matches of one kind are treated.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    pub action: Action,
    /// How many values of a column in one batch must contain a match before the action applies.
    pub threshold: u32,
}

impl Settings {
    /// One rule for each kind, in the order of `Kind::ALL`.
    pub fn rules(&self) -> Result<[Rule; Kind::ALL.len()], String> {
        let default = Rule {
            action: self.default_action,
            threshold: self.default_threshold,
        };
        let mut rules = [default; Kind::ALL.len()];
        for (kind, detector) in self.named()? {
            if let Some(rule) = rules.get_mut(kind as usize) {
                rule.action = detector.action.unwrap_or(rule.action);
                rule.threshold = detector.threshold.unwrap_or(rule.threshold);
            }
        }
        if rules.iter().any(|rule| rule.threshold == 0) {
            return Err("a threshold must be at least 1".to_owned());
        }
        Ok(rules)
    }

    /// The detectors that are enabled.
    pub fn enabled_detectors(&self) -> Result<Detectors, String> {
        let named = self.named()?;
        let off = |kind: &Kind| {
            let mut named = named.iter();
            named.any(|(name, detector)| name == kind && detector.enabled == Some(false))
        };
        let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| !off(kind)).collect();
        if kinds.is_empty() {
            return Err(
                "every detector is disabled; enable at least one or remove the policy".to_owned(),
            );
        }
        Ok(Detectors::new(&kinds, &self.countries()?))
    }

    fn countries(&self) -> Result<Vec<Country>, String> {
        let Some(named) = &self.countries else {
            // One in eleven numbers of nine digits is a valid BSN by chance: the Netherlands must be enabled explicitly.
            return Ok(Country::ALL
                .into_iter()
                .filter(|country| *country != Country::Nl)
                .collect());
        };
        let country = |code: &String| one_of("countries", code, &Country::ALL, Country::code);
        named.iter().map(country).collect()
    }

    fn named(&self) -> Result<Vec<(Kind, &Detector)>, String> {
        let detectors = self.detectors.iter();
        detectors
            .map(|(name, detector)| {
                let kind = one_of("detectors", name, &Kind::ALL, Kind::name)?;
                Ok((kind, detector))
            })
            .collect()
    }
}

/// The value with this name; the error lists the known names.
fn one_of<T: Copy>(
    setting: &str,
    name: &str,
    all: &[T],
    name_of: fn(T) -> &'static str,
) -> Result<T, String> {
    let mut named = all.iter().copied();
    named.find(|one| name_of(*one) == name).ok_or_else(|| {
        let known: Vec<&str> = all.iter().map(|one| name_of(*one)).collect();
        format!(
            "setting {setting}: \"{name}\" is not one of {}",
            known.join(", ")
        )
    })
}

//! Permits statements that only read. It lists the commands it knows and refuses all others; functions in C are not
//! analysed. The rules are in `judge`.

mod judge;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use gatewright_policy::name::Names;
use gatewright_policy::{Facts, Policy, Statement, Verdict, export};
use serde::Deserialize;

/// The policy's section of the configuration. README.md documents each key.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    functions: Names,
    exempt_groups: BTreeSet<String>,
}

struct ReadOnly {
    settings: Settings,
}

impl Policy for ReadOnly {
    type Settings = Settings;
    const DESCRIPTION: &'static str = "Permits statements that only read and refuses those that write, lock, define or cannot be analysed";

    fn new(settings: Settings) -> Result<Self, String> {
        Ok(Self { settings })
    }

    fn on_statement(&mut self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        if facts.identity.in_any(&self.settings.exempt_groups) {
            return Verdict::reusable();
        }
        let refusal = judge::refusal(facts, &self.settings.functions)
            .or_else(|| judge::setting(&statement.settings()))
            .or_else(|| judge::setting(&statement.session().settings));
        match refusal {
            Some(denial) => denial.into(),
            None => Verdict::reusable(),
        }
    }
}

export!(ReadOnly);

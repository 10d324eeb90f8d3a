//! Lets statements read and nothing else. It knows commands by name and refuses those it does not know.
//! It cannot look into functions of the database's own. Next: `judge`.

mod judge;
#[cfg(test)]
mod tests;

use gatewright_policy::name::Qualified;
use gatewright_policy::{Facts, Policy, Statement, Verdict, export};
use serde::Deserialize;

/// The policy's section of the configuration; README.md says what each key means.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    functions: Vec<Qualified>,
    exempt_groups: Vec<String>,
}

struct ReadOnly {
    settings: Settings,
}

impl Policy for ReadOnly {
    type Settings = Settings;
    const DESCRIPTION: &'static str =
        "Lets statements read, and refuses those that write, lock, define or could do so unseen";

    fn new(settings: Settings) -> Result<Self, String> {
        Ok(Self { settings })
    }

    fn on_statement(&mut self, _: &Statement<'_>, facts: &Facts) -> Verdict {
        if facts.identity.in_any(&self.settings.exempt_groups) {
            return Verdict::reusable();
        }
        match judge::refusal(facts, &self.settings.functions) {
            Some(denial) => denial.into(),
            None => Verdict::reusable(),
        }
    }
}

export!(ReadOnly);

//! Refuses what almost nobody means to do: DROP, TRUNCATE, UPDATE and DELETE of whole tables; and what its settings name.
//! It judges by facts alone and sees no result. Next: `settings`, then `judge`.

mod judge;
mod settings;
#[cfg(test)]
mod tests;

use gatewright_policy::{Facts, Policy, Statement, Verdict, export};

use settings::Settings;

struct DenyList {
    settings: Settings,
}

impl Policy for DenyList {
    type Settings = Settings;
    const DESCRIPTION: &'static str = "Refuses commands, tables and functions on a list; by default DROP, TRUNCATE, and UPDATE or DELETE without WHERE";

    fn new(settings: Settings) -> Result<Self, String> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn on_statement(&mut self, _: &Statement<'_>, facts: &Facts) -> Verdict {
        self.settings.judge(facts)
    }
}

export!(DenyList);

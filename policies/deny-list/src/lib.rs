//! Refuses statements that are rarely intended (DROP, TRUNCATE, UPDATE or DELETE of a whole table) and those its
//! settings list. It judges by facts alone and sees no results. Read `settings`, then `judge`.

#[cfg(test)]
mod growth;
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
    const DESCRIPTION: &'static str = "Refuses listed commands, tables and functions; by default DROP, TRUNCATE, and UPDATE or DELETE without WHERE";

    fn new(settings: Settings) -> Result<Self, String> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn on_statement(&mut self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        self.settings.judge(statement, facts)
    }
}

export!(DenyList);

//! Requires a person's approval for statements that destroy or change what cannot be restored: DROP, TRUNCATE, ALTER, GRANT, and UPDATE or
//! DELETE of a whole table. It judges by facts alone and sees no results. Read `settings`, then `judge`.

mod judge;
mod settings;
#[cfg(test)]
mod tests;

use gatewright_policy::{Facts, Policy, Statement, Verdict, export};

use settings::Settings;

struct ApproveDestructive {
    settings: Settings,
}

impl Policy for ApproveDestructive {
    type Settings = Settings;
    const DESCRIPTION: &'static str = "Requires a person's approval for DROP, TRUNCATE, ALTER, GRANT, UPDATE and DELETE without WHERE, and statements that cannot be analyzed";

    fn new(settings: Settings) -> Result<Self, String> {
        settings.check()?;
        Ok(Self { settings })
    }

    fn on_statement(&mut self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        self.settings.judge(statement, facts)
    }
}

export!(ApproveDestructive);

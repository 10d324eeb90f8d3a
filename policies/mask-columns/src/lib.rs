//! Masks protected columns in every result, under any alias, and refuses statements that would copy or reveal their
//! values. It relies on facts and result descriptions and reads no SQL. Read `settings`, then `judge` (statements),
//! `plan` (result columns) and `email` (values).

mod email;
#[cfg(test)]
mod growth;
mod judge;
mod plan;
mod probes;
mod rules;
mod settings;
mod side_channels;
#[cfg(test)]
mod tests;

use gatewright_policy::{
    Batch, BatchColumn, BatchReply, ColumnReply, Facts, Hooks, Notification, NotificationReply,
    Plan, Policy, ResultColumn, Statement, Verdict, export,
};

use rules::{Here, Rules};
use settings::{Choice, Settings};

struct MaskColumns {
    settings: Settings,
    rules: Rules,
}

impl Policy for MaskColumns {
    type Settings = Settings;
    const DESCRIPTION: &'static str = "Masks protected columns in every result and refuses statements that would copy or reveal their values";
    const HOOKS: Hooks = Hooks::STATEMENT
        .union(Hooks::RESULT_PLAN)
        .union(Hooks::BATCH)
        .union(Hooks::NOTIFICATION);

    fn new(settings: Settings) -> Result<Self, String> {
        let rules = Rules::new(settings.rules()?);
        Ok(Self { settings, rules })
    }

    fn hooks(&self) -> Hooks {
        match self.settings.notifications {
            Choice::Refuse => Self::HOOKS,
            Choice::Allow => Self::HOOKS.difference(Hooks::NOTIFICATION),
        }
    }

    fn on_statement(&mut self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        if facts.identity.in_any(&self.settings.exempt_groups) {
            return Verdict::reusable();
        }
        self.judge(&self.rules_for(statement), statement, facts)
    }

    fn on_result(&mut self, statement: &Statement<'_>, columns: &[ResultColumn]) -> Plan {
        plan::plan(&self.rules_for(statement), columns)
    }

    fn on_batch(&mut self, _: &Statement<'_>, batch: &Batch) -> BatchReply {
        let reply = |column: &BatchColumn| match column.label.as_str() {
            email::LABEL => ColumnReply::Replaced(email::mask(&column.data)),
            // No method asked for it, so none says what may be seen of it.
            _ => ColumnReply::Nullify,
        };
        BatchReply::edit(batch.columns.iter().map(reply).collect())
    }

    fn on_notification(&mut self, received: &Notification) -> NotificationReply {
        let applies = !self.rules.here(|| received.database.clone()).is_empty()
            && !received.identity.in_any(&self.settings.exempt_groups);
        match applies && !self.settings.lets_hear(&received.channel) {
            true => NotificationReply::Drop,
            false => NotificationReply::Pass,
        }
    }
}

impl MaskColumns {
    /// The rules for this connection's database.
    fn rules_for(&self, statement: &Statement<'_>) -> Here<'_> {
        self.rules.here(|| statement.session().database.clone())
    }
}

export!(MaskColumns);

//! Judges a statement by its facts and words the denial.

use gatewright_policy::{
    Access, Allowance, Denial, Facts, Granted, Statement, Verdict, command_is,
};

use crate::settings::{Choice, Grants, Settings};

impl Settings {
    pub fn judge(&self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        if facts.identity.in_any(&self.exempt_groups) {
            return Allowance::new().reuse_fingerprint().into();
        }
        let mut denial = self.denial(facts, &Granted::default());
        if denial.is_some() && self.access_grants == Grants::Accept {
            denial = self.denial(facts, &statement.access_grants().into_iter().collect());
        }
        match denial {
            Some(denial) => denial.into(),
            None => Allowance::new().reuse_fingerprint().into(),
        }
    }

    /// The first rule that these access grants do not lift.
    fn denial(&self, facts: &Facts, granted: &Granted) -> Option<Denial> {
        self.command(facts)
            .or_else(|| self.kind(facts))
            .or_else(|| self.unbounded(facts))
            .filter(|_| !granted.covers_writes(facts))
            .or_else(|| self.table(facts, granted))
            .or_else(|| self.function(facts))
            .or_else(|| self.opaque(facts))
    }

    fn command(&self, facts: &Facts) -> Option<Denial> {
        let listed = self.commands.iter().find(|listed| facts.runs(listed))?;
        let command = facts.first_command(|command| command_is(command, listed))?;
        Some(
            Denial::new(
                "command",
                format!("{command} is not allowed on this connection"),
            )
            .hint(advice(&command)),
        )
    }

    fn kind(&self, facts: &Facts) -> Option<Denial> {
        let kind = self.kinds.iter().find(|kind| {
            kind.is(facts.verb) || kind.nested().iter().any(|command| facts.runs(command))
        })?;
        let nested = kind.nested().iter().find(|command| facts.runs(command));
        let command = nested
            .copied()
            .or(facts.commands.first().map(String::as_str))
            .unwrap_or("This statement");
        Some(Denial::new("kind", format!("{command} is not allowed on this connection")).hint(
            "All statements of this kind are refused, in any form. Ask an operator if you need one.",
        ))
    }

    fn unbounded(&self, facts: &Facts) -> Option<Denial> {
        if self.unbounded_writes == Choice::Allow || !facts.unbounded_write {
            return None;
        }
        let command = ["DELETE", "UPDATE"]
            .into_iter()
            .find(|command| facts.runs(command))
            .unwrap_or("the statement");
        Some(
            Denial::new("unbounded-write", format!("{command} without a narrowing WHERE clause would affect every row"))
                .hint("Add a WHERE clause that selects the rows you mean, for example WHERE id = 1. A condition that is always true does not count."),
        )
    }

    fn table(&self, facts: &Facts, granted: &Granted) -> Option<Denial> {
        let table = facts
            .tables
            .iter()
            // Code that the statement does not name may read more.
            .filter(|table| !table.access.is_empty())
            .filter(|table| self.tables.may_have(table))
            .find(|table| !facts.opaque.is_empty() || !granted.covers(Access::all(), table))?;
        Some(
            Denial::new("table", format!("access to table {} is not allowed on this connection", table.display()))
                .hint("Answer the question without this table, its views and its copies. Ask an operator if you need it."),
        )
    }

    fn function(&self, facts: &Facts) -> Option<Denial> {
        let function = self.functions.first_call(facts)?;
        Some(
            Denial::new(
                "function",
                format!("function {function} is not allowed on this connection"),
            )
            .hint("Rewrite the statement without this function."),
        )
    }

    fn opaque(&self, facts: &Facts) -> Option<Denial> {
        let reason = facts
            .opaque
            .first()
            .filter(|_| self.opaque == Choice::Deny)?;
        Some(
            Denial::new("opaque", format!("the statement cannot be analysed: {reason}"))
                .hint("Use a plain SELECT, INSERT, UPDATE or DELETE on named tables, with built-in functions only."),
        )
    }
}

fn advice(command: &str) -> &'static str {
    if command.starts_with("TRUNCATE") {
        "Use DELETE with a WHERE clause that selects the rows you mean."
    } else if command.starts_with("DROP") {
        "Leave the object in place; if it must go, ask an operator to remove it."
    } else {
        "Do not send it in another form. Ask an operator if you need it."
    }
}

use gatewright_policy::{
    Access, Allowance, Denial, Facts, Statement, TableRef, Usage, Verb, Verdict, command_is,
};

use crate::MaskColumns;
use crate::settings::{Choice, Rule};
use crate::side_channels;

/// Functions that put what they are given where it can be read without a mask.
const SENDERS: [&str; 4] = [
    "pg_notify",
    "set_config",
    "setval",
    "pg_logical_emit_message",
];
/// How values leave a table: to the client, or by UPDATE and DELETE with what they return.
const READS: Access = Access::SELECT.union(Access::UPDATE).union(Access::DELETE);

impl MaskColumns {
    pub fn judge(&self, rules: &[&Rule], statement: &Statement<'_>, facts: &Facts) -> Verdict {
        if rules.is_empty() {
            return Verdict::reusable();
        }
        if let Some(denial) = side_channels::find(facts) {
            return denial.into();
        }
        let protected: Vec<&TableRef> = facts
            .tables
            .iter()
            .filter(|table| is_protected(rules, table))
            .collect();
        let Some(first) = protected.first() else {
            return match self.not_understood(facts) {
                Some(reason) if self.settings.opaque == Choice::Refuse => {
                    opaque(reason, None).into()
                }
                _ => Verdict::reusable(),
            };
        };
        if let Some(reason) = self.not_understood(facts) {
            return opaque(reason, Some(first)).into();
        }
        if let Some(function) = facts.functions.iter().find(|function| sends(function)) {
            return sender(function, first).into();
        }
        if facts.verb == Verb::Explain {
            return match self.settings.explain {
                Choice::Allow if !writes_elsewhere(rules, facts) => Verdict::reusable(),
                _ => explain(first).into(),
            };
        }
        let denial = carried_elsewhere(rules, facts, &protected)
            .or_else(|| self.probed(rules, statement, facts));
        match denial {
            Some(denial) => denial.into(),
            None => Allowance::new().plan_result().reuse_fingerprint().into(),
        }
    }
}

impl MaskColumns {
    /// Why it cannot be known what the statement does, but for functions that are trusted.
    fn not_understood<'f>(&self, facts: &'f Facts) -> Option<&'f String> {
        let is_trusted = |reason: &str| {
            reason
                .strip_prefix("function ")
                .and_then(|rest| rest.strip_suffix(" has an unknown body"))
                .is_some_and(|name| {
                    let trusted = &self.settings.trusted_functions;
                    trusted.iter().any(|function| function == name)
                })
        };
        facts.opaque.iter().find(|reason| !is_trusted(reason))
    }
}

fn carried_elsewhere(rules: &[&Rule], facts: &Facts, protected: &[&TableRef]) -> Option<Denial> {
    if let Some(changed) = protected
        .iter()
        .find(|table| table.access.contains(Access::DDL))
    {
        let harmless =
            |command: &String| command_is(command, "DROP") || command_is(command, "COMMENT");
        return (!facts.commands.iter().all(harmless)).then(|| definition(changed));
    }
    let read = protected
        .iter()
        .find(|table| table.access.intersects(READS))?;
    let written = facts
        .tables
        .iter()
        .find(|table| !is_protected(rules, table) && table.access.intersects(Access::WRITES));
    if let Some(written) = written {
        return Some(copied(read, &written.display()));
    }
    if facts.verb == Verb::Ddl {
        return Some(definition(read));
    }
    let writes = protected
        .iter()
        .any(|table| table.access.intersects(Access::INSERT | Access::UPDATE));
    if writes && let Some(rule) = rules.iter().find(|rule| is_moved(rule, facts)) {
        return Some(copied_within(rule));
    }
    None
}

/// Whether a statement that writes reads the column for anything but conditions and what it returns.
fn is_moved(rule: &Rule, facts: &Facts) -> bool {
    let mentions = |usage: Usage| {
        facts.columns.iter().filter(move |column| {
            column.usage == usage
                && (column.name == rule.column() || column.name == "*")
                && facts
                    .table_of(column)
                    .is_none_or(|table| table.may_be(rule.table()))
        })
    };
    let returned = mentions(Usage::Returning).next().is_some();
    let scanned = facts
        .tables
        .iter()
        .any(|table| table.may_be(rule.table()) && table.access.contains(Access::SELECT));
    mentions(Usage::Other).next().is_some() || mentions(Usage::Output).any(|_| scanned || !returned)
}

fn is_protected(rules: &[&Rule], table: &TableRef) -> bool {
    rules.iter().any(|rule| table.may_be(rule.table()))
}

fn writes_elsewhere(rules: &[&Rule], facts: &Facts) -> bool {
    facts
        .tables
        .iter()
        .any(|table| !is_protected(rules, table) && table.access.intersects(Access::WRITES))
}

fn sends(function: &str) -> bool {
    let name = function.rsplit_once('.').map_or(function, |(_, name)| name);
    SENDERS.contains(&name)
        || name.starts_with("pg_advisory_")
        || name.starts_with("pg_try_advisory_")
}

fn sender(function: &str, table: &TableRef) -> Denial {
    Denial::new("sender", format!("{} has protected columns, and {function} could put their values where they are not masked", table.display()))
        .hint(format!("Call {function} in a statement of its own, with constants."))
}

fn opaque(reason: &str, table: Option<&TableRef>) -> Denial {
    let message = match table {
        Some(table) => format!(
            "{} has protected columns, and it cannot be known what the statement does with them: {reason}",
            table.display()
        ),
        None => format!(
            "the statement could read protected columns, and it cannot be known whether it does: {reason}"
        ),
    };
    Denial::new("opaque", message)
        .hint("Write it as a plain SELECT, INSERT, UPDATE or DELETE that names its tables and columns; protected columns then come masked.")
}

fn explain(table: &TableRef) -> Denial {
    Denial::new(
        "explain",
        format!(
            "EXPLAIN would show estimates over protected columns of {}",
            table.display()
        ),
    )
    .hint("Run the statement itself; protected columns come masked.")
}

fn definition(table: &TableRef) -> Denial {
    Denial::new("definition", format!("{} has protected columns, and the statement would define something by them or change what they are called", table.display()))
        .hint("Send the SELECT itself instead of creating a view or table from it. To change the table, ask an operator.")
}

fn copied(read: &TableRef, written: &str) -> Denial {
    Denial::new("copied", format!("{} has protected columns, and their values could get into {written}, where they are not masked", read.display()))
        .hint("Read in one statement and write in another: SELECT what you need (protected columns come masked), then write it as constants.")
}

fn copied_within(rule: &Rule) -> Denial {
    Denial::new("copied", format!("the protected column {} could get into another column, where it is not masked", rule.display()))
        .hint("Assign constants or other columns. The protected column may be in WHERE and be assigned itself.")
}

//! Whether a statement may run, and whether its result needs a plan.

use gatewright_policy::{
    Access, Allowance, DataFlow, Denial, Facts, Statement, TableRef, Transform, Verb, Verdict,
    command_is,
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
                Some(reason) if self.settings.opaque == Choice::Refuse && !is_unsettled(reason) => {
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
        let denial = carried_elsewhere(rules, statement, facts, &protected)
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

/// Migrations go on after they have altered something; only what names a protected table must be certain.
fn is_unsettled(reason: &str) -> bool {
    reason.starts_with("the transaction has created, altered or dropped")
}

/// Commands that keep what a query yields, which flows tell of.
const KEEPING: [&str; 4] = [
    "CREATE TABLE AS",
    "CREATE MATERIALIZED VIEW",
    "CREATE VIEW",
    "SELECT INTO",
];

fn carried_elsewhere(
    rules: &[&Rule],
    statement: &Statement<'_>,
    facts: &Facts,
    protected: &[&TableRef],
) -> Option<Denial> {
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
    let keeps = |command: &String| KEEPING.contains(&command.as_str());
    if facts.verb == Verb::Ddl && !facts.commands.first().is_some_and(keeps) {
        return Some(definition(read));
    }
    if !facts
        .tables
        .iter()
        .any(|table| table.access.intersects(Access::WRITES))
    {
        return None;
    }
    let flows = statement.flows();
    flows.iter().find_map(|flow| moved(rules, flow, read))
}

/// What a flow would carry out from under its mask. A column may flow into itself as it is.
fn moved(rules: &[&Rule], flow: &DataFlow, read: &TableRef) -> Option<Denial> {
    if flow.sources.is_empty() {
        return (!flow.exact).then(|| copied(read, &target(flow)));
    }
    let carried = |rule: &&&Rule| flow.sources.iter().any(|source| rule.feeds(source));
    // What is computed would show something else of the value, under the mask or by an equation.
    let unchanged = |rule: &Rule| {
        let mut fed = flow.sources.iter().filter(|source| rule.feeds(source));
        flow.exact && fed.all(|source| source.transform == Transform::Identity)
    };
    let stays =
        |rule: &Rule| rule.feeds(&flow.target) && !rule.is_in_row(&flow.target) && unchanged(rule);
    let rule = rules.iter().filter(carried).find(|rule| !stays(rule))?;
    Some(if rules.iter().any(|rule| rule.is_table_of(&flow.target)) {
        copied_within(rule)
    } else {
        copied(read, &target(flow))
    })
}

fn target(flow: &DataFlow) -> String {
    gatewright_policy::name::join([flow.target.schema.as_str(), flow.target.table.as_str()])
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

//! Judges statements: refuses those that would expose protected columns unmasked and plans the results of the others.

use std::collections::BTreeMap;

use gatewright_policy::{
    Access, Allowance, DataFlow, Denial, Edit, Editing, Facts, Messages, Statement, TableRef,
    Transform, Verb, Verdict, command_is,
};

use crate::MaskColumns;
use crate::probes::is_by_name;
use crate::rules::{Here, Uses};
use crate::settings::{Choice, Rule};
use crate::side_channels;

/// Functions that make their arguments readable elsewhere, unmasked.
const SENDERS: [&str; 4] = [
    "pg_notify",
    "set_config",
    "setval",
    "pg_logical_emit_message",
];
/// Accesses that return values to the client; UPDATE and DELETE do so with RETURNING.
const READS: Access = Access::SELECT.union(Access::UPDATE).union(Access::DELETE);

impl MaskColumns {
    pub fn judge(&self, rules: &Here<'_>, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        if rules.is_empty() {
            return Verdict::reusable();
        }
        if let Some(denial) = side_channels::find(facts) {
            return denial.into();
        }
        if facts.verb == Verb::Listen {
            let channels = statement.channels();
            let refused = channels
                .iter()
                .find(|channel| !self.settings.lets_hear(channel));
            if let Some(channel) = refused {
                return unheard(channel).into();
            }
        }
        let protected: Vec<&TableRef> = facts
            .tables
            .iter()
            .filter(|table| is_named(table) && rules.is_protected(table))
            .collect();
        let Some(first) = protected.first() else {
            return match self.untrusted_opaque(facts) {
                Some(reason) if self.settings.opaque == Choice::Refuse && !is_unsettled(reason) => {
                    opaque(reason, None).into()
                }
                _ => {
                    let allowance = Allowance::new()
                        .messages(messages(rules, facts))
                        .reuse_fingerprint();
                    match side_channels::may_show_missing(facts) {
                        true => allowance.plan_result().into(),
                        false => allowance.into(),
                    }
                }
            };
        };
        let edits = edits(rules, facts, &protected);
        let editing = match edits.is_empty() {
            true => Editing::None,
            false => statement.editing(),
        };
        if !edits.is_empty() && editing == Editing::None {
            return Allowance::new()
                .plan_result()
                .reuse_fingerprint()
                .edits(edits)
                .into();
        }
        if let Some(reason) = self.untrusted_opaque(facts) {
            return opaque(reason, Some(first)).into();
        }
        if let Some(function) = facts.functions.iter().find(|function| sends(function)) {
            return sender(function, first).into();
        }
        if facts.verb == Verb::Explain {
            let reads_masks =
                editing == Editing::Applied && !Uses::new(rules, facts, &editing).any();
            return match self.settings.explain {
                _ if reads_masks && !writes_elsewhere(rules, facts) => Verdict::reusable(),
                Choice::Allow if !writes_elsewhere(rules, facts) => Verdict::reusable(),
                _ => explain(first).into(),
            };
        }
        let denial = copied_elsewhere(rules, statement, facts, &protected)
            .or_else(|| self.probed(rules, statement, facts, &editing));
        match denial {
            Some(denial) => denial.into(),
            None => Allowance::new().plan_result().reuse_fingerprint().into(),
        }
    }
}

impl MaskColumns {
    /// The first opaque reason that is not a call of a trusted function.
    fn untrusted_opaque<'f>(&self, facts: &'f Facts) -> Option<&'f String> {
        let is_trusted = |reason: &str| {
            reason
                .strip_prefix("function ")
                .and_then(|rest| rest.strip_suffix(" has an unknown body"))
                .is_some_and(|name| {
                    let trusted = &self.settings.trusted_functions;
                    trusted.iter().any(|function| function == name)
                })
        };
        let is_known = |reason: &str| is_trusted(reason) || is_harmless(reason);
        facts.opaque.iter().find(|reason| !is_known(reason))
    }
}

/// Whether the transaction changed a definition. Migrations must be able to continue after DDL, so this counts only for
/// statements that name a protected table.
fn is_unsettled(reason: &str) -> bool {
    reason.starts_with("the transaction has created, altered or dropped")
}

/// Dropping objects shows nothing of what they hold, and of code that was read the facts tell what it does.
fn is_harmless(reason: &str) -> bool {
    reason.starts_with("DROP CASCADE drops") || reason.ends_with(", which was read")
}

/// Commands that show nothing of the rows that they touch.
const SILENT: [&str; 4] = ["DROP", "COMMENT", "VACUUM", "ANALYZE"];

/// Commands that may name a protected table where they use only its open columns: for a foreign key, an index, or in code
/// that will run later.
const DEFINING: [&str; 5] = [
    "CREATE TABLE",
    "ALTER TABLE",
    "CREATE INDEX",
    "CREATE FUNCTION",
    "CREATE PROCEDURE",
];

/// Commands that store the result of a query. Their data flows are judged instead.
const STORING: [&str; 4] = [
    "CREATE TABLE AS",
    "CREATE MATERIALIZED VIEW",
    "CREATE VIEW",
    "SELECT INTO",
];

fn copied_elsewhere(
    rules: &Here<'_>,
    statement: &Statement<'_>,
    facts: &Facts,
    protected: &[&TableRef],
) -> Option<Denial> {
    let silent = |command: &String| SILENT.iter().any(|silent| command_is(command, silent));
    if facts.commands.iter().all(silent) {
        return None;
    }
    let defines = |command: &String| DEFINING.contains(&command.as_str());
    let uses_protected = || Uses::new(rules, facts, &Editing::None).any();
    let only_open = facts.commands.iter().all(defines) && !uses_protected();
    let indexes = facts
        .commands
        .iter()
        .all(|command| command == "CREATE INDEX");
    if let Some(changed) = protected
        .iter()
        .find(|table| table.access.contains(Access::DDL))
    {
        return (!(indexes && only_open)).then(|| definition(changed));
    }
    let read = protected
        .iter()
        .find(|table| table.access.intersects(READS))?;
    let stores = |command: &String| STORING.contains(&command.as_str());
    // A block may tell what it finds by what it does.
    if facts.verb == Verb::DoBlock && uses_protected() {
        return Some(block(read));
    }
    if facts.verb == Verb::Ddl && !only_open && !facts.commands.first().is_some_and(stores) {
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
    flows.iter().find_map(|flow| refuse_flow(rules, flow, read))
}

/// Refuses a flow from a protected column to any other column. A column may be assigned its own unchanged value.
fn refuse_flow(rules: &Here<'_>, flow: &DataFlow, read: &TableRef) -> Option<Denial> {
    if flow.sources.is_empty() {
        return (!flow.exact).then(|| copied(read, &target(flow)));
    }
    // A computed value could reveal the original, through the mask or through an equality test.
    let unchanged = |rule: &Rule| {
        let mut fed = flow.sources.iter().filter(|source| rule.feeds(source));
        flow.exact && fed.all(|source| source.transform == Transform::Identity)
    };
    let stays =
        |rule: &Rule| rule.feeds(&flow.target) && !rule.is_in_row(&flow.target) && unchanged(rule);
    let fed = flow.sources.iter().flat_map(|source| rules.fed_by(source));
    let fed: BTreeMap<usize, &Rule> = fed.collect();
    let rule = fed.into_values().find(|rule| !stays(rule))?;
    Some(if rules.of_source(&flow.target).next().is_some() {
        copied_within(rule)
    } else {
        copied(read, &target(flow))
    })
}

fn target(flow: &DataFlow) -> String {
    gatewright_policy::name::join([flow.target.schema.as_str(), flow.target.table.as_str()])
}

/// Whether the statement itself does something to the table, and not only code that it does not name.
fn is_named(table: &TableRef) -> bool {
    !table.access.is_empty()
}

/// What the texts of errors and notices may come from, if the statement itself names no protected table.
fn messages(rules: &Here<'_>, facts: &Facts) -> Messages {
    let mut unnamed = facts.tables.iter().filter(|table| !is_named(table));
    if unnamed.clone().any(|table| rules.is_protected(table)) {
        return Messages::WithoutValues;
    }
    match unnamed.any(|table| table.name.is_empty()) {
        true => Messages::OutsideCode,
        false => Messages::All,
    }
}

/// The edits of the tables that the statement reads. EXECUTE and FETCH read what was edited when it was named.
fn edits(rules: &Here<'_>, facts: &Facts, protected: &[&TableRef]) -> Vec<Edit> {
    let by_name = facts
        .commands
        .first()
        .is_some_and(|first| is_by_name(first));
    let read = protected
        .iter()
        .filter(|table| !by_name && table.access.contains(Access::SELECT));
    let rules: BTreeMap<usize, &Rule> = read.flat_map(|table| rules.of_table(table)).collect();
    let edits = rules.into_values().filter_map(|rule| rule.edit.clone());
    edits.collect()
}

fn writes_elsewhere(rules: &Here<'_>, facts: &Facts) -> bool {
    facts
        .tables
        .iter()
        .any(|table| !rules.is_protected(table) && table.access.intersects(Access::WRITES))
}

fn sends(function: &str) -> bool {
    let name = function.rsplit_once('.').map_or(function, |(_, name)| name);
    SENDERS.contains(&name)
        || name.starts_with("pg_advisory_")
        || name.starts_with("pg_try_advisory_")
}

fn sender(function: &str, table: &TableRef) -> Denial {
    Denial::new(
        "sender",
        format!(
            "{} has protected columns, and {function} could expose their values unmasked",
            table.display()
        ),
    )
    .hint(format!(
        "Call {function} in a separate statement, with constants."
    ))
}

fn opaque(reason: &str, table: Option<&TableRef>) -> Denial {
    let message = match table {
        Some(table) => format!(
            "{} has protected columns, and the statement cannot be analysed: {reason}",
            table.display()
        ),
        None => {
            format!("the statement may read protected columns and cannot be analysed: {reason}")
        }
    };
    Denial::new("opaque", message)
        .hint("Use a plain SELECT, INSERT, UPDATE or DELETE that names its tables and columns. Protected columns are returned masked.")
}

fn unheard(channel: &str) -> Denial {
    Denial::new(
        "notifications",
        format!("notifications of channel {channel:?} may contain protected values"),
    )
    .hint("Poll a table instead, or ask an operator to list the channel in the setting channels of mask-columns.")
}

fn explain(table: &TableRef) -> Denial {
    Denial::new(
        "explain",
        format!(
            "EXPLAIN would reveal estimates for protected columns of {}",
            table.display()
        ),
    )
    .hint("Run the statement itself. Protected columns are returned masked.")
}

fn definition(table: &TableRef) -> Denial {
    Denial::new("definition", format!("{} has protected columns, and the statement would alter the table or define an object on it", table.display()))
        .hint("Run the SELECT itself instead of creating an object from it. To alter the table, ask an operator.")
}

fn block(table: &TableRef) -> Denial {
    Denial::new(
        "block",
        format!(
            "{} has protected columns, and the DO block uses them",
            table.display()
        ),
    )
    .hint("Send the statements of the block by themselves. Protected columns are returned masked.")
}

fn copied(read: &TableRef, written: &str) -> Denial {
    Denial::new("copied", format!("{} has protected columns, and their values could be copied into {written}, where they are not masked", read.display()))
        .hint("Read and write in separate statements: SELECT what you need (protected columns are returned masked), then write constants.")
}

fn copied_within(rule: &Rule) -> Denial {
    Denial::new("copied", format!("the protected column {} could be copied into another column, where it is not masked", rule.display()))
        .hint("Assign constants or unprotected columns. The protected column may be the target of an assignment.")
}

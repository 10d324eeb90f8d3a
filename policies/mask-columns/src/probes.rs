//! Conditions that would tell of protected values.

use gatewright_policy::{ColumnRef, Denial, Facts, Statement, Usage, command_is};

use crate::MaskColumns;
use crate::settings::{Choice, Rule};

/// Commands that run what was judged when it was given its name.
const BY_NAME: [&str; 3] = ["EXECUTE", "FETCH", "MOVE"];

impl MaskColumns {
    /// A use of a protected column by which somebody could find out its values by asking.
    pub fn probed(
        &self,
        rules: &[&Rule],
        statement: &Statement<'_>,
        facts: &Facts,
    ) -> Option<Denial> {
        let by_name = facts
            .commands
            .first()
            .is_some_and(|first| BY_NAME.iter().any(|tag| command_is(first, tag)));
        if self.settings.predicates == Choice::Allow || by_name {
            return None;
        }
        let asked: Vec<(u32, &ColumnRef, &Rule)> = (0..)
            .zip(&facts.columns)
            .filter(|(_, column)| asks(column.usage))
            .filter_map(|(at, column)| {
                let rule = rules.iter().find(|rule| is_of(rule, column, facts))?;
                Some((at, column, *rule))
            })
            .collect();
        if asked.is_empty() {
            return None;
        }
        let equated = match self.settings.equality {
            Choice::Allow => statement.equated(),
            Choice::Refuse => Vec::new(),
        };
        asked
            .iter()
            .find(|(at, ..)| !equated.contains(at))
            .map(|(_, column, rule)| probe(rule, column.usage, self.settings.equality))
    }
}

fn asks(usage: Usage) -> bool {
    matches!(
        usage,
        Usage::Filter
            | Usage::Join
            | Usage::Order
            | Usage::Window
            | Usage::Group
            | Usage::Aggregate
            | Usage::Argument
    )
}

/// A column that is tied to no table may be the rule's when it has its name.
fn is_of(rule: &Rule, column: &ColumnRef, facts: &Facts) -> bool {
    match facts.table_of(column) {
        Some(table) => {
            table.may_be(rule.table()) && (column.name == rule.column() || column.name == "*")
        }
        None => column.name == rule.column(),
    }
}

fn probe(rule: &Rule, usage: Usage, equality: Choice) -> Denial {
    let what = match usage {
        Usage::Order | Usage::Window => "the order of rows",
        Usage::Filter | Usage::Join => "which rows there are",
        _ => "a result",
    };
    let hint = match equality {
        Choice::Allow => {
            "Leave it out of expressions, or compare it with one value: column = constant."
        }
        Choice::Refuse => "Leave it out of conditions, orders and expressions.",
    };
    Denial::new(
        "probe",
        format!(
            "{what} would tell of the values of the protected column {}",
            rule.display()
        ),
    )
    .hint(hint)
}

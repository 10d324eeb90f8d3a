//! Refuses uses of protected columns from which a client could infer values: conditions, sort orders, computations.

use gatewright_policy::{ColumnRef, Denial, Facts, Statement, Usage, command_is};

use crate::MaskColumns;
use crate::settings::{Choice, Rule};

/// Commands that run a statement that was judged when it was named.
const BY_NAME: [&str; 3] = ["EXECUTE", "FETCH", "MOVE"];

impl MaskColumns {
    /// Refuses the first use of a protected column that could reveal its values.
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
        let revealing: Vec<(u32, &ColumnRef, &Rule)> = (0..)
            .zip(&facts.columns)
            .filter(|(_, column)| reveals(column.usage))
            .filter_map(|(at, column)| {
                let rule = rules.iter().find(|rule| is_of(rule, column, facts))?;
                Some((at, column, *rule))
            })
            .collect();
        if revealing.is_empty() {
            return None;
        }
        let equated = match self.settings.equality {
            Choice::Allow => statement.equated(),
            Choice::Refuse => Vec::new(),
        };
        revealing
            .iter()
            .find(|(at, ..)| !equated.contains(at))
            .map(|(_, column, rule)| probe(rule, column.usage, self.settings.equality))
    }
}

fn reveals(usage: Usage) -> bool {
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

/// Whether the column may be the rule's. A column that is resolved to no table matches by name alone.
pub fn is_of(rule: &Rule, column: &ColumnRef, facts: &Facts) -> bool {
    match facts.table_of(column) {
        Some(table) => {
            table.may_be(rule.table()) && (column.name == rule.column() || column.name == "*")
        }
        None => column.name == rule.column(),
    }
}

fn probe(rule: &Rule, usage: Usage, equality: Choice) -> Denial {
    let what = match usage {
        Usage::Order | Usage::Window => "the row order",
        Usage::Filter | Usage::Join => "the set of rows",
        _ => "the result",
    };
    let hint = match equality {
        Choice::Allow => {
            "Do not use it in expressions. A comparison for equality with one value is allowed: column = constant."
        }
        Choice::Refuse => "Do not use it in conditions, ORDER BY or expressions.",
    };
    Denial::new(
        "probe",
        format!(
            "{what} would reveal values of the protected column {}",
            rule.display()
        ),
    )
    .hint(hint)
}

//! Refuses uses of protected columns from which a client could infer values: conditions, sort orders, computations.

use std::collections::BTreeSet;

use gatewright_policy::{ColumnRef, Denial, Editing, Facts, Statement, Usage, command_is};

use crate::MaskColumns;
use crate::rules::{Here, Uses};
use crate::settings::{Choice, Rule};

/// Commands that run a statement that was judged when it was named.
const BY_NAME: [&str; 3] = ["EXECUTE", "FETCH", "MOVE"];

impl MaskColumns {
    /// Refuses the first use of a protected column that could reveal its values.
    pub fn probed(
        &self,
        rules: &Here<'_>,
        statement: &Statement<'_>,
        facts: &Facts,
        editing: &Editing,
    ) -> Option<Denial> {
        let by_name = facts
            .commands
            .first()
            .is_some_and(|first| is_by_name(first));
        if self.settings.predicates == Choice::Allow || by_name {
            return None;
        }
        let uses = Uses::new(rules, facts, editing);
        let revealing: Vec<(u32, &ColumnRef, &Rule)> = (0..)
            .zip(&facts.columns)
            .filter(|(_, column)| reveals(column.usage))
            .filter_map(|(at, column)| Some((at, column, uses.rule_of(column)?)))
            .collect();
        if revealing.is_empty() {
            return None;
        }
        let equated: BTreeSet<u32> = match self.settings.equality {
            Choice::Allow => statement.equated().into_iter().collect(),
            Choice::Refuse => BTreeSet::new(),
        };
        revealing
            .iter()
            .find(|(at, ..)| !equated.contains(at))
            .map(|(_, column, rule)| probe(rule, column.usage, self.settings.equality))
    }
}

/// Whether the command runs a statement that was judged when it was named.
pub fn is_by_name(command: &str) -> bool {
    BY_NAME.iter().any(|tag| command_is(command, tag))
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

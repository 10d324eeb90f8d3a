//! What happens to each column of a result.

use gatewright_policy::{ColumnAction, ColumnSource, Denial, Plan, ResultColumn, Transform, name};

use crate::settings::Rule;

/// What happens to each column of a result that may hold protected values.
pub fn plan(rules: &[&Rule], columns: &[ResultColumn]) -> Plan {
    let actions: Result<Vec<ColumnAction>, Denial> =
        columns.iter().map(|column| action(rules, column)).collect();
    match actions {
        Ok(actions) => Plan::Columns(actions),
        Err(denial) => denial.into(),
    }
}

fn action(rules: &[&Rule], column: &ResultColumn) -> Result<ColumnAction, Denial> {
    if column.sources.is_empty() && !column.exact {
        return Err(unknown(column));
    }
    if let Some(rule) = rules
        .iter()
        .find(|rule| column.sources.iter().any(|source| rule.is_in_row(source)))
    {
        return Err(whole_row(column, rule));
    }
    let mut feeding = rules
        .iter()
        .filter(|rule| column.sources.iter().any(|source| rule.feeds(source)));
    let Some(rule) = feeding.next() else {
        return Ok(ColumnAction::Pass);
    };
    let fed = |source: &&ColumnSource| rules.iter().any(|rule| rule.feeds(source));
    let carried = |transform: Transform| {
        let mut sources = column.sources.iter().filter(fed);
        sources.all(|source| source.transform == transform)
    };
    if carried(Transform::Aggregate) {
        return Ok(ColumnAction::Nullify);
    }
    if !carried(Transform::Identity) {
        return Err(derived(column, rule));
    }
    if !column.exact || !column.readable {
        return Ok(ColumnAction::Nullify);
    }
    // Values of several protected columns in one: only a mask that all of them share suits.
    if !feeding.all(|other| other.mask == rule.mask) {
        return Ok(ColumnAction::Nullify);
    }
    // Values that a client chose would show their pseudonyms beside those of others: it could guess and compare.
    let pure = || {
        let direct = |source: &&ColumnSource| source.transform == Transform::Identity;
        column
            .sources
            .iter()
            .filter(direct)
            .all(|source| fed(&source))
    };
    Ok(match &rule.mask {
        ColumnAction::Pseudonym(_) if !pure() => ColumnAction::Nullify,
        mask => mask.clone(),
    })
}

fn unknown(column: &ResultColumn) -> Denial {
    Denial::new("unknown-origin", format!(
        "the statement reads a table with protected columns, and it cannot be known whether the output column {} carries them",
        name::quote(&column.name)
    ))
    .hint("Select columns as they are, without an expression around them, and compute on what comes back. count(*) is fine.")
}

fn whole_row(column: &ResultColumn, rule: &Rule) -> Denial {
    Denial::new(
        "whole-row",
        format!(
            "the output column {} is a whole row of {}, of which {} is protected",
            name::quote(&column.name),
            name::join([
                rule.table().schema().unwrap_or_default(),
                rule.table().name()
            ]),
            name::quote(rule.column())
        ),
    )
    .hint("Select the columns one by one, or with *; the protected ones come masked.")
}

fn derived(column: &ResultColumn, rule: &Rule) -> Denial {
    Denial::new(
        "derived",
        format!(
            "the output column {} is computed from what may be the protected column {}",
            name::quote(&column.name),
            rule.display()
        ),
    )
    .hint(format!(
        "Select {} itself, without an expression, function or view around it; it comes masked.",
        name::quote(rule.column())
    ))
}

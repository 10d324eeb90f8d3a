//! Plans results: chooses the mask of each column that may carry protected values.

use std::collections::BTreeMap;

use gatewright_policy::{ColumnAction, ColumnSource, Denial, Plan, ResultColumn, Transform, name};

use crate::rules::Here;
use crate::settings::Rule;
use crate::side_channels::is_missing;

/// Chooses an action for each result column, or refuses the result.
pub fn plan(rules: &Here<'_>, columns: &[ResultColumn]) -> Plan {
    let actions: Result<Vec<ColumnAction>, Denial> =
        columns.iter().map(|column| action(rules, column)).collect();
    match actions {
        Ok(actions) => Plan::Columns(actions),
        Err(denial) => denial.into(),
    }
}

fn action(rules: &Here<'_>, column: &ResultColumn) -> Result<ColumnAction, Denial> {
    if column.sources.is_empty() && !column.exact {
        return Err(unknown(column));
    }
    if column.sources.iter().any(is_missing) {
        return Ok(ColumnAction::Nullify);
    }
    let whole_rows = column.sources.iter().filter(|source| source.column == "*");
    let of_rows = whole_rows.flat_map(|source| rules.of_source(source));
    if let Some((_, rule)) = of_rows.min_by_key(|(at, _)| *at) {
        return Err(whole_row(column, rule));
    }
    let feeding = column
        .sources
        .iter()
        .flat_map(|source| rules.fed_by(source));
    let mut feeding = feeding.collect::<BTreeMap<usize, &Rule>>().into_values();
    let Some(rule) = feeding.next() else {
        return Ok(ColumnAction::Pass);
    };
    let fed = |source: &&ColumnSource| rules.fed_by(source).next().is_some();
    let all_are = |transform: Transform| {
        let mut sources = column.sources.iter().filter(fed);
        sources.all(|source| source.transform == transform)
    };
    if all_are(Transform::Aggregate) || is_computed_column(column, fed) {
        return Ok(ColumnAction::Nullify);
    }
    if !all_are(Transform::Identity) {
        return Err(derived(column, rule));
    }
    if !column.exact || !column.readable {
        return Ok(ColumnAction::Nullify);
    }
    // The column mixes several protected columns: apply a mask only if they all share it.
    if !feeding.all(|other| other.mask == rule.mask) {
        return Ok(ColumnAction::Nullify);
    }
    // A value chosen by the client would get a pseudonym, too. The client could guess values and compare pseudonyms.
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

/// A generated column or a view's column: it is another column itself, and carries protected ones because they compute it.
fn is_computed_column(column: &ResultColumn, fed: impl Fn(&&ColumnSource) -> bool) -> bool {
    let is_itself = |source: &ColumnSource| source.transform == Transform::Identity;
    column.exact
        && column
            .sources
            .iter()
            .any(|source| is_itself(source) && !fed(&source))
        && column
            .sources
            .iter()
            .filter(&fed)
            .all(|source| !is_itself(source))
}

fn unknown(column: &ResultColumn) -> Denial {
    Denial::new("unknown-origin", format!(
        "the statement reads a table with protected columns, and the origin of the output column {} is unknown",
        name::quote(&column.name)
    ))
    .hint("Select plain columns, without expressions, and compute on the returned rows. count(*) is allowed.")
}

fn whole_row(column: &ResultColumn, rule: &Rule) -> Denial {
    Denial::new(
        "whole-row",
        format!(
            "the output column {} is a whole row of {}, whose column {} is protected",
            name::quote(&column.name),
            name::join([
                rule.table().schema().unwrap_or_default(),
                rule.table().name()
            ]),
            name::quote(rule.column())
        ),
    )
    .hint("Select the columns by name or with *. Protected columns are returned masked.")
}

fn derived(column: &ResultColumn, rule: &Rule) -> Denial {
    Denial::new(
        "derived",
        format!(
            "the output column {} may be computed from the protected column {}",
            name::quote(&column.name),
            rule.display()
        ),
    )
    .hint(format!(
        "Select {} itself, without an expression, function or view around it. It is returned masked.",
        name::quote(rule.column())
    ))
}

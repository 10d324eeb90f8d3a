//! Whether the edited text says what it was meant to say: its tree is the client's but for the places that changed.

use std::ops::Range;

use gatewright_parser::{ConstValue, Node, Strings, nodes, parse, same, same_but};

use super::derived::Derived;
use super::error::{SubstituteError, Unverified};
use super::look_up::LookUps;
use super::references::{Reference, References};
use super::syntax::only;

pub(super) fn check(
    client: Node<'_>,
    edited: Node<'_>,
    references: &References<'_>,
    derived: &[Derived],
    look_ups: &LookUps<'_>,
    standard: bool,
) -> Result<(), SubstituteError> {
    let selects = derived
        .iter()
        .map(|derived| parse(derived.select.as_str(), standard).map_err(|_| Unverified))
        .collect::<Result<Vec<_>, _>>()?;
    let selects = selects.iter().map(only).collect::<Result<Vec<_>, _>>()?;
    let shortened: Vec<&nodes::ColumnRef> = references.with_schema().collect();
    let mut changed = 0_usize;
    let mut differs = |client: Node<'_>, edited: Node<'_>| {
        let answer = match (client, edited) {
            (Node::RangeVar(item), edited) => replaced(item, edited, references, &selects)
                .or_else(|| pinned(item, edited, references)),
            (Node::ColumnRef(column), Node::ColumnRef(short))
                if shortened.iter().any(|known| std::ptr::eq(*known, column)) =>
            {
                Some(is_shortened(column, short))
            }
            (Node::A_Expr(condition), edited)
                if look_ups
                    .moved
                    .iter()
                    .any(|known| std::ptr::eq(known.condition, condition)) =>
            {
                Some(is_true(edited))
            }
            _ => None,
        };
        changed += usize::from(answer.is_some());
        answer
    };
    let expected = derived.len() + references.pinned.len() + shortened.len() + look_ups.moved.len();
    if same_but(client, edited, &mut differs) && changed == expected {
        Ok(())
    } else {
        Err(Unverified)
    }
}

/// Where the statements of the whole text stand now: as many as before, the edited one as it is by itself, the others unchanged.
pub(super) fn spans(
    before: &str,
    after: &str,
    index: usize,
    edited: &str,
    standard: bool,
) -> Result<Vec<Range<usize>>, SubstituteError> {
    let read = |text: &str| parse(text, standard).map_err(|_| Unverified);
    let (old, new, alone) = (read(before)?, read(after)?, read(edited)?);
    let (old, new) = (old.statements(), new.statements());
    let alone = only(&alone)?;
    let unchanged = old.iter().zip(&new).enumerate().all(|(at, (old, new))| {
        let expected = if at == index { alone } else { old.node };
        same(expected, new.node)
    });
    if !unchanged || old.len() != new.len() {
        return Err(Unverified);
    }
    let spans = new.iter().map(|statement| {
        let length = statement.length.unwrap_or(after.len() - statement.start);
        statement.start..statement.start + length
    });
    Ok(spans.collect())
}

/// A reference that is to be a derived table now.
fn replaced(
    item: &nodes::RangeVar,
    edited: Node<'_>,
    references: &References<'_>,
    selects: &[Node<'_>],
) -> Option<bool> {
    let at = position(item, &references.replaced)?;
    let Node::RangeSubselect(sub) = edited else {
        return Some(false);
    };
    let is_named = match (item.alias(), sub.alias()) {
        (Some(own), Some(alias)) => same(own.into(), alias.into()),
        (None, Some(alias)) => alias.aliasname() == item.relname() && alias.colnames().is_empty(),
        _ => false,
    };
    let select = selects.get(at).copied()?;
    Some(!sub.lateral && is_named && same(select, sub.subquery()))
}

/// A reference that is to have a schema now.
fn pinned(item: &nodes::RangeVar, edited: Node<'_>, references: &References<'_>) -> Option<bool> {
    let at = position(item, &references.pinned)?;
    let reference = references.pinned.get(at)?;
    let Node::RangeVar(named) = edited else {
        return Some(false);
    };
    let alias = |item: &nodes::RangeVar| item.alias().is_some();
    let same_alias = match (item.alias(), named.alias()) {
        (Some(own), Some(other)) => same(own.into(), other.into()),
        _ => alias(item) == alias(named),
    };
    Some(
        named.schemaname() == Some(reference.relation.schema.as_str())
            && named.catalogname().is_none()
            && named.relname() == item.relname()
            && named.inh == item.inh
            && same_alias,
    )
}

fn position(item: &nodes::RangeVar, known: &[Reference<'_>]) -> Option<usize> {
    known
        .iter()
        .position(|reference| std::ptr::eq(reference.item, item))
}

fn is_shortened(column: &nodes::ColumnRef, short: &nodes::ColumnRef) -> bool {
    let (fields, rest) = (column.fields(), short.fields());
    let stars = |fields: &gatewright_parser::NodeList| {
        matches!(fields.iter().next_back(), Some(Node::A_Star(_)))
    };
    fields.len() == rest.len() + 1
        && fields.strings().get(1..) == Some(rest.strings().as_slice())
        && stars(fields) == stars(rest)
}

fn is_true(node: Node<'_>) -> bool {
    matches!(node, Node::A_Const(constant)
        if matches!(constant.val(), Some(ConstValue::Boolean(true))))
}

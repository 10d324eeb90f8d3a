//! An UPDATE that is joined with its own target, to return what the rows were where the server does not.

use gatewright_parser::{Node, nodes, parse, same, untyped};

use crate::place::Places;
use crate::render::quoted_identifier;

/// The names of the target as it was, and of its columns. Whatever the statement calls its own columns, none becomes ambiguous.
const BEFORE: &str = "gatewright_before";
const TABLE: &str = "gatewright_tableoid";
const PLACE: &str = "gatewright_ctid";
const ROW: &str = "gatewright_row";

/// The form of an UPDATE without RETURNING. `None`: it has none that is certain to mean the same.
pub(super) fn form(
    own: &str,
    standard_conforming_strings: bool,
    update: &nodes::UpdateStmt,
) -> Option<String> {
    let places = Places::of(own)?;
    let target = update.relation()?;
    if is_hidden(target, update) || matches!(update.where_clause(), Node::CurrentOfExpr(_)) {
        return None;
    }
    let first = places.token(target.location)?;
    let parts = 1
        + usize::from(target.schemaname().is_some())
        + usize::from(target.catalogname().is_some());
    let last = places.end_of_name(first, parts)?;
    let table = own.get(places.range(first)?.start..places.range(last)?.end)?;
    let only = if target.inh { "" } else { "ONLY " };
    let set = places.find(last + 1, "SET")?;
    let (head, condition) = match update.where_clause() {
        Node::None => (own, None),
        _ => {
            let place = places.range(places.find(set + 1, "WHERE")?)?;
            (own.get(..place.start)?, Some(own.get(place.end..)?))
        }
    };
    let comma = match update.from_clause().is_empty() {
        true => "FROM",
        false => ",",
    };
    let name = name_of(target)?;
    // A part of the statement may end with a comment that goes up to the end of its line.
    let condition = condition.map_or(String::new(), |condition| format!(" AND ({condition}\n)"));
    let text = format!(
        "{head}\n{comma} (SELECT {BEFORE}.tableoid AS {TABLE}, {BEFORE}.ctid AS {PLACE}, {BEFORE} AS {ROW} \
         FROM {only}{table} AS {BEFORE}) AS {BEFORE}\n\
         WHERE {BEFORE}.{TABLE} = {name}.tableoid AND {BEFORE}.{PLACE} = {name}.ctid{condition}\n\
         RETURNING ({BEFORE}.{ROW}).*, {name}.*"
    );
    says_the_same(&text, standard_conforming_strings, update).then_some(text)
}

/// By what the statement calls its target.
pub(super) fn name_of(target: &nodes::RangeVar) -> Option<String> {
    let alias = target.alias().and_then(nodes::Alias::aliasname);
    Some(quoted_identifier(alias.or(target.relname())?))
}

/// Whether the target's name means a query of the statement in FROM.
fn is_hidden(target: &nodes::RangeVar, update: &nodes::UpdateStmt) -> bool {
    let Some(with) = update.with_clause() else {
        return false;
    };
    let mut queries = untyped(with.ctes()).iter();
    queries.any(|query| match query {
        Node::CommonTableExpr(query) => query.ctename() == target.relname(),
        _ => true,
    })
}

/// Whether all of the statement is in the form, each part in its place.
fn says_the_same(text: &str, standard_conforming_strings: bool, own: &nodes::UpdateStmt) -> bool {
    let Ok(tree) = parse(text, standard_conforming_strings) else {
        return false;
    };
    let Some(Node::UpdateStmt(form)) = tree.only() else {
        return false;
    };
    let Node::BoolExpr(all) = form.where_clause() else {
        return false;
    };
    let items: Vec<Node<'_>> = form.from_clause().iter().collect();
    let conditions: Vec<Node<'_>> = all.args().iter().collect();
    let (Some((_, items)), Some(conditions)) = (items.split_last(), conditions.get(2..)) else {
        return false;
    };
    let is_target = match (form.relation(), own.relation()) {
        (Some(left), Some(right)) => same(Node::RangeVar(left), Node::RangeVar(right)),
        _ => false,
    };
    let own_condition = Some(own.where_clause()).filter(|node| !matches!(node, Node::None));
    let own_condition: Vec<Node<'_>> = own_condition.into_iter().collect();
    let own_items: Vec<Node<'_>> = own.from_clause().iter().collect();
    let assigned: Vec<Node<'_>> = untyped(form.target_list()).iter().collect();
    let own_assigned: Vec<Node<'_>> = untyped(own.target_list()).iter().collect();
    is_target
        && all_same(conditions, &own_condition)
        && all_same(items, &own_items)
        && all_same(&assigned, &own_assigned)
}

fn all_same(left: &[Node<'_>], right: &[Node<'_>]) -> bool {
    left.len() == right.len()
        && left
            .iter()
            .zip(right)
            .all(|(left, right)| same(*left, *right))
}

//! GROUP BY a primary key makes all other columns of the table available. A derived table has no key, so such a query cannot be
//! edited.

use gatewright_parser::{ConstValue, Node, Strings, children, nodes, same, untyped};

use super::error::{SubstituteError, Unsupported};
use super::references::{Reference, References};
use super::syntax::name_of;
use crate::risky;

/// Refuses a query that needs a replaced table's key for its groups.
pub(super) fn check(
    query: &nodes::SelectStmt,
    references: &References<'_>,
) -> Result<(), SubstituteError> {
    let replaced: Vec<&Reference<'_>> = references.of_query(query).collect();
    if query.group_clause().is_empty() || replaced.is_empty() {
        return Ok(());
    }
    let groups = groups(query);
    let mut open: Vec<Node<'_>> = untyped(query.target_list()).iter().collect();
    open.push(query.having_clause());
    while let Some(node) = open.pop() {
        match node {
            node if groups.iter().any(|group| same(*group, node)) => {}
            Node::FuncCall(call) if is_aggregate(call) => {}
            Node::SubLink(_) | Node::None => {}
            Node::ColumnRef(column) if replaced.iter().any(|item| may_be_of(column, item)) => {
                return Err(Unsupported("a column that GROUP BY does not list"));
            }
            node => children(node, &mut |part| open.push(part)),
        }
    }
    Ok(())
}

/// The expressions that are grouped by; an output column stands for its expression.
fn groups(query: &nodes::SelectStmt) -> Vec<Node<'_>> {
    let targets: Vec<&nodes::ResTarget> = untyped(query.target_list())
        .iter()
        .filter_map(|target| match target {
            Node::ResTarget(target) => Some(target),
            _ => None,
        })
        .collect();
    let mut groups = Vec::new();
    let mut open: Vec<Node<'_>> = query.group_clause().iter().collect();
    while let Some(node) = open.pop() {
        match node {
            Node::GroupingSet(set) => open.extend(set.content()),
            Node::RowExpr(row) => open.extend(row.args()),
            Node::A_Const(constant) => {
                if let Some(ConstValue::Integer(at)) = constant.val()
                    && let Some(target) = usize::try_from(at)
                        .ok()
                        .and_then(|at| targets.get(at.checked_sub(1)?))
                {
                    groups.push(target.val());
                }
            }
            Node::ColumnRef(column) => {
                let names = column.fields().strings();
                let named = targets
                    .iter()
                    .filter(|target| [target.name().unwrap_or_default()] == *names.as_slice());
                groups.extend(named.map(|target| target.val()));
                groups.push(node);
            }
            node => groups.push(node),
        }
    }
    groups
}

fn is_aggregate(call: &nodes::FuncCall) -> bool {
    let names = call.funcname().strings();
    names
        .last()
        .is_some_and(|name| risky::is_aggregate(name, call))
        && call.over().is_none()
}

fn may_be_of(column: &nodes::ColumnRef, reference: &Reference<'_>) -> bool {
    match column.fields().strings().as_slice() {
        [name] => {
            let columns = &reference.relation.columns;
            column.fields().len() == 1 && columns.iter().any(|known| known.name == *name)
                || column.fields().len() > 1
                || name_of(reference.item) == *name
        }
        [.., item, _] => name_of(reference.item) == *item,
        [] => true,
    }
}

//! Questions about expressions that need no names.

use gatewright_parser::{ConstValue, Node, NodeList, Strings, children, nodes};

pub(super) fn is_bound(node: Node<'_>) -> bool {
    matches!(node, Node::ParamRef(_))
}

pub(super) fn constant(node: Node<'_>) -> Option<&str> {
    match node {
        Node::A_Const(constant) => match constant.val() {
            Some(ConstValue::String(text)) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// The element of a list that has exactly one.
pub(super) fn only(list: &NodeList) -> Option<Node<'_>> {
    list.first().filter(|_| list.len() == 1)
}

/// Whether a condition can exclude rows depending on their values.
pub(super) fn narrows(condition: Node<'_>) -> bool {
    if let Node::BoolExpr(expression) = condition {
        let mut arms = expression.args().iter().map(narrows);
        return if expression.boolop == nodes::BoolExprType::OR_EXPR {
            arms.all(|arm| arm)
        } else {
            arms.any(|arm| arm)
        };
    }
    if let Node::A_Expr(expression) = condition
        && let (Node::ColumnRef(left), Node::ColumnRef(right)) =
            (expression.lexpr(), expression.rexpr())
        && left.fields().strings() == right.fields().strings()
    {
        return false;
    }
    names_column(condition)
}

fn names_column(node: Node<'_>) -> bool {
    let mut found = matches!(node, Node::ColumnRef(_) | Node::CurrentOfExpr(_));
    children(node, &mut |child| found = found || names_column(child));
    found
}

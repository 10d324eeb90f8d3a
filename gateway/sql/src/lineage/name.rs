//! The name that PostgreSQL gives an output column without alias (FigureColname in parse_target.c). `None` if the rule is
//! not implemented here.

use gatewright_parser::{Node, NodeList, Strings, nodes, untyped};

const NAMELESS: &str = "?column?";

pub(super) fn of_target(target: &nodes::ResTarget) -> Option<&str> {
    target.name().or_else(|| of_value(target.val()))
}

fn of_value(node: Node<'_>) -> Option<&str> {
    let found = match node {
        Node::ColumnRef(column) => return last(column.fields()),
        Node::FuncCall(call) => return last(call.funcname()),
        Node::CollateClause(collate) => return of_value(collate.arg()),
        Node::A_Indirection(indirection) => {
            return last(indirection.indirection()).or_else(|| of_value(indirection.arg()));
        }
        Node::TypeCast(cast) => {
            let inner = of_value(cast.arg())?;
            if inner != NAMELESS && !weak(cast.arg()) {
                return Some(inner);
            }
            return cast
                .type_name()
                .and_then(|kind| last(untyped(kind.names())));
        }
        Node::SubLink(link) => match link.sub_link_type {
            nodes::SubLinkType::EXISTS_SUBLINK => "exists",
            nodes::SubLinkType::ARRAY_SUBLINK => "array",
            _ => return None,
        },
        Node::A_Expr(expression) if expression.kind == nodes::A_Expr_Kind::AEXPR_NULLIF => "nullif",
        Node::CoalesceExpr(_) => "coalesce",
        Node::RowExpr(_) => "row",
        Node::A_ArrayExpr(_) => "array",
        Node::GroupingFunc(_) => "grouping",
        Node::A_Expr(_)
        | Node::A_Const(_)
        | Node::ParamRef(_)
        | Node::BoolExpr(_)
        | Node::NullTest(_)
        | Node::BooleanTest(_) => NAMELESS,
        _ => return None,
    };
    Some(found)
}

fn last(names: &NodeList) -> Option<&str> {
    names.strings().last().copied()
}

/// Names over which the type of a cast takes precedence.
fn weak(node: Node<'_>) -> bool {
    matches!(node, Node::TypeCast(_) | Node::CaseExpr(_))
}

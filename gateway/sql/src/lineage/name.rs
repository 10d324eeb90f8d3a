//! The name that PostgreSQL gives an output column without alias (FigureColname in parse_target.c). `None` if the rule is
//! not implemented here, or not the same in every version.

use gatewright_parser::{Node, NodeList, Strings, nodes, untyped};

const NAMELESS: &str = "?column?";

/// The name of a value that is nested deeper, in queries and casts, is not looked for: it would be looked for anew at every level.
const DEEPEST: usize = 32;

/// What an expression is called.
enum Name<'t> {
    /// The type of a cast around it gives no other.
    Strong(&'t str),
    /// The type of a cast around it takes precedence.
    Weak(&'t str),
    Nothing,
    Undetermined,
}

pub(super) fn of_target(target: &nodes::ResTarget) -> Option<&str> {
    target.name().or_else(|| of_value(target.val(), DEEPEST))
}

fn of_value(node: Node<'_>, deepest: usize) -> Option<&str> {
    match named(node, deepest) {
        Name::Strong(name) | Name::Weak(name) => Some(name),
        Name::Nothing => Some(NAMELESS),
        Name::Undetermined => None,
    }
}

fn named(node: Node<'_>, deepest: usize) -> Name<'_> {
    let Some(deepest) = deepest.checked_sub(1) else {
        return Name::Undetermined;
    };
    let found = match node {
        Node::None
        | Node::A_Const(_)
        | Node::ParamRef(_)
        | Node::BoolExpr(_)
        | Node::NullTest(_)
        | Node::BooleanTest(_) => return Name::Nothing,
        Node::ColumnRef(column) => {
            return last(column.fields()).map_or(Name::Nothing, Name::Strong);
        }
        Node::FuncCall(call) => {
            return last(call.funcname()).map_or(Name::Undetermined, Name::Strong);
        }
        Node::CollateClause(collate) => return named(collate.arg(), deepest),
        Node::A_Indirection(indirection) => {
            return match last(indirection.indirection()) {
                Some(field) => Name::Strong(field),
                None => named(indirection.arg(), deepest),
            };
        }
        Node::TypeCast(cast) => {
            let kind = cast.type_name();
            return weaker(named(cast.arg(), deepest), || last(untyped(kind?.names())));
        }
        Node::CaseExpr(case) => return weaker(named(case.defresult(), deepest), || Some("case")),
        Node::SubLink(link) => match link.sub_link_type {
            nodes::SubLinkType::EXISTS_SUBLINK => "exists",
            nodes::SubLinkType::ARRAY_SUBLINK => "array",
            nodes::SubLinkType::EXPR_SUBLINK => {
                let only = first_of(link.subselect(), deepest);
                return only.map_or(Name::Undetermined, Name::Strong);
            }
            _ => return Name::Nothing,
        },
        Node::A_Expr(expression) if expression.kind == nodes::A_Expr_Kind::AEXPR_NULLIF => "nullif",
        Node::A_Expr(_) => return Name::Nothing,
        Node::CoalesceExpr(_) => "coalesce",
        Node::MinMaxExpr(expression) => match expression.op {
            nodes::MinMaxOp::IS_GREATEST => "greatest",
            _ => "least",
        },
        Node::RowExpr(_) => "row",
        Node::A_ArrayExpr(_) => "array",
        Node::GroupingFunc(_) => "grouping",
        _ => return Name::Undetermined,
    };
    Name::Strong(found)
}

/// The name of what is inside, unless another is better.
fn weaker<'t>(inner: Name<'t>, other: impl FnOnce() -> Option<&'t str>) -> Name<'t> {
    match inner {
        Name::Strong(_) | Name::Undetermined => inner,
        Name::Weak(_) | Name::Nothing => other().map_or(Name::Undetermined, Name::Weak),
    }
}

/// The name of a query's first column.
fn first_of(query: Node<'_>, deepest: usize) -> Option<&str> {
    let Node::SelectStmt(mut select) = query else {
        return None;
    };
    while let Some(left) = select.larg() {
        select = left;
    }
    if !select.values_lists().is_empty() {
        return Some("column1");
    }
    match untyped(select.target_list()).first()? {
        Node::ResTarget(target) if !is_star(target.val()) => {
            target.name().or_else(|| of_value(target.val(), deepest))
        }
        _ => None,
    }
}

fn is_star(node: Node<'_>) -> bool {
    match node {
        Node::ColumnRef(column) => super::level::ends_in_star(column.fields()),
        Node::A_Indirection(indirection) => super::level::ends_in_star(indirection.indirection()),
        _ => false,
    }
}

fn last(names: &NodeList) -> Option<&str> {
    names.strings().last().copied()
}

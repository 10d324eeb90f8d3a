//! Conditions that compare a column with one value, and expressions that cannot fail: questions about syntax, not about what
//! columns mean.

use gatewright_parser::{Node, Strings, children, nodes};
use hashbrown::HashMap;

use crate::catalog::Names;

/// The operators that compare values and cannot fail, unless somebody's own have the same names.
const COMPARISONS: [&str; 7] = ["=", "<>", "!=", "<", ">", "<=", ">="];

/// The conjuncts of a condition.
pub(crate) fn conjuncts<'t>(condition: Node<'t>, each: &mut impl FnMut(Node<'t>)) {
    match condition {
        Node::None => {}
        Node::BoolExpr(expression) if expression.boolop == nodes::BoolExprType::AND_EXPR => {
            for part in expression.args() {
                conjuncts(part, each);
            }
        }
        part => each(part),
    }
}

pub(crate) fn is_column(node: Node<'_>) -> bool {
    matches!(node, Node::ColumnRef(_))
}

pub(crate) fn is_not_null(node: Node<'_>) -> bool {
    matches!(node, Node::NullTest(test)
        if test.nulltesttype == nodes::NullTestType::IS_NOT_NULL)
}

/// The column of `column = constant`, `column IN (constant)` and `column IS [NOT] NULL`. Several constants would be several guesses.
pub(crate) fn equated(node: Node<'_>) -> Option<Node<'_>> {
    match node {
        Node::NullTest(test) => Some(test.arg()).filter(|arg| is_column(*arg)),
        Node::A_Expr(expression) => compared(expression).map(|(column, _)| Node::ColumnRef(column)),
        _ => None,
    }
}

/// The column and the constant of `column = constant`, on either side, and of `column IN (constant)`.
pub(crate) fn compared<'t>(
    expression: &'t nodes::A_Expr,
) -> Option<(&'t nodes::ColumnRef, Node<'t>)> {
    use nodes::A_Expr_Kind::{AEXPR_IN, AEXPR_OP};
    let names = expression.name().strings();
    let (column, given) = match (expression.kind, expression.lexpr(), expression.rexpr()) {
        (AEXPR_IN, Node::ColumnRef(column), Node::NodeList(list)) if list.len() == 1 => {
            (column, list.first()?)
        }
        (AEXPR_OP, Node::ColumnRef(column), given) | (AEXPR_OP, given, Node::ColumnRef(column)) => {
            (column, given)
        }
        _ => return None,
    };
    let equals = matches!(names.as_slice(), ["="] | ["pg_catalog", "="]);
    (equals && is_given(given)).then_some((column, given))
}

/// A constant or a parameter.
fn is_given(node: Node<'_>) -> bool {
    match node {
        Node::A_Const(_) | Node::ParamRef(_) => true,
        Node::TypeCast(cast) => is_given(cast.arg()),
        _ => false,
    }
}

/// Whether queries can fail, by their addresses in the tree: each is asked for itself and for every query around it.
pub(crate) type CanFail = HashMap<usize, bool>;

/// Whether computing the value may fail: that it did shows something of the operands, even if nobody reads the value.
pub(crate) fn can_fail(node: Node<'_>, catalog: Names<'_>, known: &mut CanFail) -> bool {
    let Node::SelectStmt(select) = node else {
        return can_fail_itself(node, catalog, known);
    };
    let place = std::ptr::from_ref(select).addr();
    if let Some(fails) = known.get(&place) {
        return *fails;
    }
    let fails = can_fail_itself(node, catalog, known);
    known.insert(place, fails);
    fails
}

fn can_fail_itself(node: Node<'_>, catalog: Names<'_>, known: &mut CanFail) -> bool {
    match node {
        Node::None | Node::ColumnRef(_) | Node::A_Const(_) | Node::ParamRef(_) => return false,
        Node::SQLValueFunction(_) | Node::TypeName(_) | Node::RangeVar(_) => return false,
        Node::TypeCast(cast) if is_given(cast.arg()) => return false,
        Node::A_Expr(expression) => {
            let compares = match expression.name().strings().as_slice() {
                [name] | ["pg_catalog", name] => {
                    COMPARISONS.contains(name)
                        && catalog.operator_functions(&[name]).next().is_none()
                }
                // BETWEEN.
                [] => true,
                _ => false,
            };
            if !compares && !is_between(expression) {
                return true;
            }
        }
        // `(value).name` may call a function.
        Node::A_Indirection(indirection) => {
            let names = indirection.indirection().strings();
            if names.iter().any(|name| catalog.has_function(name)) {
                return true;
            }
        }
        Node::FuncCall(_)
        | Node::TypeCast(_)
        | Node::XmlExpr(_)
        | Node::XmlSerialize(_)
        | Node::RangeTableFunc(_)
        | Node::JsonTable(_)
        | Node::JsonFuncExpr(_)
        | Node::JsonIsPredicate(_)
        | Node::JsonParseExpr(_)
        | Node::JsonScalarExpr(_)
        | Node::JsonSerializeExpr(_)
        | Node::JsonObjectConstructor(_)
        | Node::JsonArrayConstructor(_)
        | Node::JsonArrayQueryConstructor(_)
        | Node::JsonObjectAgg(_)
        | Node::JsonArrayAgg(_)
        | Node::Invalid(_) => return true,
        _ => {}
    }
    let mut fails = false;
    children(node, &mut |child| {
        fails = fails || can_fail(child, catalog, known);
    });
    fails
}

fn is_between(expression: &nodes::A_Expr) -> bool {
    matches!(
        expression.kind,
        nodes::A_Expr_Kind::AEXPR_BETWEEN
            | nodes::A_Expr_Kind::AEXPR_NOT_BETWEEN
            | nodes::A_Expr_Kind::AEXPR_BETWEEN_SYM
            | nodes::A_Expr_Kind::AEXPR_NOT_BETWEEN_SYM
    )
}

/// Whether an INSERT inserts one row of given values.
pub(crate) fn is_one_row(source: Node<'_>) -> bool {
    match source {
        Node::None => true,
        Node::SelectStmt(select) => select.values_lists().len() == 1,
        _ => false,
    }
}

//! The shape of a statement in PostgreSQL's grammar.

use gatewright_parser::{Node, NodeList, Strings, children, nodes};

use super::shape::Shape;

/// `None` for statements other than queries and row changes.
pub(super) fn shape(node: Node<'_>) -> Option<Shape> {
    let mut shape = Shape {
        kind: match node {
            Node::SelectStmt(_) => "select",
            Node::InsertStmt(_) => "insert",
            Node::UpdateStmt(_) => "update",
            Node::DeleteStmt(_) => "delete",
            Node::MergeStmt(_) => "merge",
            _ => return None,
        },
        ..Shape::default()
    };
    visit(node, &mut shape);
    Some(shape.sorted())
}

fn visit(node: Node<'_>, shape: &mut Shape) {
    match node {
        Node::RangeVar(relation) => {
            let parts = [
                relation.catalogname(),
                relation.schemaname(),
                relation.relname(),
            ];
            let written = parts.into_iter().flatten();
            shape.relations.push(written.map(str::to_owned).collect());
        }
        Node::FuncCall(call) => shape.functions.extend(last(call.funcname())),
        Node::ColumnRef(column) => shape.columns.extend(last(column.fields())),
        Node::A_Indirection(path) => {
            let names = path.indirection().strings().into_iter();
            shape.columns.extend(names.map(str::to_owned));
        }
        Node::SetToDefault(_) => shape.columns.push("default".to_owned()),
        Node::CoalesceExpr(_) => shape.functions.push("coalesce".to_owned()),
        Node::MinMaxExpr(choice) => {
            let least = choice.op == nodes::MinMaxOp::IS_LEAST;
            let name = if least { "least" } else { "greatest" };
            shape.functions.push(name.to_owned());
        }
        Node::A_Expr(expression) if expression.kind == nodes::A_Expr_Kind::AEXPR_NULLIF => {
            shape.functions.push("nullif".to_owned());
        }
        Node::GroupingFunc(_) => shape.functions.push("grouping".to_owned()),
        Node::SQLValueFunction(value) => {
            shape.functions.extend(clock(value.op).map(str::to_owned));
        }
        Node::SelectStmt(select)
            if select.op == nodes::SetOperation::SETOP_NONE && select.values_lists().is_empty() =>
        {
            shape.selects.push((
                select.target_list().len(),
                is_some(select.where_clause()),
                is_some(select.having_clause()),
            ));
        }
        Node::UpdateStmt(update) => shape.wheres.push(is_some(update.where_clause())),
        Node::DeleteStmt(delete) => shape.wheres.push(is_some(delete.where_clause())),
        _ => {}
    }
    children(node, &mut |child| visit(child, shape));
}

fn is_some(node: Node<'_>) -> bool {
    !matches!(node, Node::None)
}

/// The keyword of a function that is called without parentheses.
fn clock(function: nodes::SQLValueFunctionOp::Type) -> Option<&'static str> {
    use nodes::SQLValueFunctionOp as Op;
    Some(match function {
        Op::SVFOP_CURRENT_DATE => "current_date",
        Op::SVFOP_CURRENT_TIME | Op::SVFOP_CURRENT_TIME_N => "current_time",
        Op::SVFOP_CURRENT_TIMESTAMP | Op::SVFOP_CURRENT_TIMESTAMP_N => "current_timestamp",
        Op::SVFOP_LOCALTIME | Op::SVFOP_LOCALTIME_N => "localtime",
        Op::SVFOP_LOCALTIMESTAMP | Op::SVFOP_LOCALTIMESTAMP_N => "localtimestamp",
        Op::SVFOP_CURRENT_ROLE => "current_role",
        Op::SVFOP_CURRENT_USER => "current_user",
        Op::SVFOP_USER => "user",
        Op::SVFOP_SESSION_USER => "session_user",
        Op::SVFOP_CURRENT_CATALOG => "current_catalog",
        Op::SVFOP_CURRENT_SCHEMA => "current_schema",
        _ => return None,
    })
}

fn last(names: &NodeList) -> Option<String> {
    let last = names.get(names.len().checked_sub(1)?)?;
    last.as_str().map(str::to_owned)
}

//! The shape of a statement in PostgreSQL's grammar.

use pg_query::{NodeEnum, NodeRef, protobuf as pb};

use super::Shape;

/// `None` for statements other than queries and row changes.
pub(super) fn shape(node: &NodeEnum) -> Option<Shape> {
    let mut shape = Shape {
        kind: match node {
            NodeEnum::SelectStmt(_) => "select",
            NodeEnum::InsertStmt(_) => "insert",
            NodeEnum::UpdateStmt(_) => "update",
            NodeEnum::DeleteStmt(_) => "delete",
            NodeEnum::MergeStmt(_) => "merge",
            _ => return None,
        },
        ..Shape::default()
    };
    visit(node.to_ref(), &mut shape);
    Some(shape.sorted())
}

fn visit(node: NodeRef<'_>, shape: &mut Shape) {
    match node {
        NodeRef::RangeVar(relation) => {
            let parts = [
                &relation.catalogname,
                &relation.schemaname,
                &relation.relname,
            ];
            let written = parts.into_iter().filter(|part| !part.is_empty());
            shape.relations.push(written.cloned().collect());
        }
        NodeRef::FuncCall(call) => shape.functions.extend(last(&call.funcname)),
        NodeRef::ColumnRef(column) => shape.columns.extend(last(&column.fields)),
        NodeRef::AIndirection(path) => shape.columns.extend(strings(&path.indirection)),
        NodeRef::SetToDefault(_) => shape.columns.push("default".to_owned()),
        NodeRef::CoalesceExpr(_) => shape.functions.push("coalesce".to_owned()),
        NodeRef::MinMaxExpr(choice) => {
            let least = choice.op == pb::MinMaxOp::IsLeast as i32;
            let name = if least { "least" } else { "greatest" };
            shape.functions.push(name.to_owned());
        }
        NodeRef::AExpr(expression) if expression.kind == pb::AExprKind::AexprNullif as i32 => {
            shape.functions.push("nullif".to_owned());
        }
        NodeRef::GroupingFunc(_) => shape.functions.push("grouping".to_owned()),
        NodeRef::SqlvalueFunction(value) => shape.functions.extend(clock(value)),
        NodeRef::SelectStmt(select)
            if select.op == pb::SetOperation::SetopNone as i32
                && select.values_lists.is_empty() =>
        {
            shape.selects.push((
                select.target_list.len(),
                select.where_clause.is_some(),
                select.having_clause.is_some(),
            ));
        }
        NodeRef::UpdateStmt(update) => shape.wheres.push(update.where_clause.is_some()),
        NodeRef::DeleteStmt(delete) => shape.wheres.push(delete.where_clause.is_some()),
        _ => {}
    }
    crate::tree::children(node, &mut |child| visit(child, shape));
}

fn clock(value: &pb::SqlValueFunction) -> Option<String> {
    let name = pb::SqlValueFunctionOp::try_from(value.op).ok()?;
    let name = name.as_str_name().strip_prefix("SVFOP_")?;
    Some(name.trim_end_matches("_N").to_ascii_lowercase())
}

fn last(names: &[pb::Node]) -> Option<String> {
    match names.last()?.node.as_ref()? {
        NodeEnum::String(name) => Some(name.sval.clone()),
        _ => None,
    }
}

fn strings(names: &[pb::Node]) -> impl Iterator<Item = String> {
    names.iter().filter_map(|name| match &name.node {
        Some(NodeEnum::String(name)) => Some(name.sval.clone()),
        _ => None,
    })
}

//! The name that PostgreSQL gives an output column without alias (FigureColname in parse_target.c). `None` if the rule is
//! not implemented here.

use pg_query::{NodeEnum, protobuf as pb};

use crate::walker::strings;

const NAMELESS: &str = "?column?";

pub(super) fn of_target(target: &pb::ResTarget) -> Option<String> {
    if target.name.is_empty() {
        of_value(target.val.as_deref())
    } else {
        Some(target.name.clone())
    }
}

fn of_value(node: Option<&pb::Node>) -> Option<String> {
    let last = |nodes: &[pb::Node]| strings(nodes).last().map(|name| (*name).to_owned());
    let found = match node.and_then(|node| node.node.as_ref())? {
        NodeEnum::ColumnRef(column) => return last(&column.fields),
        NodeEnum::FuncCall(call) => return last(&call.funcname),
        NodeEnum::CollateClause(collate) => return of_value(collate.arg.as_deref()),
        NodeEnum::AIndirection(indirection) => {
            return last(&indirection.indirection).or_else(|| of_value(indirection.arg.as_deref()));
        }
        NodeEnum::TypeCast(cast) => {
            let inner = of_value(cast.arg.as_deref())?;
            if inner != NAMELESS && !weak(cast.arg.as_deref()) {
                return Some(inner);
            }
            return cast.type_name.as_ref().and_then(|kind| last(&kind.names));
        }
        NodeEnum::SubLink(link) => match pb::SubLinkType::try_from(link.sub_link_type) {
            Ok(pb::SubLinkType::ExistsSublink) => "exists",
            Ok(pb::SubLinkType::ArraySublink) => "array",
            _ => return None,
        },
        NodeEnum::AExpr(expression) if expression.kind == pb::AExprKind::AexprNullif as i32 => {
            "nullif"
        }
        NodeEnum::CoalesceExpr(_) => "coalesce",
        NodeEnum::RowExpr(_) => "row",
        NodeEnum::AArrayExpr(_) => "array",
        NodeEnum::GroupingFunc(_) => "grouping",
        NodeEnum::AExpr(_)
        | NodeEnum::AConst(_)
        | NodeEnum::ParamRef(_)
        | NodeEnum::BoolExpr(_)
        | NodeEnum::NullTest(_)
        | NodeEnum::BooleanTest(_) => NAMELESS,
        _ => return None,
    };
    Some(found.to_owned())
}

/// Names over which the type of a cast takes precedence.
fn weak(node: Option<&pb::Node>) -> bool {
    matches!(
        node.and_then(|node| node.node.as_ref()),
        Some(NodeEnum::TypeCast(_) | NodeEnum::CaseExpr(_))
    )
}

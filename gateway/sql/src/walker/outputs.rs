//! What can be said of output columns before the statement runs.

use pg_query::{NodeEnum, protobuf as pb};

use crate::catalog::Catalog;
use crate::facts::{Output, Outputs};

use super::strings;

pub(super) fn limit(select: &pb::SelectStmt) -> Option<u64> {
    if select.limit_option != pb::LimitOption::Count as i32 {
        return None;
    }
    match select.limit_count.as_ref()?.node.as_ref()? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            pb::a_const::Val::Ival(limit) => u64::try_from(limit.ival).ok(),
            pb::a_const::Val::Fval(limit) => limit.fval.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn of(node: &NodeEnum, catalog: &Catalog) -> Outputs {
    let returning = match node {
        NodeEnum::SelectStmt(select) => return of_select(select, catalog),
        NodeEnum::DeclareCursorStmt(_) => return Outputs::None,
        NodeEnum::InsertStmt(insert) => insert.returning_clause.as_ref(),
        NodeEnum::UpdateStmt(update) => update.returning_clause.as_ref(),
        NodeEnum::DeleteStmt(delete) => delete.returning_clause.as_ref(),
        NodeEnum::MergeStmt(merge) => merge.returning_clause.as_ref(),
        NodeEnum::ExplainStmt(_)
        | NodeEnum::FetchStmt(_)
        | NodeEnum::ExecuteStmt(_)
        | NodeEnum::CallStmt(_)
        | NodeEnum::VariableShowStmt(_) => {
            return Outputs::Unknown;
        }
        _ => return Outputs::None,
    };
    returning.map_or(Outputs::None, |clause| targets(&clause.exprs, catalog))
}

fn of_select(select: &pb::SelectStmt, catalog: &Catalog) -> Outputs {
    if let (Some(left), Some(right)) = (&select.larg, &select.rarg) {
        return match (of_select(left, catalog), of_select(right, catalog)) {
            (Outputs::Columns(left), Outputs::Columns(right)) if left.len() == right.len() => {
                Outputs::Columns(
                    left.into_iter()
                        .zip(right)
                        .map(|(left, right)| Output {
                            sources: left.sources.and(right.sources),
                            name: left.name,
                        })
                        .collect(),
                )
            }
            _ => Outputs::Unknown,
        };
    }
    if !select.values_lists.is_empty() {
        return values(&select.values_lists, catalog);
    }
    targets(&select.target_list, catalog)
}

/// PostgreSQL names the columns of VALUES `column1` and so on.
fn values(rows: &[pb::Node], catalog: &Catalog) -> Outputs {
    let mut empty: Vec<bool> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let Some(NodeEnum::List(row)) = &row.node else {
            return Outputs::Unknown;
        };
        if at == 0 {
            empty = vec![true; row.items.len()];
        }
        if row.items.len() != empty.len() {
            return Outputs::Unknown;
        }
        for (empty, item) in empty.iter_mut().zip(&row.items) {
            let item = item.node.as_ref();
            *empty &= item.is_some_and(|item| carries_nothing(item, catalog));
        }
    }
    let columns = empty.into_iter().enumerate().map(|(at, empty)| Output {
        name: Some(format!("column{}", at + 1)),
        sources: empty.then(Vec::new),
    });
    Outputs::Columns(columns.collect())
}

fn targets(list: &[pb::Node], catalog: &Catalog) -> Outputs {
    let mut columns = Vec::with_capacity(list.len());
    for item in list {
        let Some(NodeEnum::ResTarget(target)) = &item.node else {
            return Outputs::Unknown;
        };
        let Some(value) = target.val.as_ref().and_then(|value| value.node.as_ref()) else {
            return Outputs::Unknown;
        };
        let mut name = (!target.name.is_empty()).then(|| target.name.clone());
        match value {
            NodeEnum::ColumnRef(column) => {
                if column
                    .fields
                    .iter()
                    .any(|field| matches!(field.node, Some(NodeEnum::AStar(_))))
                {
                    return Outputs::Unknown;
                }
                name = name.or_else(|| {
                    strings(&column.fields)
                        .last()
                        .map(|name| (*name).to_owned())
                });
            }
            // (row).* is any number of columns.
            NodeEnum::AIndirection(_) => return Outputs::Unknown,
            NodeEnum::FuncCall(call) => {
                name = name.or_else(|| {
                    strings(&call.funcname)
                        .last()
                        .map(|name| (*name).to_owned())
                })
            }
            _ => {}
        }
        columns.push(Output {
            name,
            sources: carries_nothing(value, catalog).then(Vec::new),
        });
    }
    Outputs::Columns(columns)
}

/// Constants, parameters, the clock and counts.
fn carries_nothing(node: &NodeEnum, catalog: &Catalog) -> bool {
    const WITHOUT_ARGUMENTS: [&str; 13] = [
        "now",
        "clock_timestamp",
        "statement_timestamp",
        "transaction_timestamp",
        "timeofday",
        "version",
        "current_database",
        "current_schema",
        "pg_backend_pid",
        "row_number",
        "random",
        "gen_random_uuid",
        "pg_is_in_recovery",
    ];
    // now(t) would be the column t.now; count takes anything, so it is always the function.
    let known = |name: &str, call: &pb::FuncCall| {
        name == "count" || call.args.is_empty() && WITHOUT_ARGUMENTS.contains(&name)
    };
    match node {
        NodeEnum::AConst(_) | NodeEnum::ParamRef(_) | NodeEnum::SqlvalueFunction(_) => true,
        NodeEnum::TypeCast(cast) => {
            let inner = cast.arg.as_ref().and_then(|arg| arg.node.as_ref());
            inner.is_some_and(|inner| carries_nothing(inner, catalog))
                && cast.type_name.as_ref().is_some_and(is_built_in)
        }
        NodeEnum::FuncCall(call) => match strings(&call.funcname).as_slice() {
            ["pg_catalog", name] => known(name, call),
            [name] => known(name, call) && !catalog.shadows_function(name),
            _ => false,
        },
        _ => false,
    }
}

/// Conversion to other types may run functions that read tables.
fn is_built_in(kind: &pb::TypeName) -> bool {
    const COMMON: [&str; 8] = [
        "text", "date", "uuid", "json", "jsonb", "bytea", "name", "oid",
    ];
    match strings(&kind.names).as_slice() {
        ["pg_catalog", _] => true,
        [name] => COMMON.contains(name),
        _ => false,
    }
}

//! Whether two trees say the same, wherever their words stand in the text.
//! It refuses to know SQL: it compares every field but positions.
//! Next room: whoever rewrites or describes a statement.

use pg_query::protobuf::ParseResult;
use serde_json::Value;

pub(crate) fn same(left: &ParseResult, right: &ParseResult) -> bool {
    match (
        serde_json::to_value(&left.stmts),
        serde_json::to_value(&right.stmts),
    ) {
        (Ok(mut left), Ok(mut right)) => {
            forget_positions(&mut left);
            forget_positions(&mut right);
            left == right
        }
        _ => false,
    }
}

fn forget_positions(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !matches!(
                    name.as_str(),
                    "location"
                        | "stmt_location"
                        | "stmt_len"
                        | "rexpr_list_start"
                        | "rexpr_list_end"
                        | "list_start"
                        | "list_end"
                )
            });
            fields.values_mut().for_each(forget_positions);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_positions),
        _ => {}
    }
}

//! Whether two trees are equal apart from the positions of their tokens in the text.

use pg_query::ParserOptions;
use pg_query::protobuf::ParseResult;
use serde_json::Value;

/// The tree of a text that parses to the same tree with standard_conforming_strings on and off.
pub(crate) fn with_either_setting(text: &str) -> Option<ParseResult> {
    let on = pg_query::parse(text, ParserOptions::DEFAULT).ok()?.protobuf;
    if text.contains('\\') {
        let off = pg_query::parse(text, ParserOptions::DISABLE_STANDARD_CONFORMING_STRINGS);
        if !same(&on, &off.ok()?.protobuf) {
            return None;
        }
    }
    Some(on)
}

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

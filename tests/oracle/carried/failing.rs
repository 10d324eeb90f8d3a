//! Which expressions can fail when they are computed.

use std::collections::BTreeSet;

use crate::node::{Node, Value};

/// Whether computing the value can fail, and so tell something although the value is dropped.
pub fn can_fail(value: &Value, comparisons: &BTreeSet<u32>) -> bool {
    match value {
        Value::List(list) => list.iter().any(|item| can_fail(item, comparisons)),
        Value::Node(node) => {
            let fails = match node.kind.as_str() {
                "OPEXPR" | "SCALARARRAYOPEXPR" | "NULLIFEXPR" | "DISTINCTEXPR" => {
                    u32::try_from(node.number("opno"))
                        .is_ok_and(|operator| !comparisons.contains(&operator))
                }
                "FUNCEXPR" | "COERCEVIAIO" | "ARRAYCOERCEEXPR" | "COERCETODOMAIN" => {
                    !is_plain_constant(node)
                }
                _ => false,
            };
            fails || node.fields().any(|field| can_fail(field, comparisons))
        }
        _ => false,
    }
}

/// An implicit conversion.
pub(super) fn is_unwritten(node: &Node) -> bool {
    let form = if node.kind == "FUNCEXPR" {
        "funcformat"
    } else {
        "coerceformat"
    };
    node.number(form) == 2
}

/// Whether nothing in it is read from a row.
fn is_plain_constant(node: &Node) -> bool {
    fn reads(value: &Value) -> bool {
        match value {
            Value::List(list) => list.iter().any(reads),
            Value::Node(node) => {
                matches!(node.kind.as_str(), "VAR" | "SUBLINK") || node.fields().any(reads)
            }
            _ => false,
        }
    }
    !node.fields().any(reads)
}

/// Columns, constants and parameters, in a target entry or not.
pub fn is_plain(value: &Value) -> bool {
    value.nodes().all(|node| match node.kind.as_str() {
        "VAR" | "CONST" | "PARAM" => true,
        "TARGETENTRY" => is_plain(node.field("expr")),
        "RELABELTYPE" | "COLLATEEXPR" => is_plain(node.field("arg")),
        _ => false,
    })
}

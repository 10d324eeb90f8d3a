//! Syntax that not every version of PostgreSQL has. The grammar is that of version 18. An older server reads the same words
//! as a column, a function or a type of that name, which somebody may have created. What is new but has no other reading needs
//! no entry: an older server rejects it.

use gatewright_parser::{Node, Strings, nodes};

/// The version of the grammar.
pub(crate) const GRAMMAR: u32 = 18;

/// The construct that the grammar made of words, and the first version that does.
fn construct(node: Node<'_>) -> Option<(u32, &'static str)> {
    Some(match node {
        // The grammar writes it as a function.
        Node::FuncCall(call) if call.funcname().strings() == ["pg_catalog", "system_user"] => {
            (16, "SYSTEM_USER")
        }
        Node::JsonObjectConstructor(_) => (16, "JSON_OBJECT"),
        Node::JsonArrayConstructor(_) | Node::JsonArrayQueryConstructor(_) => (16, "JSON_ARRAY"),
        Node::JsonObjectAgg(_) => (16, "JSON_OBJECTAGG"),
        Node::JsonArrayAgg(_) => (16, "JSON_ARRAYAGG"),
        Node::JsonIsPredicate(_) => (16, "IS JSON"),
        Node::JsonParseExpr(_) => (17, "JSON()"),
        Node::JsonScalarExpr(_) => (17, "JSON_SCALAR"),
        Node::JsonSerializeExpr(_) => (17, "JSON_SERIALIZE"),
        Node::JsonFuncExpr(_) => (17, "JSON_EXISTS, JSON_QUERY or JSON_VALUE"),
        Node::JsonTable(_) => (17, "JSON_TABLE"),
        Node::MergeSupportFunc(_) => (17, "MERGE_ACTION"),
        _ => return None,
    })
}

/// Why a server of this version may read the node as something else.
pub(crate) fn otherwise(node: Node<'_>, version: u32) -> Option<String> {
    if version >= GRAMMAR {
        return None;
    }
    let (since, name) = construct(node)?;
    (version < since).then(|| reason(name, version))
}

/// The name of a called function as a server of this version reads it: the grammar writes `json_object(a, b)` as a function
/// of pg_catalog, older ones as any function of that name.
pub(crate) fn called(call: &nodes::FuncCall, version: u32) -> Vec<&str> {
    let parts = call.funcname().strings();
    match parts.as_slice() {
        ["pg_catalog", name @ "json_object"] if version < 16 => vec![name],
        _ => parts,
    }
}

fn reason(name: &str, version: u32) -> String {
    format!("PostgreSQL {version} does not have {name}, and may read it as something else")
}

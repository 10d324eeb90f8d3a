//! The trees of PL/pgSQL functions. PostgreSQL keeps their SQL as text, so they come as JSON.

use serde_json::Value;

use crate::{Error, Node, c, nodes, parse, untyped};

/// Longer texts are refused. libpg_query writes the JSON, a multiple of the text, where it cannot report an error.
const MAX_BYTES: usize = 1 << 20;

/// The function that a CREATE FUNCTION statement in PL/pgSQL defines, as libpg_query writes it.
///
/// # Errors
/// The text is not such a statement, or longer than 1 MiB, or the function is not valid.
pub fn plpgsql(text: &str) -> Result<Value, Error> {
    if text.len() > MAX_BYTES {
        return Err(Error::Unreadable);
    }
    let tree = parse(text, true)?;
    match tree.only() {
        Some(Node::CreateFunctionStmt(create)) if has_body(create) => {}
        _ => return Err(Error::Unreadable),
    }
    serde_json::from_str(&c::plpgsql(text)?).map_err(|_| Error::Unreadable)
}

/// libpg_query asserts that a function has a body, and that its options are strings: without, it ends the process.
fn has_body(create: &nodes::CreateFunctionStmt) -> bool {
    let mut bodies = 0;
    let sound = untyped(create.options()).iter().all(|option| match option {
        Node::DefElem(option) => match (option.defname(), option.arg()) {
            (Some("as"), Node::NodeList(list)) => {
                bodies += 1;
                list.len() == 1 && list.iter().all(|body| body.as_str().is_some())
            }
            (Some("as"), _) => false,
            (Some("language"), language) => language.as_str() == Some("plpgsql"),
            (name, _) => name.is_some(),
        },
        _ => false,
    });
    sound && bodies == 1
}

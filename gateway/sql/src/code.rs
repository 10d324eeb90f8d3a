//! Code that a statement stores or runs: the statements of a function, procedure or DO block. Languages other than SQL and
//! PL/pgSQL are not read.

use gatewright_parser::{Node, NodeList, Strings, nodes, untyped};

use crate::plpgsql::{self, Found};
use crate::render::{quoted_identifier, quoted_literal};
use crate::strings::with_either_setting;

/// Longer code is not read: its parse takes a multiple of its length.
const MAX_BYTES: usize = 64 * 1024;

/// Calls `visit` for every statement of a function or procedure. `None` if they are not all known.
pub(crate) fn of_function(
    create: &nodes::CreateFunctionStmt,
    visit: &mut dyn FnMut(Node<'_>),
) -> Option<()> {
    let body = option(create, "as").filter(|body| body.len() <= MAX_BYTES)?;
    match option(create, "language")? {
        "sql" => of_sql(body, visit),
        "plpgsql" if returns_trigger(create) => {
            of_plpgsql(&plpgsql::trigger_as_function(body)?, body, visit)
        }
        "plpgsql" => of_plpgsql(&definition(create, body)?, body, visit),
        _ => None,
    }
}

/// Calls `visit` for every statement of a DO block. `None` if they are not all known.
pub(crate) fn of_block(block: &nodes::DoStmt, visit: &mut dyn FnMut(Node<'_>)) -> Option<()> {
    let body = block_body(block).filter(|body| body.len() <= MAX_BYTES)?;
    of_plpgsql(&plpgsql::block_as_function(body)?, body, visit)
}

/// The PL/pgSQL of a DO block.
pub(crate) fn block_body(block: &nodes::DoStmt) -> Option<&str> {
    let args = untyped(block.args());
    match text_of(args, "language") {
        None | Some("plpgsql") => text_of(args, "as"),
        Some(_) => None,
    }
}

/// The server reads code with the setting that is in force when it runs, which the code itself may change.
fn of_sql(text: &str, visit: &mut dyn FnMut(Node<'_>)) -> Option<()> {
    let tree = with_either_setting(text)?;
    for statement in tree.statements() {
        visit(statement.node);
    }
    Some(())
}

/// One query at a time: a body may have one for every few bytes, and each tree takes kilobytes.
fn of_plpgsql(definition: &str, body: &str, visit: &mut dyn FnMut(Node<'_>)) -> Option<()> {
    for query in Found::of(definition, body)?.queries {
        for statement in query.statements()? {
            of_sql(&statement, visit)?;
        }
    }
    Some(())
}

/// A definition with the same parameters, result and body, which is what PL/pgSQL's grammar looks at.
fn definition(create: &nodes::CreateFunctionStmt, body: &str) -> Option<String> {
    use nodes::FunctionParameterMode as Mode;
    let (mut parameters, mut columns) = (Vec::new(), Vec::new());
    for parameter in untyped(create.parameters()) {
        let Node::FunctionParameter(parameter) = parameter else {
            return None;
        };
        let name = parameter.name().map_or_else(String::new, quoted_identifier);
        let kind = type_name(parameter.arg_type()?);
        let mode = match parameter.mode {
            Mode::FUNC_PARAM_TABLE => {
                columns.push(format!("{name} {kind}"));
                continue;
            }
            Mode::FUNC_PARAM_OUT => "OUT",
            Mode::FUNC_PARAM_INOUT => "INOUT",
            Mode::FUNC_PARAM_VARIADIC => "VARIADIC",
            _ => "IN",
        };
        parameters.push(format!("{mode} {name} {kind}"));
    }
    let returns = match create.return_type() {
        _ if !columns.is_empty() => format!("RETURNS TABLE ({})", columns.join(", ")),
        Some(kind) => format!("RETURNS {}", type_name(kind)),
        None => String::new(),
    };
    let kind = if create.is_procedure {
        "PROCEDURE"
    } else {
        "FUNCTION"
    };
    let parameters = parameters.join(", ");
    Some(format!(
        "CREATE {kind} f({parameters}) {returns} LANGUAGE plpgsql AS {}",
        quoted_literal(body)
    ))
}

/// A type without its modifiers, which parameters and results do not have.
fn type_name(name: &nodes::TypeName) -> String {
    let setof = if name.setof { "SETOF " } else { "" };
    let names = name.names().strings().into_iter().map(quoted_identifier);
    let names = names.collect::<Vec<_>>().join(".");
    let suffix = if name.pct_type { "%TYPE" } else { "" };
    format!(
        "{setof}{names}{suffix}{}",
        "[]".repeat(name.array_bounds().len())
    )
}

/// The text of an option of CREATE FUNCTION; AS is the body.
pub(crate) fn option<'c>(create: &'c nodes::CreateFunctionStmt, name: &str) -> Option<&'c str> {
    text_of(untyped(create.options()), name)
}

fn text_of<'o>(options: &'o NodeList, name: &str) -> Option<&'o str> {
    let mut named = options.iter().filter_map(|option| match option {
        Node::DefElem(option) if option.defname() == Some(name) => Some(option),
        _ => None,
    });
    match named.next()?.arg() {
        Node::String(text) => Some(text.sval().unwrap_or_default()),
        // The body. For C this list also contains the link symbol.
        Node::NodeList(list) => list.strings().first().copied(),
        _ => None,
    }
}

pub(crate) fn returns_trigger(create: &nodes::CreateFunctionStmt) -> bool {
    let kind = create.return_type();
    kind.is_some_and(|kind| {
        matches!(
            kind.names().strings().last(),
            Some(&("trigger" | "event_trigger"))
        )
    })
}

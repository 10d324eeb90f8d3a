//! Reads the definitions of views, functions and generated columns, once when a catalog is built. A definition that cannot
//! be analysed leaves its object as unknown as without one.

#[cfg(test)]
mod computed_tests;
#[cfg(test)]
mod fixture;
mod function;
#[cfg(test)]
mod hostile_tests;
mod plpgsql;
mod reused;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use gatewright_parser::{Node, Tree, parse};

use crate::body::Body;
use crate::catalog::{Catalog, Definition, Names, Subject};
use crate::code::block_body;
use crate::guard::cuts_names_by_encoding;
use crate::lineage;
use crate::plpgsql::block_as_function;
use crate::render::quoted_identifier;
use crate::strings::with_either_setting;
use crate::walker;

/// How often those that wait for others are tried, once from the first to the last and once from the last to the first. Of objects that were
/// made one after the other, two are enough.
const ROUNDS: usize = 32;

/// Longer definitions are not analysed.
const MAX_BYTES: usize = 256 * 1024;

enum Outcome {
    Read(Box<Body>),
    /// It names an object whose definition has not been read yet.
    Waits,
    Unreadable,
}

/// A part of a definition.
#[derive(Clone, Copy)]
enum Step<'t> {
    Statement(Node<'t>),
    /// An expression; nothing if it is empty.
    Value(Node<'t>),
}

/// Reads all definitions of `catalog` into it, each after those that it names. Those that mean the same as in `last` are not read again.
pub(crate) fn read(catalog: &mut Catalog, last: Option<&Catalog>) {
    let definitions = catalog.input.definitions.clone();
    let mut open: Vec<&Arc<Definition>> = definitions.iter().collect();
    if let Some(last) = last {
        let again = reused::to_read(catalog, last);
        open.retain(|definition| match last.outcomes.get(*definition) {
            Some(outcome) if !again.contains(*definition) => {
                catalog.settle(definition, outcome.clone());
                false
            }
            _ => true,
        });
    }
    let subjects = open.iter().map(|definition| &definition.subject);
    catalog.bodies_mut().wait_for(subjects);
    for _ in 0..ROUNDS {
        let before = open.len();
        open.retain(|definition| {
            let body = match of(definition, catalog) {
                Outcome::Waits => return true,
                Outcome::Read(body) if !body.is_too_large() => Some(Arc::from(body)),
                Outcome::Read(_) | Outcome::Unreadable => None,
            };
            catalog.settle(definition, body);
            false
        });
        if open.is_empty() || open.len() == before {
            break;
        }
        open.reverse();
    }
    // Those that refer to themselves, directly or indirectly, are not analysed.
    for definition in open {
        catalog.settle(definition, None);
        catalog.circular.insert(Arc::clone(definition));
    }
    catalog.bodies_mut().wait_for(std::iter::empty());
}

/// What the code in a statement does: of a DO block, or of a function that is created. `None`: it is not known.
pub(crate) fn code(text: &str, node: Node<'_>, catalog: &Catalog) -> Option<Box<Body>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let outcome = match node {
        Node::DoStmt(block) => {
            let body = block_body(block)?;
            let definition = block_as_function(body)?;
            plpgsql::of(&definition, body, Names::every(catalog), &[])
        }
        // One that replaces another runs where that is used: in triggers and checks, on rows that are not its own.
        Node::CreateFunctionStmt(create)
            if matches!(create.sql_body(), Node::None) && !create.replace =>
        {
            with_either_setting(text)?;
            function::of(text, catalog)
        }
        _ => return None,
    };
    match outcome {
        Outcome::Read(body) => Some(body),
        Outcome::Waits | Outcome::Unreadable => None,
    }
}

#[cfg(test)]
thread_local! {
    /// How many definitions were parsed.
    static PARSED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

fn of(definition: &Definition, catalog: &Catalog) -> Outcome {
    #[cfg(test)]
    PARSED.set(PARSED.get() + 1);
    // The server quotes names as it keeps them, so longer ones in UTF-8 are those of a database in another encoding.
    if definition.text.len() > MAX_BYTES || cuts_names_by_encoding(&definition.text, true) {
        return Outcome::Unreadable;
    }
    match &definition.subject {
        Subject::View(_) => query(&definition.text, catalog, &[]),
        Subject::Column(oid, _) => match catalog.relation(*oid) {
            Some(relation) => {
                let table = [&relation.schema, &relation.name].map(|name| quoted_identifier(name));
                let text = format!("SELECT {} FROM ONLY {}", definition.text, table.join("."));
                query(&text, catalog, &[])
            }
            None => Outcome::Unreadable,
        },
        Subject::Computed { relation, .. } => of_row(*relation, definition, catalog),
        Subject::Unnamed(0) => expression(&definition.text, catalog, &[]),
        Subject::Unnamed(relation) => of_row(*relation, definition, catalog),
        Subject::Condition { .. } => condition(&definition.text, catalog),
        Subject::Domain(_) => expression(&definition.text, catalog, &["value"]),
        Subject::Function { .. } => function::of(&definition.text, catalog),
    }
}

/// An expression over a row of the relation.
fn of_row(relation: u32, definition: &Definition, catalog: &Catalog) -> Outcome {
    let Some(relation) = catalog.relation(relation) else {
        return Outcome::Unreadable;
    };
    let columns = relation.columns.iter().map(|column| column.name.as_str());
    let mut given: Vec<&str> = columns.collect();
    given.push(&relation.name);
    expression(&definition.text, catalog, &given)
}

/// A definition that is a query over `given`.
fn query(text: &str, catalog: &Catalog, given: &[&str]) -> Outcome {
    let parsed = parse(text, true);
    match parsed.as_ref().ok().and_then(Tree::only) {
        Some(node @ Node::SelectStmt(_)) => {
            queries(&[Step::Statement(node)], Names::printed(catalog), given)
        }
        _ => Outcome::Unreadable,
    }
}

/// A definition that is an expression over `given`.
fn expression(text: &str, catalog: &Catalog, given: &[&str]) -> Outcome {
    query(&format!("SELECT {text}"), catalog, given)
}

/// The WHEN clause in the definition of a trigger.
fn condition(text: &str, catalog: &Catalog) -> Outcome {
    let parsed = parse(text, true);
    let Some(Node::CreateTrigStmt(create)) = parsed.as_ref().ok().and_then(Tree::only) else {
        return Outcome::Unreadable;
    };
    let condition = Step::Value(create.when_clause());
    queries(&[condition], Names::printed(catalog), &["new", "old"])
}

/// The statements that a body may consist of.
fn is_followed(node: Node<'_>) -> bool {
    matches!(
        node,
        Node::SelectStmt(_)
            | Node::ReturnStmt(_)
            | Node::InsertStmt(_)
            | Node::UpdateStmt(_)
            | Node::DeleteStmt(_)
            | Node::MergeStmt(_)
    )
}

/// Steps of which the last one returns the rows.
fn queries(steps: &[Step<'_>], catalog: Names<'_>, parameters: &[&str]) -> Outcome {
    let mut body = Body::empty();
    for step in steps {
        let (named, followed) = match *step {
            Step::Statement(node) if !is_followed(node) => return Outcome::Unreadable,
            Step::Statement(node) => (returned(node), lineage::follow(node, catalog, parameters)),
            Step::Value(node) => (node, lineage::follow_value(node, catalog, parameters)),
        };
        if followed.waits {
            return Outcome::Waits;
        }
        let Some(named) = walker::names(named, catalog) else {
            return Outcome::Unreadable;
        };
        body.rows = followed.rows;
        body.flows.extend(followed.flows);
        body.add(named);
    }
    Outcome::Read(Box::new(body))
}

/// The expression of RETURN; any other statement unchanged.
fn returned(node: Node<'_>) -> Node<'_> {
    match node {
        Node::ReturnStmt(statement) if !matches!(statement.returnval(), Node::None) => {
            statement.returnval()
        }
        _ => node,
    }
}

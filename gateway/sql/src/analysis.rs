//! The facts of a statement: what `walker` finds in it, and the lineage of its results.

use gatewright_parser::{Node, nodes};

use crate::catalog::{Catalog, Names, Noted, SearchPath};
use crate::facts::{Facts, PathChange, SessionEffect, Verb};
use crate::{copy, definition, lineage, search_path, temporary, walker};

/// The facts of one statement, except for its fingerprint. `text` is the statement's own.
pub(crate) fn facts(
    text: &str,
    node: Node<'_>,
    catalog: &Catalog,
    path: Option<&SearchPath>,
) -> Facts {
    let noted = Noted::default();
    let mut facts = with_names(text, node, Names::along(catalog, path, &noted));
    facts.varies = noted.varies.get();
    facts.narrowed = noted.narrowed.get();
    facts
}

fn with_names(text: &str, node: Node<'_>, catalog: Names<'_>) -> Facts {
    let mut walker = walker::walk(node, catalog);
    let lineage = lineage::of(node, catalog);
    if let Some(reason) = lineage.opaque {
        walker.opaque(reason.to_owned());
    }
    for (relation, attnum, usage) in lineage.uses {
        walker.used(relation, attnum, usage);
    }
    let code = definition::code(text, node, catalog.catalog());
    if let Some(code) = &code {
        walker.runs(node, code);
    }
    let mut facts = walker.into_facts();
    facts.outputs = lineage.outputs;
    facts.inner = lineage.inner;
    facts.flows = lineage.flows;
    if let (Node::DoStmt(_), Some(code)) = (node, code) {
        facts.flows.extend(code.flows);
    }
    if search_path::is_in(&facts.tables) {
        facts.path = Some(PathChange::unknown());
    }
    facts.path = search_path::change(node).or(facts.path);
    facts.temporary = temporary::of(node);
    match node {
        Node::SelectStmt(select) => of_query(select, &mut facts),
        Node::PrepareStmt(prepare) => of_prepared(text, prepare, catalog, &mut facts),
        Node::CopyStmt(copy) => of_copy(text, copy, &mut facts),
        _ => {}
    }
    facts
}

fn of_query(select: &nodes::SelectStmt, facts: &mut Facts) {
    facts.limit = walker::limit(select);
    if select.into_clause().is_some() {
        if let Some(command) = facts.commands.first_mut() {
            *command = "SELECT INTO".to_owned();
        }
        facts.verb = Verb::Ddl;
    }
}

/// The walker leaves the statement that is prepared. It may be executed with any path.
fn of_prepared(text: &str, prepare: &nodes::PrepareStmt, catalog: Names<'_>, known: &mut Facts) {
    if let SessionEffect::Prepare { inner, .. } = &mut known.session
        && !matches!(prepare.query(), Node::None)
    {
        **inner = facts(text, prepare.query(), catalog.catalog(), None);
    }
}

/// The walker leaves the query that describes the rows.
fn of_copy(text: &str, copy: &nodes::CopyStmt, facts: &mut Facts) {
    if let SessionEffect::CopyOut(out) = &mut facts.session {
        match copy::describe(text, copy) {
            Ok(query) => out.describe = query,
            Err(reason) => {
                facts.session = SessionEffect::None;
                facts.opaque.push(reason);
            }
        }
    }
}

//! The facts of a statement: what `walker` finds in it, and the lineage of its results.

use gatewright_parser::{Node, nodes};

use crate::catalog::{Catalog, Names, Noted, SearchPath};
use crate::facts::{Facts, PathChange, SessionEffect, Verb};
use crate::masks::Masks;
use crate::{copy, definition, leftovers, lineage, search_path, temporary, unnamed, walker};

/// The facts of one statement, except for its fingerprint. `text` is the statement's own.
pub(crate) fn facts(
    text: &str,
    node: Node<'_>,
    catalog: &Catalog,
    path: Option<&SearchPath>,
    masks: &Masks,
) -> Facts {
    let noted = Noted::default();
    let mut facts = with_names(text, node, Names::along(catalog, path, &noted), masks);
    facts.varies = noted.varies.get();
    facts.narrowed = noted.narrowed.get();
    facts
}

fn with_names(text: &str, node: Node<'_>, catalog: Names<'_>, masks: &Masks) -> Facts {
    let mut walker = walker::walk(node, catalog, masks);
    let lineage = lineage::of(node, catalog, masks);
    if let Some(reason) = lineage.opaque {
        walker.opaque(reason.to_owned());
    }
    for used in lineage.uses {
        walker.used(used.relation, used.attnum, used.usage, used.telling);
    }
    if lineage.uses_anything {
        walker.used_anything();
    }
    let code = definition::code(text, node, catalog.catalog());
    if let Some(code) = &code {
        walker.runs(node, code);
    }
    walker.settle_equations();
    for function in &lineage.called {
        walker.named_function(function);
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
    facts.lasting = leftovers::lasting(node);
    unnamed::add(&mut facts, catalog.catalog());
    match node {
        Node::SelectStmt(select) => of_query(select, &mut facts),
        Node::PrepareStmt(prepare) => of_prepared(text, prepare, catalog, masks, &mut facts),
        Node::CopyStmt(copy) => of_copy(text, copy, &mut facts),
        Node::ListenStmt(listen) => {
            let channel = listen.conditionname().map(str::to_owned);
            facts.channels.extend(channel);
        }
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
fn of_prepared(
    text: &str,
    prepare: &nodes::PrepareStmt,
    catalog: Names<'_>,
    masks: &Masks,
    known: &mut Facts,
) {
    if let SessionEffect::Prepare { inner, .. } = &mut known.session
        && !matches!(prepare.query(), Node::None)
    {
        **inner = facts(text, prepare.query(), catalog.catalog(), None, masks);
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

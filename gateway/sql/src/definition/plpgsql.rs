//! The body of a PL/pgSQL function. Variables are not traced: any of them, and so the result, may hold what any query
//! returns.

use gatewright_parser::{Tree, parse};

use super::{Outcome, Step, queries};
use crate::body::Body;
use crate::catalog::{Catalog, Names};
use crate::facts::Transform;
use crate::lineage;
use crate::plpgsql::Found;
use crate::provenance::{Column, Provenance};
use crate::rows::Rows;

pub(super) fn of(definition: &str, body: &str, catalog: Names<'_>, parameters: &[&str]) -> Outcome {
    let Some(found) = Found::of(definition, body) else {
        return Outcome::Unreadable;
    };
    let mut names: Vec<&str> = parameters.to_vec();
    names.extend(found.variables.iter().map(String::as_str));
    let mut all = Body::empty();
    let mut carried = Provenance::constant();
    for query in &found.queries {
        let Some(statements) = query.statements() else {
            return Outcome::Unreadable;
        };
        for statement in statements {
            let tree = parse(&statement, true);
            let Some(node) = tree.as_ref().ok().and_then(Tree::only) else {
                return Outcome::Unreadable;
            };
            match queries(&[Step::Statement(node)], catalog, &names) {
                Outcome::Read(body) => {
                    body.rows.make(&mut carried);
                    all.merge(*body);
                }
                other => return other,
            }
        }
    }
    // The grammar does not print RETURN of a variable.
    if found.reads_errors || definition.to_ascii_lowercase().contains("sqlerrm") {
        carried.absorb(&rows_of_tables(&all, catalog.catalog()), Transform::Unknown);
    }
    // Any variable may be written.
    lineage::add_to_flows(&mut all.flows, &carried, catalog.catalog());
    all.rows = Rows::of(vec![Column {
        name: None,
        value: carried,
    }]);
    Outcome::Read(Box::new(all))
}

/// The rows of all tables that a body touches, each as a whole.
fn rows_of_tables(body: &Body, catalog: &Catalog) -> Provenance {
    let mut rows = Provenance::constant();
    for table in &body.tables {
        let found = catalog.lookup(Some(&table.schema), &table.name);
        rows.unknown |= found.is_empty();
        for relation in found {
            rows.absorb(&Provenance::column(relation.oid, 0), Transform::Unknown);
        }
    }
    rows
}

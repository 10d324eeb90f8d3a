//! Code that runs with a statement although nothing in the statement names it: row security policies, expressions of indexes, partition keys
//! and statistics, event triggers. What it reads is no access of the statement's own, but errors and notices can tell of it.

use std::sync::Arc;

use crate::body::Body;
use crate::catalog::{Bodies, Catalog, Relation};
use crate::facts::{Access, Facts, RelationKind, TableRef, Verb};

/// Adds the relations that such code may read, without any access; one without a name stands for what cannot be read.
pub(crate) fn add(facts: &mut Facts, catalog: &Catalog) {
    let bodies = catalog.bodies();
    if !bodies.have_unnamed() && !checks_rows(facts) {
        return;
    }
    let mut found: Vec<&Arc<Body>> = Vec::new();
    if runs_everywhere(facts) {
        found.extend(bodies.all_unnamed());
    } else {
        for table in &facts.tables {
            let schema = Some(table.schema.as_str()).filter(|schema| !schema.is_empty());
            for relation in catalog.lookup(schema, &table.name) {
                found.extend(bodies.unnamed(relation.oid));
                if checks_rows(facts) {
                    found.extend(of_rows(relation, bodies));
                }
            }
        }
        if fires_event_triggers(facts) {
            found.extend(bodies.unnamed(0));
        }
        if facts
            .commands
            .iter()
            .any(|command| command == "ALTER DOMAIN")
        {
            found.extend(bodies.of_all_domains());
        }
    }
    for body in found {
        for table in &body.tables {
            note(&mut facts.tables, &table.schema, &table.name, table.kind);
        }
        if !body.opaque.is_empty() {
            note(&mut facts.tables, "", "", RelationKind::Unresolved);
        }
    }
}

fn note(tables: &mut Vec<TableRef>, schema: &str, name: &str, kind: RelationKind) {
    let known = |table: &TableRef| table.name == name && table.schema == schema;
    if !tables.iter().any(known) {
        tables.push(TableRef {
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind,
            access: Access::default(),
        });
    }
}

/// ANALYZE, VACUUM, CLUSTER and REINDEX without a table, or of a schema.
fn runs_everywhere(facts: &Facts) -> bool {
    facts.verb == Verb::Maintenance && facts.tables.is_empty()
}

/// VALIDATE CONSTRAINT, a change of a column's type and the like compute what is computed for rows that are written.
fn checks_rows(facts: &Facts) -> bool {
    facts.verb == Verb::Ddl
}

fn of_rows<'c>(relation: &'c Relation, bodies: &'c Bodies) -> impl Iterator<Item = &'c Arc<Body>> {
    let computed = bodies.computed(relation.oid, Access::INSERT | Access::UPDATE);
    let types = relation.columns.iter().map(|column| column.type_oid);
    computed
        .map(|computed| &computed.body)
        .chain(types.flat_map(|domain| bodies.of_domain(domain)))
}

fn fires_event_triggers(facts: &Facts) -> bool {
    matches!(facts.verb, Verb::Ddl | Verb::Grant | Verb::Maintenance)
}

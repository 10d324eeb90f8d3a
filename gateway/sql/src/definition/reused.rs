//! Which definitions have to be read again when a catalog follows on another: those that are new, and those that may mean something
//! else because of what has changed.
//!
//! A definition means something else only if it names, in its text, an object that has changed. So the names of all changed objects are
//! collected, together with those of objects that do something else in turn: a table whose trigger calls a changed function, the parent of
//! a changed table. Where it is not by a name that one object reaches another, such as an operator its function, all are read again.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::catalog::{Catalog, Definition, Subject};

/// With more names than this, everything is read again: most definitions contain one of them.
const MOST_NAMES: usize = 256;

/// Names of changed objects, in lower case.
#[derive(Default)]
struct Changed {
    names: BTreeSet<String>,
    /// Those that were not looked for yet.
    open: Vec<String>,
    /// It cannot be told by names.
    everything: bool,
}

/// The definitions of `now` that must be read, although `last` may have the same text.
pub(super) fn to_read(now: &Catalog, last: &Catalog) -> HashSet<Arc<Definition>> {
    let mut changed = Changed::default();
    if has_changed_beyond_names(now, last) {
        changed.everything = true;
    }
    for catalog in [now, last] {
        let other = if std::ptr::eq(catalog, now) {
            last
        } else {
            now
        };
        changed.relations(catalog, other);
        changed.functions(catalog, other);
    }
    // What refers to one of these waits for it, whatever has changed.
    let mut again = last.circular.clone();
    for definition in &last.circular {
        changed.does_other(&definition.subject, now, last);
    }
    let is_new = |definition: &&Arc<Definition>| !last.outcomes.contains_key(*definition);
    for definition in now.input.definitions.iter().filter(is_new) {
        again.insert(Arc::clone(definition));
        changed.does_other(&definition.subject, now, last);
    }
    let is_gone =
        |definition: &&Arc<Definition>| now.input.definitions.binary_search(definition).is_err();
    for definition in last.input.definitions.iter().filter(is_gone) {
        changed.does_other(&definition.subject, now, last);
    }
    if changed.is_all() {
        return now.input.definitions.iter().cloned().collect();
    }
    let texts: Vec<(&Arc<Definition>, String)> = now
        .input
        .definitions
        .iter()
        .map(|definition| (definition, definition.text.to_ascii_lowercase()))
        .collect();
    // What is spelled with escapes cannot be looked for.
    let spelled = |text: &str| text.contains('\\') || text.contains("u&");
    let mut next: Vec<&Arc<Definition>> = Vec::new();
    next.extend(
        texts
            .iter()
            .filter(|(_, text)| spelled(text))
            .map(|(known, _)| *known),
    );
    loop {
        for definition in next.drain(..) {
            if again.insert(Arc::clone(definition)) {
                changed.does_other(&definition.subject, now, last);
            }
        }
        if changed.is_all() {
            return now.input.definitions.iter().cloned().collect();
        }
        let names = std::mem::take(&mut changed.open);
        if names.is_empty() {
            return again;
        }
        let named = |(definition, text): &&(&Arc<Definition>, String)| {
            names.iter().any(|name| text.contains(name.as_str()))
                || named_by_place(definition, &names, now)
        };
        next.extend(
            texts
                .iter()
                .filter(named)
                .map(|(definition, _)| *definition),
        );
    }
}

/// An expression over a row names its columns, and not its relation.
fn named_by_place(definition: &Definition, names: &[String], catalog: &Catalog) -> bool {
    let relation = definition
        .subject
        .relation()
        .and_then(|oid| catalog.relation(oid));
    relation.is_some_and(|relation| names.contains(&relation.name.to_ascii_lowercase()))
}

/// Whether anything has changed that a definition can mean without naming it, or that changes what all definitions mean.
fn has_changed_beyond_names(now: &Catalog, last: &Catalog) -> bool {
    now.input.server_version != last.input.server_version
        || now.input.built_in != last.input.built_in
        || now.input.operators != last.input.operators
        || now.input.casts != last.input.casts
        || now.input.domains != last.input.domains
        || now.input.types != last.input.types
        || now.input.parents.is_empty() != last.input.parents.is_empty()
        || now.input.cascades.is_empty() != last.input.cascades.is_empty()
}

impl Changed {
    /// Whether everything has to be read again.
    fn is_all(&self) -> bool {
        self.everything || self.names.len() > MOST_NAMES
    }

    fn name(&mut self, name: &str) {
        // Letters outside ASCII are folded by the database's locale, and quotation marks are doubled.
        if !name.is_ascii() || name.contains('"') || name.is_empty() {
            self.everything = true;
            return;
        }
        let name = name.to_ascii_lowercase();
        if self.names.insert(name.clone()) {
            self.open.push(name);
        }
    }

    /// The relation, and those whose rows or writes are also its own.
    fn relation(&mut self, oid: u32, catalog: &Catalog) {
        let Some(relation) = catalog.relation(oid).filter(|_| !self.is_all()) else {
            return;
        };
        self.name(&relation.name);
        for relative in catalog.relatives(oid) {
            self.name(&relative.name);
        }
        for (parent, cascades) in &catalog.input.cascades {
            if cascades.iter().any(|cascade| cascade.child == oid)
                && let Some(parent) = catalog.relation(*parent)
                && !self.names.contains(&parent.name.to_ascii_lowercase())
            {
                self.relation(parent.oid, catalog);
            }
        }
    }

    /// The relations of `catalog` that `other` does not have, or not so.
    fn relations(&mut self, catalog: &Catalog, other: &Catalog) {
        for (oid, relation) in &catalog.input.relations {
            let same = other
                .input
                .relations
                .get(oid)
                .is_some_and(|known| Arc::ptr_eq(known, relation) || known == relation);
            if !same {
                self.relation(*oid, catalog);
            }
        }
        let unlike = keys_unlike(&catalog.input.reads, &other.input.reads)
            .chain(keys_unlike(&catalog.input.parents, &other.input.parents))
            .chain(keys_unlike(&catalog.input.primary, &other.input.primary))
            .chain(keys_unlike(&catalog.input.triggers, &other.input.triggers))
            .chain(keys_unlike(&catalog.input.cascades, &other.input.cascades))
            .chain(catalog.input.rules.difference(&other.input.rules).copied())
            .chain(
                catalog
                    .input
                    .unique
                    .difference(&other.input.unique)
                    .map(|(oid, _)| *oid),
            );
        for oid in unlike.collect::<BTreeSet<u32>>() {
            self.relation(oid, catalog);
        }
    }

    fn functions(&mut self, catalog: &Catalog, other: &Catalog) {
        for (oid, function) in &catalog.input.own_functions {
            if other.input.own_functions.get(oid) != Some(function) {
                self.function(&function.schema, &function.name, [catalog, other]);
            }
        }
    }

    fn function(&mut self, schema: &str, name: &str, catalogs: [&Catalog; 2]) {
        if self.is_all() {
            return;
        }
        self.name(name);
        let is_meant = |function: &(String, String)| function.0 == schema && function.1 == name;
        for catalog in catalogs {
            let mut operators = catalog.input.operators.values().flatten();
            let mut casts = catalog.input.casts.iter();
            self.everything |= operators.any(|operator| is_meant(&operator.function))
                || casts.any(|cast| is_meant(&cast.function));
            for (relation, triggers) in &catalog.input.triggers {
                let calls = triggers
                    .iter()
                    .any(|trigger| trigger.schema == schema && trigger.function == name);
                if calls {
                    self.relation(*relation, catalog);
                }
            }
        }
    }

    /// What is defined does something else than in the last catalog.
    fn does_other(&mut self, subject: &Subject, now: &Catalog, last: &Catalog) {
        match subject {
            Subject::Function { schema, name, .. } => self.function(schema, name, [now, last]),
            // Columns have the domain's checks without naming it.
            Subject::Domain(_) => self.everything = true,
            // Runs with DDL, which no definition that is analysed contains.
            Subject::Unnamed(0) => {}
            other => {
                if let Some(relation) = other.relation() {
                    self.relation(relation, now);
                    self.relation(relation, last);
                }
            }
        }
    }
}

/// The keys whose values are not the same in both.
fn keys_unlike<'m, V: PartialEq>(
    map: &'m HashMap<u32, V>,
    other: &'m HashMap<u32, V>,
) -> impl Iterator<Item = u32> + 'm {
    map.iter()
        .filter(|(oid, value)| other.get(oid) != Some(value))
        .map(|(oid, _)| *oid)
}

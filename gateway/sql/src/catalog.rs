//! A snapshot of the server's relations, as a value.
//! It refuses to know how it was read: no I/O, no refresh.
//! Next room: `walker`, which resolves names against it.

use std::collections::{HashMap, HashSet};

use crate::facts::RelationKind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub attnum: i16,
    pub name: String,
    pub type_oid: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub oid: u32,
    pub schema: String,
    pub name: String,
    pub kind: RelationKind,
    /// In order of attribute number.
    pub columns: Vec<Column>,
}

impl Relation {
    /// Whether the relation has a column of this name, system columns included.
    pub fn has_column(&self, name: &str) -> bool {
        const SYSTEM: [&str; 6] = ["ctid", "tableoid", "xmin", "xmax", "cmin", "cmax"];
        SYSTEM.contains(&name) || self.columns.iter().any(|column| column.name == name)
    }
}

/// The relations of one database at one moment.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Advances with every change.
    pub generation: u64,
    relations: Vec<Relation>,
    by_oid: HashMap<u32, usize>,
    by_name: HashMap<String, Vec<usize>>,
    reads: HashMap<u32, Vec<(u32, i16)>>,
    functions: HashMap<String, HashSet<String>>,
    types: HashMap<u32, String>,
}

impl Catalog {
    pub fn builder() -> CatalogBuilder {
        CatalogBuilder::default()
    }

    /// Whether both say the same of the database, whenever they were read.
    pub fn has_same_content(&self, other: &Self) -> bool {
        self.relations == other.relations
            && self.reads == other.reads
            && self.functions == other.functions
            && self.types == other.types
    }

    pub fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    pub fn relation(&self, oid: u32) -> Option<&Relation> {
        self.by_oid.get(&oid).and_then(|at| self.relations.get(*at))
    }

    /// The relations of that name: in one schema, or in every schema when none is given.
    pub fn lookup(&self, schema: Option<&str>, name: &str) -> Vec<&Relation> {
        let Some(found) = self.by_name.get(name) else {
            return Vec::new();
        };
        found
            .iter()
            .filter_map(|at| self.relations.get(*at))
            .filter(|relation| schema.is_none_or(|schema| relation.schema == schema))
            .collect()
    }

    pub fn column(&self, oid: u32, attnum: i16) -> Option<&Column> {
        let columns = &self.relation(oid)?.columns;
        columns.iter().find(|column| column.attnum == attnum)
    }

    pub fn type_name(&self, oid: u32) -> Option<&str> {
        self.types.get(&oid).map(String::as_str)
    }

    /// What a view reads directly: (relation, attribute number; 0 is the whole relation).
    pub fn reads(&self, view: u32) -> &[(u32, i16)] {
        self.reads.get(&view).map_or(&[], Vec::as_slice)
    }

    /// Whether a schema other than pg_catalog holds a function of that name.
    pub fn shadows_function(&self, name: &str) -> bool {
        self.functions
            .get(name)
            .is_some_and(|schemas| schemas.iter().any(|schema| schema != "pg_catalog"))
    }
}

/// Collects what a service connection reads; `build` makes the snapshot.
#[derive(Debug, Default)]
pub struct CatalogBuilder {
    catalog: Catalog,
}

impl CatalogBuilder {
    pub fn generation(&mut self, generation: u64) -> &mut Self {
        self.catalog.generation = generation;
        self
    }

    pub fn relation(
        &mut self,
        oid: u32,
        schema: &str,
        name: &str,
        kind: RelationKind,
    ) -> &mut Self {
        let catalog = &mut self.catalog;
        let at = catalog.relations.len();
        catalog.relations.push(Relation {
            oid,
            schema: schema.to_owned(),
            name: name.to_owned(),
            kind,
            columns: Vec::new(),
        });
        catalog.by_oid.insert(oid, at);
        catalog.by_name.entry(name.to_owned()).or_default().push(at);
        self
    }

    /// A column of a relation that was added before; one of an unknown relation is ignored.
    pub fn column(&mut self, oid: u32, attnum: i16, name: &str, type_oid: u32) -> &mut Self {
        let catalog = &mut self.catalog;
        let at = catalog.by_oid.get(&oid).copied();
        if let Some(relation) = at.and_then(|at| catalog.relations.get_mut(at)) {
            relation.columns.push(Column {
                attnum,
                name: name.to_owned(),
                type_oid,
            });
        }
        self
    }

    /// The view reads that column of that relation (0: the relation as such).
    pub fn depends(&mut self, view: u32, base: u32, attnum: i16) -> &mut Self {
        self.catalog
            .reads
            .entry(view)
            .or_default()
            .push((base, attnum));
        self
    }

    pub fn function(&mut self, schema: &str, name: &str) -> &mut Self {
        let schemas = self.catalog.functions.entry(name.to_owned()).or_default();
        schemas.insert(schema.to_owned());
        self
    }

    pub fn type_name(&mut self, oid: u32, name: &str) -> &mut Self {
        self.catalog.types.insert(oid, name.to_owned());
        self
    }

    pub fn build(mut self) -> Catalog {
        for relation in &mut self.catalog.relations {
            relation.columns.sort_by_key(|column| column.attnum);
        }
        self.catalog
    }
}

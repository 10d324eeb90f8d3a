//! A snapshot of the server's relations, as a value.
//! It refuses to know how it was read: no I/O, no refresh.
//! Next room: `walker`, which resolves names against it.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::facts::{ColumnSource, RelationKind};

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

/// System columns by attribute number (PostgreSQL, System Columns).
const SYSTEM_COLUMNS: [(i16, &str); 6] = [
    (-1, "ctid"),
    (-2, "xmin"),
    (-3, "cmin"),
    (-4, "xmax"),
    (-5, "cmax"),
    (-6, "tableoid"),
];

impl Relation {
    /// Whether the relation has a column of this name, system columns included.
    pub fn has_column(&self, name: &str) -> bool {
        self.system_column(name).is_some() || self.columns.iter().any(|column| column.name == name)
    }

    /// The attribute number of a system column.
    pub fn system_column(&self, name: &str) -> Option<i16> {
        let mut columns = SYSTEM_COLUMNS.iter();
        columns
            .find(|(_, known)| *known == name)
            .map(|(attnum, _)| *attnum)
    }

    /// The name of a column by its attribute number; 0 is the whole row, `*`.
    pub fn attribute_name(&self, attnum: i16) -> Option<&str> {
        if attnum == 0 {
            return Some("*");
        }
        if attnum < 0 {
            let mut columns = SYSTEM_COLUMNS.iter();
            return columns
                .find(|(known, _)| *known == attnum)
                .map(|(_, name)| *name);
        }
        let mut columns = self.columns.iter();
        columns
            .find(|column| column.attnum == attnum)
            .map(|column| column.name.as_str())
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
    /// Of those, the ones in a language that can hold SQL: what they read and write is not known.
    unread: HashMap<String, BTreeSet<String>>,
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
            && self.unread == other.unread
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

    /// What a column carries by the catalog alone, through views and inheritance, and whether as it is. None: unknown.
    pub fn carried_by(&self, oid: u32, attnum: i16) -> Option<(Vec<ColumnSource>, bool)> {
        crate::lineage::of_column(self, oid, attnum)
    }

    /// Whether an operator of that name can only be PostgreSQL's own.
    pub(crate) fn operator_is_readable(&self, _name: &str) -> bool {
        true
    }

    /// Whether a cast to that type can run no function that is not known.
    pub(crate) fn casts_are_readable(&self, _name: &[&str]) -> bool {
        false
    }

    /// Whether there may be a function of that name: false only where a catalog says so.
    pub(crate) fn may_have_function(&self, _name: &str) -> bool {
        true
    }

    /// The columns of a function in FROM: empty for one column named by alias or function. None: not known.
    pub(crate) fn function_columns(&self, parts: &[&str], arguments: usize) -> Option<&[String]> {
        let name = match parts {
            [name] | ["pg_catalog", name] => *name,
            _ => return None,
        };
        const SINGLE: [&str; 7] = [
            "generate_series",
            "generate_subscripts",
            "regexp_split_to_table",
            "string_to_table",
            "json_object_keys",
            "jsonb_object_keys",
            "regexp_matches",
        ];
        let single = arguments > 0 && SINGLE.contains(&name) && !self.shadows_function(name);
        single.then_some(&[])
    }

    /// The name, schema first, of a function that the call could mean and whose body was not read.
    pub(crate) fn unread_function(&self, parts: &[&str]) -> Option<String> {
        let (name, schema) = match parts {
            [name] => (name, None),
            [.., schema, name] => (name, Some(*schema)),
            [] => return None,
        };
        let schemas = self.unread.get(*name)?;
        let found = match schema {
            Some(schema) => schemas.get(schema),
            None => schemas.first(),
        };
        found.map(|schema| format!("{schema}.{name}"))
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

    /// A function that was added before can run SQL of its own.
    pub fn unread_function(&mut self, schema: &str, name: &str) -> &mut Self {
        let schemas = self.catalog.unread.entry(name.to_owned()).or_default();
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

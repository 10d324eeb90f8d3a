//! The relations of one database at one point in time, and what is known of its functions, types and roles.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::bodies::Bodies;
use super::cast::{Cast, Operand};
use super::definitions::Definition;
use super::relation::{Column, Relation};
use super::schemas::{Schemas, split};
use super::write::{Cascade, Trigger};
use crate::body::Body;
use crate::facts::RelationKind;
use crate::render::quoted_identifier;
use crate::version::GRAMMAR;

/// The partitions of a table with more are not reported: a rule names the table, rarely one of hundreds of partitions.
const MOST_PARTITIONS: usize = 64;

/// An operator whose function is outside pg_catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operator {
    pub schema: String,
    /// Schema and name.
    pub function: (String, String),
}

/// The relations of one database at one point in time. `CatalogBuilder` fills it.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Advances with every change.
    pub generation: u64,
    /// The major version of the server; 0 if it is not known, which counts as that of the grammar.
    pub(crate) server_version: u32,
    pub(crate) relations: Vec<Relation>,
    pub(crate) by_oid: HashMap<u32, usize>,
    pub(crate) by_name: HashMap<String, Vec<usize>>,
    pub(crate) reads: HashMap<u32, Vec<(u32, i16)>>,
    /// Tables and their inheritance children or partitions, in both directions.
    pub(crate) parents: HashMap<u32, Vec<u32>>,
    pub(crate) children: HashMap<u32, Vec<u32>>,
    /// Columns that identify a row of their relation.
    pub(crate) unique: HashSet<(u32, i16)>,
    /// Columns that are the primary key of their relation.
    pub(crate) primary: HashMap<u32, i16>,
    /// Names that convert a value when called: functions and types of pg_catalog, and types outside it.
    pub(crate) built_in: HashSet<String>,
    /// Functions outside pg_catalog: the schemas that have one with this name.
    pub(crate) functions: HashMap<String, HashSet<String>>,
    /// The ones among them whose result may carry anything.
    pub(crate) obscure: HashMap<String, BTreeSet<String>>,
    /// The ones among them in a language that can contain SQL: what they read and write is unknown.
    pub(crate) unread: HashMap<String, BTreeSet<String>>,
    /// Functions that a FunctionCall message can name, by OID.
    pub(crate) callable: HashMap<u32, Callable>,
    /// Operators implemented by a function outside pg_catalog.
    pub(crate) operators: HashMap<String, Vec<Operator>>,
    pub(crate) casts: Vec<Cast>,
    /// Types that contain values of domains with checks, by name.
    pub(crate) domains: HashMap<String, BTreeSet<u32>>,
    pub(crate) triggers: HashMap<u32, Vec<Trigger>>,
    /// Foreign keys that write, by the referenced table.
    pub(crate) cascades: HashMap<u32, Vec<Cascade>>,
    /// Relations with rules for writes.
    pub(crate) rules: HashSet<u32>,
    pub(crate) types: HashMap<u32, String>,
    /// Roles that PostgreSQL would let change to another.
    pub(crate) changeable_roles: HashSet<String>,
    pub(crate) definitions: Arc<Vec<Definition>>,
    /// What was read from the definitions.
    bodies: Bodies,
}

/// A function that returns one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callable {
    pub schema: Box<str>,
    pub name: Box<str>,
    pub arguments: u16,
}

impl Catalog {
    /// The SELECT that does what a FunctionCall message with this OID does, its arguments being parameters.
    pub fn call(&self, function_oid: u32) -> Option<String> {
        let function = self.callable.get(&function_oid)?;
        let arguments: Vec<String> = (1..=function.arguments)
            .map(|at| format!("${at}"))
            .collect();
        Some(format!(
            "SELECT {}.{}({})",
            quoted_identifier(&function.schema),
            quoted_identifier(&function.name),
            arguments.join(", ")
        ))
    }

    /// Whether both were built from the same input. Derived state is not compared.
    pub(crate) fn same_input(&self, other: &Self) -> bool {
        self.server_version == other.server_version
            && self.relations == other.relations
            && self.reads == other.reads
            && self.parents == other.parents
            && self.unique == other.unique
            && self.primary == other.primary
            && self.built_in == other.built_in
            && self.functions == other.functions
            && self.obscure == other.obscure
            && self.unread == other.unread
            && self.callable == other.callable
            && self.operators == other.operators
            && self.casts == other.casts
            && self.domains == other.domains
            && self.triggers == other.triggers
            && self.cascades == other.cascades
            && self.rules == other.rules
            && self.definitions == other.definitions
            && self.types == other.types
            && self.changeable_roles == other.changeable_roles
    }

    /// The major version of the server, by which texts are read.
    pub(crate) fn server_version(&self) -> u32 {
        match self.server_version {
            0 => GRAMMAR,
            known => known,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.relations.is_empty()
    }

    pub fn relation(&self, oid: u32) -> Option<&Relation> {
        self.by_oid.get(&oid).and_then(|at| self.relations.get(*at))
    }

    /// The relations with this name: in one schema, or in every schema if none is given.
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

    /// Whether the role can change to another. True for every role until the catalog has been read.
    pub fn may_change_role(&self, role: &str) -> bool {
        self.generation == 0 || self.changeable_roles.contains(role)
    }

    pub fn type_name(&self, oid: u32) -> Option<&str> {
        self.types.get(&oid).map(String::as_str)
    }

    /// Whether sorting by the column determines the order of the relation's rows completely.
    pub(crate) fn tells_rows_apart(&self, relation: &Relation, name: &str) -> bool {
        let mut columns = relation.columns.iter();
        let column = columns.find(|column| column.name == name);
        self.children(relation.oid).is_empty()
            && column.is_some_and(|column| self.unique.contains(&(relation.oid, column.attnum)))
    }

    /// The column that is the primary key. `None`: there is none, or it has several columns.
    pub(crate) fn primary_key<'r>(&self, relation: &'r Relation) -> Option<&'r str> {
        let attnum = self.primary.get(&relation.oid)?;
        relation.attribute_name(*attnum)
    }

    /// What a view reads directly: (relation, attribute number; 0 is the whole relation).
    pub fn reads(&self, view: u32) -> &[(u32, i16)] {
        self.reads.get(&view).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has_inheritance(&self) -> bool {
        !self.parents.is_empty()
    }

    /// All relations that a table inherits from or is a partition of, directly or indirectly, and those that inherit from them.
    pub(crate) fn relatives(&self, oid: u32) -> Vec<&Relation> {
        let mut found: Vec<&Relation> = Vec::new();
        let mut open = self.parents(oid).to_vec();
        while let Some(next) = open.pop() {
            if next != oid && !found.iter().any(|known| known.oid == next) {
                found.extend(self.relation(next));
                open.extend(self.parents(next));
            }
        }
        found.extend(self.descendants(oid));
        found
    }

    /// The direct parents of a table: by inheritance or partitioning.
    fn parents(&self, oid: u32) -> &[u32] {
        self.parents.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// The direct children of a table, partitions included.
    pub(super) fn children(&self, oid: u32) -> &[u32] {
        self.children.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// The relations whose rows the table also shows: children, and partitions unless there are too many.
    pub(crate) fn descendants(&self, oid: u32) -> Vec<&Relation> {
        let mut found: Vec<&Relation> = Vec::new();
        let mut open = vec![oid];
        while let Some(next) = open.pop() {
            let children = self.children(next);
            let partitions = self
                .relation(next)
                .is_some_and(|relation| relation.kind == RelationKind::Partitioned);
            if partitions && children.len() > MOST_PARTITIONS {
                continue;
            }
            for child in children.iter().filter_map(|child| self.relation(*child)) {
                if child.oid != oid && !found.iter().any(|known| known.oid == child.oid) {
                    found.push(child);
                    open.push(child.oid);
                }
            }
        }
        found
    }

    pub(crate) fn definitions(&self) -> Arc<Vec<Definition>> {
        Arc::clone(&self.definitions)
    }

    pub(crate) fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    pub(crate) fn bodies_mut(&mut self) -> &mut Bodies {
        &mut self.bodies
    }

    /// Whether no cast of such a value to the type adds anything to what its operand carries.
    pub(crate) fn casts_are_readable(&self, name: &[&str], operand: Operand<'_>) -> bool {
        if !self.has_casts() {
            return !name.is_empty();
        }
        name.last().is_some_and(|name| {
            let casts = self.casts_to(name, operand);
            self.are_readable(casts.map(|cast| &cast.function))
        })
    }

    pub(super) fn are_readable<'f>(
        &self,
        functions: impl IntoIterator<Item = &'f (String, String)>,
    ) -> bool {
        functions.into_iter().all(|(schema, name)| {
            let parts = [schema.as_str(), name.as_str()];
            match self.function_bodies(&parts) {
                Some(bodies) => bodies.iter().all(|body| body.rows.is_nothing()),
                None => false,
            }
        })
    }

    /// The bodies of the functions that a call may mean; empty if they only compute on their arguments. `None`: one of them
    /// may do anything.
    pub(crate) fn function_bodies(&self, parts: &[&str]) -> Option<Vec<&Arc<Body>>> {
        let (name, schemas) = split(parts)?;
        self.bodies_of_functions(name, schemas)
    }

    pub(super) fn bodies_of_functions(
        &self,
        name: &str,
        schemas: Schemas<'_>,
    ) -> Option<Vec<&Arc<Body>>> {
        // initdb creates both; those of information_schema compute on their arguments (information_schema.sql).
        let own = match schemas {
            Schemas::One("pg_catalog") => true,
            Schemas::One("information_schema") => name.starts_with("_pg_"),
            _ => false,
        };
        if own {
            return Some(Vec::new());
        }
        let known = self.functions.get(name).into_iter().flatten();
        let mut meant = known.filter(|own| schemas.have(own)).peekable();
        if meant.peek().is_none() {
            // An unqualified name is then PostgreSQL's own.
            let own = !matches!(schemas, Schemas::One(_)) && self.is_built_in(name);
            return own.then(Vec::new);
        }
        let marked = [self.obscure.get(name), self.bodies.unreadable(name)];
        let is_obscure = |own: &String| marked.iter().flatten().any(|marked| marked.contains(own));
        if meant.any(is_obscure) {
            return None;
        }
        Some(self.bodies.of_function(schemas, name))
    }

    /// Whether a function that is meant has not been read yet.
    pub(super) fn functions_wait(&self, name: &str, schemas: Schemas<'_>) -> bool {
        let owners = self.functions.get(name).into_iter().flatten();
        let meant = owners.filter(|own| schemas.have(own));
        self.bodies.functions_wait(name, meant)
    }

    /// The column names of a function in FROM; empty for one column named by the alias or the function. `None`: unknown.
    pub(super) fn columns_of_function(
        &self,
        name: &str,
        schemas: Schemas<'_>,
        parts: &[&str],
        arguments: usize,
    ) -> Option<&[String]> {
        if !matches!(parts, [_] | ["pg_catalog", _]) {
            return None;
        }
        const SINGLE: [&str; 7] = [
            "generate_series",
            "generate_subscripts",
            "regexp_split_to_table",
            "string_to_table",
            "json_object_keys",
            "jsonb_object_keys",
            "regexp_matches",
        ];
        let single = arguments > 0 && SINGLE.contains(&name) && !self.shadows_in(name, schemas);
        single.then_some(&[])
    }

    /// The name, schema first, of a function that the call could mean and whose body could not be read.
    pub(super) fn unread_among(&self, name: &str, schemas: Schemas<'_>) -> Option<String> {
        let marked = [self.unread.get(name), self.bodies.unreadable(name)];
        let owners = marked.into_iter().flatten().flatten();
        let found = owners.filter(|own| schemas.have(own)).min();
        found.map(|schema| format!("{schema}.{name}"))
    }

    /// Whether PostgreSQL itself has a function or type of this name; true if its names are not known.
    pub(crate) fn is_built_in(&self, name: &str) -> bool {
        self.built_in.is_empty() || self.built_in.contains(name)
    }

    /// Whether there is a function or type of this name.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name) || self.built_in.contains(name)
    }

    /// Whether the call matches no known function: it was created in an open transaction, or does not exist.
    pub(crate) fn is_unknown_function(&self, parts: &[&str]) -> bool {
        match parts {
            ["pg_catalog" | "information_schema", _] | [] => false,
            [name] => !self.functions.contains_key(*name) && !self.is_built_in(name),
            [.., schema, name] => {
                let schemas = self.functions.get(*name);
                !self.built_in.is_empty() && !schemas.is_some_and(|known| known.contains(*schema))
            }
        }
    }

    /// Whether a schema other than pg_catalog contains a function with this name.
    pub fn shadows_function(&self, name: &str) -> bool {
        self.shadows_in(name, Schemas::Every)
    }

    pub(super) fn shadows_in(&self, name: &str, schemas: Schemas<'_>) -> bool {
        let mut owners = self.functions.get(name).into_iter().flatten();
        owners.any(|schema| schema != "pg_catalog" && schemas.have(schema))
    }
}

//! The relations of one database at one point in time, and what is known of its functions, types and roles.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::bodies::Bodies;
use super::cast::Operand;
use super::definitions::Definition;
use super::input::{Input, OwnCode, sort_each};
use super::relation::{Column, Relation};
use super::schemas::{Schemas, split};
use crate::body::Body;
use crate::facts::RelationKind;
use crate::render::quoted_identifier;
use crate::version::GRAMMAR;

/// The partitions of a table with more are not reported: a rule names the table, rarely one of hundreds of partitions.
const MOST_PARTITIONS: usize = 64;

/// The relations of one database at one point in time. `CatalogBuilder` fills it.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    /// Advances with every change.
    pub generation: u64,
    pub(crate) input: Input,
    /// The OIDs of the relations with a name, in order.
    pub(crate) by_name: HashMap<String, Vec<u32>>,
    /// Tables with their inheritance children and partitions.
    pub(crate) children: HashMap<u32, Vec<u32>>,
    /// Functions outside pg_catalog: the schemas that have one with this name.
    pub(crate) functions: HashMap<String, HashSet<String>>,
    /// The ones among them whose result may carry anything.
    pub(crate) obscure: HashMap<String, BTreeSet<String>>,
    /// The ones among them in a language that can contain SQL: what they read and write is unknown.
    pub(crate) unread: HashMap<String, BTreeSet<String>>,
    /// What was read from each definition; `None`: it cannot be analysed.
    pub(crate) outcomes: HashMap<Arc<Definition>, Option<Arc<Body>>>,
    /// Those that refer to themselves, directly or indirectly, or to one that does.
    pub(crate) circular: HashSet<Arc<Definition>>,
    /// The same, by the object defined.
    bodies: Bodies,
}

impl Catalog {
    /// The catalog with everything that follows from its input, but for what its definitions say. The order of the input does not matter.
    pub(crate) fn of(generation: u64, mut input: Input) -> Self {
        input.sort();
        let mut catalog = Catalog {
            generation,
            input,
            ..Catalog::default()
        };
        for (oid, relation) in &catalog.input.relations {
            let named = catalog.by_name.entry(relation.name.clone()).or_default();
            named.push(*oid);
        }
        for (child, parents) in &catalog.input.parents {
            for parent in parents {
                catalog.children.entry(*parent).or_default().push(*child);
            }
        }
        sort_each(&mut catalog.children);
        for function in catalog.input.own_functions.values() {
            let owners = catalog.functions.entry(function.name.clone()).or_default();
            owners.insert(function.schema.clone());
            let code = function.code;
            let marks = [
                (code != OwnCode::Plain, &mut catalog.obscure),
                (code == OwnCode::Unread, &mut catalog.unread),
            ];
            for (_, marked) in marks.into_iter().filter(|(marks, _)| *marks) {
                let owners = marked.entry(function.name.clone()).or_default();
                owners.insert(function.schema.clone());
            }
        }
        catalog
    }

    /// The SELECT that does what a FunctionCall message with this OID does, its arguments being parameters.
    pub fn call(&self, function_oid: u32) -> Option<String> {
        let function = self.input.callable.get(&function_oid)?;
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

    /// The first part in which the two differ, what was read from their definitions included. For tests.
    #[doc(hidden)]
    pub fn differs_from(&self, other: &Self) -> Option<String> {
        if self.input != other.input {
            let names = self
                .input
                .built_in
                .symmetric_difference(&other.input.built_in);
            let relations = self
                .input
                .relations
                .iter()
                .filter(|known| other.input.relations.get(known.0) != Some(known.1));
            let definitions = self
                .input
                .definitions
                .iter()
                .filter(|known| other.input.definitions.binary_search(known).is_err());
            let (names, relations, definitions): (Vec<_>, Vec<_>, Vec<_>) =
                (names.collect(), relations.collect(), definitions.collect());
            return Some(format!(
                "the input: {names:?}, {relations:?}, {definitions:?}"
            ));
        }
        let mut definitions = self.input.definitions.iter();
        definitions
            .find(|definition| self.outcomes.get(*definition) != other.outcomes.get(*definition))
            .map(|definition| format!("what was read from {definition:?}"))
    }

    /// The major version of the server, by which texts are read.
    pub(crate) fn server_version(&self) -> u32 {
        match self.input.server_version {
            0 => GRAMMAR,
            known => known,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.input.relations.is_empty()
    }

    pub fn relation(&self, oid: u32) -> Option<&Relation> {
        self.input.relations.get(&oid).map(|relation| &**relation)
    }

    /// Schema and name of a function outside pg_catalog.
    pub fn function_name(&self, oid: u32) -> Option<(&str, &str)> {
        let function = self.input.own_functions.get(&oid)?;
        Some((&function.schema, &function.name))
    }

    /// Whether a type contains values of a domain that has a check or default.
    pub fn has_domains(&self) -> bool {
        !self.input.domains.is_empty()
    }

    /// The relations with this name: in one schema, or in every schema if none is given.
    pub fn lookup(&self, schema: Option<&str>, name: &str) -> Vec<&Relation> {
        let Some(found) = self.by_name.get(name) else {
            return Vec::new();
        };
        found
            .iter()
            .filter_map(|oid| self.relation(*oid))
            .filter(|relation| schema.is_none_or(|schema| relation.schema == schema))
            .collect()
    }

    pub fn column(&self, oid: u32, attnum: i16) -> Option<&Column> {
        let columns = &self.relation(oid)?.columns;
        columns.iter().find(|column| column.attnum == attnum)
    }

    /// Whether the role can change to another. True for every role until the catalog has been read.
    pub fn may_change_role(&self, role: &str) -> bool {
        self.generation == 0 || self.input.changeable_roles.contains(role)
    }

    pub fn type_name(&self, oid: u32) -> Option<&str> {
        self.input.types.get(&oid).map(String::as_str)
    }

    /// Whether sorting by the column determines the order of the relation's rows completely.
    pub(crate) fn tells_rows_apart(&self, relation: &Relation, name: &str) -> bool {
        let mut columns = relation.columns.iter();
        let column = columns.find(|column| column.name == name);
        self.children(relation.oid).is_empty()
            && column
                .is_some_and(|column| self.input.unique.contains(&(relation.oid, column.attnum)))
    }

    /// The column that is the primary key. `None`: there is none, or it has several columns.
    pub(crate) fn primary_key<'r>(&self, relation: &'r Relation) -> Option<&'r str> {
        let attnum = self.input.primary.get(&relation.oid)?;
        relation.attribute_name(*attnum)
    }

    /// What a view reads directly: (relation, attribute number; 0 is the whole relation).
    pub fn reads(&self, view: u32) -> &[(u32, i16)] {
        self.input.reads.get(&view).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn has_inheritance(&self) -> bool {
        !self.input.parents.is_empty()
    }

    /// All relations that a table inherits from or is a partition of, directly or indirectly, and those that inherit from them.
    pub(crate) fn relatives(&self, oid: u32) -> Vec<&Relation> {
        if self.parents(oid).is_empty() && self.children(oid).is_empty() {
            return Vec::new();
        }
        let mut found: Vec<&Relation> = Vec::new();
        let mut known = HashSet::from([oid]);
        let mut open = self.parents(oid).to_vec();
        while let Some(next) = open.pop() {
            if known.insert(next) {
                found.extend(self.relation(next));
                open.extend(self.parents(next));
            }
        }
        found.extend(self.descendants(oid));
        found
    }

    /// The direct parents of a table: by inheritance or partitioning.
    fn parents(&self, oid: u32) -> &[u32] {
        self.input.parents.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// The direct children of a table, partitions included.
    pub(super) fn children(&self, oid: u32) -> &[u32] {
        self.children.get(&oid).map_or(&[], Vec::as_slice)
    }

    /// The relations whose rows the table also shows: children, and partitions unless there are too many.
    pub(crate) fn descendants(&self, oid: u32) -> Vec<&Relation> {
        let mut found: Vec<&Relation> = Vec::new();
        let mut known = HashSet::from([oid]);
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
                if known.insert(child.oid) {
                    found.push(child);
                    open.push(child.oid);
                }
            }
        }
        found
    }

    pub(crate) fn bodies(&self) -> &Bodies {
        &self.bodies
    }

    /// Stores what a definition does; `None`: it cannot be analysed.
    pub(crate) fn settle(&mut self, definition: &Arc<Definition>, body: Option<Arc<Body>>) {
        self.bodies.settle(definition.subject.clone(), body.clone());
        self.outcomes.insert(Arc::clone(definition), body);
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
        if self.is_obscure_among(name, schemas) {
            return None;
        }
        Some(self.bodies.of_function(schemas, name))
    }

    pub(super) fn is_obscure_among(&self, name: &str, schemas: Schemas<'_>) -> bool {
        let marked = [self.obscure.get(name), self.bodies.unreadable(name)];
        let mut marked = marked.into_iter().flatten().flatten();
        marked.any(|own| schemas.have(own))
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
        self.input.built_in.is_empty() || self.input.built_in.contains(name)
    }

    /// Whether there is a function or type of this name.
    pub(crate) fn has_function(&self, name: &str) -> bool {
        self.functions.contains_key(name) || self.input.built_in.contains(name)
    }

    /// Whether the call matches no known function: it was created in an open transaction, or does not exist.
    pub(crate) fn is_unknown_function(&self, parts: &[&str]) -> bool {
        match parts {
            ["pg_catalog" | "information_schema", _] | [] => false,
            [name] => !self.functions.contains_key(*name) && !self.is_built_in(name),
            [.., schema, name] => {
                let schemas = self.functions.get(*name);
                !self.input.built_in.is_empty()
                    && !schemas.is_some_and(|known| known.contains(*schema))
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

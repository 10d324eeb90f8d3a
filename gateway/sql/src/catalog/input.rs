//! What a catalog is built from: the server's rows, one by one.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::cast::Cast;
use super::definitions::Definition;
use super::relation::{Column, Relation};
use super::write::{Cascade, Trigger};

/// Two catalogs from the same input are the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Input {
    /// The major version of the server; 0 if it is not known, which counts as that of the grammar.
    pub server_version: u32,
    /// By OID. A catalog that was read again shares those that are as before.
    pub relations: BTreeMap<u32, Arc<Relation>>,
    pub reads: HashMap<u32, Vec<(u32, i16)>>,
    /// Inheritance children and partitions with their parents.
    pub parents: HashMap<u32, Vec<u32>>,
    /// Columns that identify a row of their relation.
    pub unique: HashSet<(u32, i16)>,
    /// Columns that are the primary key of their relation.
    pub primary: HashMap<u32, i16>,
    /// Names that convert a value when called: functions and types of pg_catalog, and types outside it.
    pub built_in: Arc<HashSet<String>>,
    /// Functions outside pg_catalog, by OID.
    pub own_functions: BTreeMap<u32, Arc<OwnFunction>>,
    /// Functions that a FunctionCall message can name, by OID.
    pub callable: HashMap<u32, Callable>,
    /// Operators implemented by a function outside pg_catalog.
    pub operators: HashMap<String, Vec<Operator>>,
    pub casts: Vec<Cast>,
    /// Types that contain values of domains with checks, by name.
    pub domains: HashMap<String, BTreeSet<u32>>,
    pub triggers: HashMap<u32, Vec<Trigger>>,
    /// Foreign keys that write, by the referenced table.
    pub cascades: HashMap<u32, Vec<Cascade>>,
    /// Relations with rules for writes.
    pub rules: HashSet<u32>,
    pub types: HashMap<u32, String>,
    /// Roles that PostgreSQL would let change to another.
    pub changeable_roles: HashSet<String>,
    /// In order.
    pub definitions: Vec<Arc<Definition>>,
}

impl Input {
    /// So that the order in which it came does not matter.
    pub fn sort(&mut self) {
        for relation in self.relations.values_mut() {
            let is_sorted = |pair: &[Column]| pair.is_sorted_by_key(|column| column.attnum);
            if !is_sorted(&relation.columns) {
                let columns = &mut Arc::make_mut(relation).columns;
                columns.sort_by_key(|column| column.attnum);
            }
        }
        sort_each(&mut self.parents);
        sort_each(&mut self.reads);
        sort_each(&mut self.triggers);
        sort_each(&mut self.cascades);
        sort_each(&mut self.operators);
        self.casts.sort_unstable();
        self.definitions.sort_unstable();
        self.definitions.dedup();
    }
}

pub(super) fn sort_each<K, V: Ord>(lists: &mut HashMap<K, Vec<V>>) {
    for list in lists.values_mut() {
        list.sort_unstable();
    }
}

/// An operator whose function is outside pg_catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Operator {
    pub schema: String,
    /// Schema and name.
    pub function: (String, String),
}

/// A function outside pg_catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnFunction {
    pub schema: String,
    pub name: String,
    pub code: OwnCode,
}

/// What is known of the code of a function outside pg_catalog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OwnCode {
    /// It only computes on its arguments, or has a definition.
    Plain,
    /// Its result may carry anything.
    Obscure,
    /// It may contain SQL, too: what it reads and writes is unknown.
    Unread,
}

/// A function that returns one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callable {
    pub schema: Box<str>,
    pub name: Box<str>,
    pub arguments: u16,
}

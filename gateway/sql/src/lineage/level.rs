//! The names visible at one level of a query, and what they carry.

use std::sync::Arc;

use gatewright_parser::{Node, NodeList, Strings, nodes};

use crate::catalog::Relation;
use crate::provenance::{Column, Provenance};
use crate::rows::Rows;

/// What is assigned to the columns of a target, in order. A name of `None` is any column.
pub(super) type Assigned = Vec<(Option<String>, Provenance)>;

/// The columns of a FROM item.
#[derive(Clone)]
pub(super) enum Columns<'t> {
    /// The relations that a name can mean; never empty.
    Relations(Vec<&'t Relation>),
    Listed(Arc<Vec<Column>>),
    /// Columns with unknown names: each may be any, and carries this.
    Open(Provenance),
}

pub(super) type Items<'t> = Vec<Item<'t>>;

#[derive(Clone)]
pub(super) struct Item<'t> {
    pub schema: &'t str,
    pub name: &'t str,
    pub columns: Columns<'t>,
    /// Names given by the alias to the first columns.
    pub renamed: Vec<&'t str>,
    /// Whether its columns can be named without qualification, and the item by its name.
    pub bare: bool,
    pub qualified: bool,
    /// How many of its last columns a star leaves out.
    pub unlisted: usize,
    /// Its name is not that of its relation.
    pub aliased: bool,
    /// A row of it has a type with names of its own: that of a relation or function.
    pub typed: bool,
}

pub(super) struct Cte<'t> {
    pub name: &'t str,
    pub rows: Rows,
    /// How many columns SEARCH and CYCLE add at the end.
    pub added: usize,
}

/// The windows of a WINDOW clause that can be referred to.
#[derive(Clone, Copy)]
pub(super) struct Windows<'t> {
    clause: &'t NodeList,
    /// How many of them, from the first one.
    count: usize,
}

#[derive(Default)]
pub(super) struct Level<'t> {
    pub ctes: Vec<Cte<'t>>,
    pub items: Items<'t>,
    /// FROM is being read, and the current item is not LATERAL.
    pub hidden: bool,
    pub windows: Option<Windows<'t>>,
    /// What determines how many rows functions and subqueries of FROM have, which aggregates reveal.
    pub moved: Provenance,
}

impl Columns<'_> {
    pub fn of(rows: &Rows) -> Self {
        match &rows.columns {
            Some(columns) => Self::Listed(Arc::clone(columns)),
            None => Self::Open(rows.any.clone()),
        }
    }
}

impl<'t> Windows<'t> {
    pub fn of(clause: &'t NodeList) -> Self {
        let count = clause.len();
        Self { clause, count }
    }

    /// The window with this name, unless it is `by`, which refers to it; and the windows before it.
    pub fn named(self, name: &str, by: &nodes::WindowDef) -> Option<(&'t nodes::WindowDef, Self)> {
        let mut windows = self.clause.iter().take(self.count).enumerate();
        windows.find_map(|(count, known)| match known {
            Node::WindowDef(known) if known.name() == Some(name) && !std::ptr::eq(known, by) => {
                Some((known, Self { count, ..self }))
            }
            _ => None,
        })
    }
}

impl<'t> Item<'t> {
    pub fn new(name: &'t str, columns: Columns<'t>) -> Self {
        Self {
            schema: "",
            name,
            renamed: Vec::new(),
            bare: true,
            qualified: true,
            typed: matches!(columns, Columns::Relations(_)),
            columns,
            unlisted: 0,
            aliased: false,
        }
    }

    /// An item of FROM under its alias.
    pub fn aliased(name: &'t str, alias: Option<&'t nodes::Alias>, columns: Columns<'t>) -> Self {
        let mut item = Self::new(name, columns);
        if let Some(alias) = alias {
            item.name = alias.aliasname().unwrap_or_default();
            item.renamed = alias.colnames().strings();
        }
        item
    }

    pub fn derived(name: &'t str, alias: Option<&'t nodes::Alias>, rows: &Rows) -> Self {
        Self::aliased(name, alias, Columns::of(rows))
    }
}

/// Whether the last name is `*`.
pub(super) fn ends_in_star(names: &NodeList) -> bool {
    matches!(names.iter().next_back(), Some(Node::A_Star(_)))
}

//! What a definition does, apart from what it is given: callers add it to what they do themselves.

use crate::facts::{ColumnRef, Facts, Flow, RoleEffect, SettingChange, TableRef, Usage};
use crate::rows::Rows;

/// The most functions and tables of a definition that is analysed.
const MOST: usize = 1024;

/// What a definition does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Body {
    /// What it returns, apart from its arguments.
    pub rows: Rows,
    pub tables: Vec<TableRef>,
    /// Indexes into `tables`, and the columns of those tables that it uses.
    pub columns: Vec<(usize, String)>,
    pub functions: Vec<String>,
    pub opaque: Vec<String>,
    /// What it writes, apart from its arguments.
    pub flows: Vec<Flow>,
    pub role: RoleEffect,
    /// Settings that it may change.
    pub settings: Vec<SettingChange>,
    /// It may set `search_path`.
    pub sets_path: bool,
    /// As [`Facts::calls_unread`].
    pub calls_unread: bool,
}

impl Body {
    /// A body that does nothing.
    pub(crate) fn empty() -> Self {
        Self {
            rows: Rows::of(Vec::new()),
            tables: Vec::new(),
            columns: Vec::new(),
            functions: Vec::new(),
            opaque: Vec::new(),
            flows: Vec::new(),
            role: RoleEffect::Kept,
            settings: Vec::new(),
            sets_path: false,
            calls_unread: false,
        }
    }

    /// Whether it does more than compute on its arguments.
    pub(crate) fn acts(&self) -> bool {
        !(self.rows.is_nothing()
            && self.tables.is_empty()
            && self.opaque.is_empty()
            && !self.sets_path
            && self.role == RoleEffect::Kept
            && self.settings.is_empty()
            && self.flows.is_empty())
    }

    /// Whether it does so much, by the definitions that it names in turn, that bodies in a row would take memory in proportion to the square
    /// of their number.
    pub(crate) fn is_too_large(&self) -> bool {
        self.functions.len().max(self.tables.len()) > MOST || self.columns.len() > 16 * MOST
    }

    /// Adds what another body reads, without its rows.
    pub(crate) fn merge(&mut self, other: Body) {
        self.flows.extend(other.flows);
        self.sets_path |= other.sets_path;
        self.calls_unread |= other.calls_unread;
        let columns = other.columns.into_iter().map(|(at, name)| ColumnRef {
            table: Some(at),
            name,
            usage: Usage::Other,
        });
        self.add(Facts {
            columns: columns.collect(),
            tables: other.tables,
            functions: other.functions,
            opaque: other.opaque,
            role: other.role,
            settings: other.settings,
            ..Facts::default()
        });
    }

    /// Adds what a statement names.
    pub(crate) fn add(&mut self, reads: Facts) {
        self.role = self.role.max(reads.role);
        self.sets_path |= reads.path.is_some();
        self.calls_unread |= reads.calls_unread;
        for change in reads.settings {
            if !self.settings.contains(&change) {
                self.settings.push(change);
            }
        }
        let mut places = Vec::with_capacity(reads.tables.len());
        for table in reads.tables {
            let same = |known: &TableRef| known.name == table.name && known.schema == table.schema;
            let at = self.tables.iter().position(same).unwrap_or_else(|| {
                self.tables.push(table.clone());
                self.tables.len() - 1
            });
            if let Some(known) = self.tables.get_mut(at) {
                known.access |= table.access;
            }
            places.push(at);
        }
        for column in reads.columns {
            // A column that resolves to no table is a parameter, or a column of a subquery.
            let Some(at) = column.table.and_then(|at| places.get(at)) else {
                continue;
            };
            let used = (*at, column.name);
            if !self.columns.contains(&used) {
                self.columns.push(used);
            }
        }
        for function in reads.functions {
            if !self.functions.contains(&function) {
                self.functions.push(function);
            }
        }
        for reason in reads.opaque {
            if !self.opaque.contains(&reason) {
                self.opaque.push(reason);
            }
        }
    }
}

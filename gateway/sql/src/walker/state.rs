//! The state of a walk over one statement.

use std::cell::Cell;

use gatewright_parser::NodeList;
use hashbrown::HashSet;

use super::columns::{Places, Uses};
use super::sources::Scope;
use crate::catalog::Names;
use crate::facts::{Access, Facts, RoleEffect, Usage};
use crate::masks::Masks;

/// The number of steps after which a statement is too large to find out which columns it uses: some tenths of a second.
const BUDGET: u64 = 4_000_000;

const TOO_LARGE: &str = "the statement has too many names to find out what they mean";

pub(crate) struct Walker<'a> {
    pub(super) catalog: Names<'a>,
    /// Of an edited statement.
    pub(super) masks: Option<&'a Masks>,
    pub(super) facts: Facts,
    pub(super) scopes: Vec<Scope<'a>>,
    /// The uses in `facts.columns`.
    pub(super) uses: Uses,
    /// Where the tables in `facts.tables` are.
    pub(super) places: Places,
    /// The functions in `facts.functions`, and the reasons in `facts.opaque`.
    functions: HashSet<String>,
    reasons: HashSet<String>,
    /// How many more sources and tables may be looked at for what a name means.
    budget: Cell<u64>,
    /// The next column is only compared for equality.
    pub(super) equality: bool,
    /// The client sees the order in which the server finds rows.
    pub(super) order_shows: bool,
    /// Relations whose base relations were recorded, with the access.
    pub(super) reached: HashSet<(u32, Access)>,
    /// Code inside code is not analysed.
    pub(super) in_code: bool,
    /// A bit set of `Usage`.
    pub(super) usage: u16,
    pub(super) access: Access,
    /// The only setting that the query finds in pg_settings.
    pub(super) setting: Option<&'a str>,
    /// Objects of the named relations are passed to other relations or renamed, which counts as running them.
    pub(super) hands_over: bool,
}

impl<'a> Walker<'a> {
    pub(super) fn new(catalog: Names<'a>) -> Self {
        Walker {
            catalog,
            masks: None,
            facts: Facts::default(),
            scopes: Vec::new(),
            uses: Uses::default(),
            places: Places::default(),
            functions: HashSet::new(),
            reasons: HashSet::new(),
            budget: Cell::new(BUDGET),
            equality: false,
            order_shows: true,
            reached: HashSet::new(),
            in_code: false,
            usage: 1 << Usage::Output as u16,
            access: Access::DDL,
            setting: None,
            hands_over: false,
        }
    }

    pub(crate) fn into_facts(mut self) -> Facts {
        if self.spent() {
            self.unread(TOO_LARGE.to_owned());
        }
        self.facts
    }

    pub(super) fn spend(&self, steps: usize) {
        self.budget
            .set(self.budget.get().saturating_sub(steps as u64));
    }

    /// Whether uses of columns are no longer recorded.
    pub(super) fn spent(&self) -> bool {
        self.budget.get() == 0
    }

    /// A function is called, or named to be called.
    pub(crate) fn named_function(&mut self, name: &str) {
        if !self.functions.contains(name) {
            self.functions.insert(name.to_owned());
            self.facts.functions.push(name.to_owned());
        }
    }

    /// A use of a column that lineage found. It counts only if the statement names the relation.
    pub(crate) fn used(&mut self, relation: u32, attnum: i16, usage: Usage, telling: bool) {
        let Some(relation) = self.catalog.catalog().relation(relation) else {
            return;
        };
        let (schema, name) = (&relation.schema, &relation.name);
        let at = self.places.find(&self.facts.tables, schema, name);
        if let (Some(at), Some(name)) = (at, relation.attribute_name(attnum)) {
            self.equality = !telling;
            self.push_column(Some(at), name, usage);
            self.equality = false;
        }
    }

    /// A use of something that may be any column of the relations that the statement reads.
    pub(crate) fn used_anything(&mut self) {
        for at in 0..self.facts.tables.len() {
            self.push_column(Some(at), "*", Usage::Filter);
        }
    }

    /// Opaque because code runs that was not analysed: it could do anything, such as set the role.
    pub(super) fn unread(&mut self, reason: String) {
        self.role(RoleEffect::Unread);
        self.opaque(reason);
    }

    pub(super) fn role(&mut self, effect: RoleEffect) {
        self.facts.role = self.facts.role.max(effect);
    }

    pub(crate) fn opaque(&mut self, reason: String) {
        if !self.reasons.contains(&reason) {
            self.reasons.insert(reason.clone());
            self.facts.opaque.push(reason);
        }
    }

    /// A nested query is listed among the commands only if it is the statement itself.
    pub(super) fn nested(&mut self, tag: &str, run: impl FnOnce(&mut Self)) {
        if self.facts.commands.is_empty() {
            self.facts.commands.push(tag.to_owned());
        }
        run(self);
    }

    pub(super) fn using(&mut self, usage: Usage, run: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.usage, 1 << usage as u16);
        run(self);
        self.usage = before;
    }

    pub(super) fn nodes(&mut self, nodes: &'a NodeList) {
        for node in nodes {
            self.node(node);
        }
    }
}

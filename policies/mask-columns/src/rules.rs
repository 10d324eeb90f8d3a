//! The rules, found by the names of tables and columns: the work for a statement does not grow with their number.

use std::collections::{BTreeMap, BTreeSet};

use gatewright_policy::{Access, ColumnRef, ColumnSource, Editing, Facts, TableRef};

use crate::settings::Rule;

/// All rules, in the order of the settings.
pub struct Rules {
    rules: Vec<Rule>,
    /// Positions of rules by the name of their table, without its schema.
    by_table: BTreeMap<String, OfTable>,
    /// Positions of rules by the name of their column.
    by_column: BTreeMap<String, Vec<usize>>,
    /// Whether there are rules that name no database.
    everywhere: bool,
    /// The databases that rules name.
    databases: BTreeSet<String>,
}

#[derive(Default)]
struct OfTable {
    rules: Vec<usize>,
    by_column: BTreeMap<String, Vec<usize>>,
}

/// The rules that apply to one database.
pub struct Here<'r> {
    rules: &'r Rules,
    /// `None`: no rule names a database, so all apply.
    database: Option<String>,
}

/// A rule and its position.
pub type Numbered<'r> = (usize, &'r Rule);

impl Rules {
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut by_table: BTreeMap<String, OfTable> = BTreeMap::new();
        let mut by_column: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, rule) in rules.iter().enumerate() {
            let column = rule.column();
            let table = by_table.entry(rule.table().name().to_owned()).or_default();
            table.rules.push(at);
            table
                .by_column
                .entry(column.to_owned())
                .or_default()
                .push(at);
            by_column.entry(column.to_owned()).or_default().push(at);
        }
        let databases = || rules.iter().map(|rule| rule.table().database());
        Self {
            everywhere: databases().any(|database| database.is_none()),
            databases: databases().flatten().map(str::to_owned).collect(),
            by_table,
            by_column,
            rules,
        }
    }

    /// Those of a database. It is only asked for where rules name one.
    pub fn here(&self, database: impl FnOnce() -> String) -> Here<'_> {
        Here {
            rules: self,
            database: (!self.databases.is_empty()).then(database),
        }
    }
}

impl<'r> Here<'r> {
    pub fn is_empty(&self) -> bool {
        let named = |database: &String| self.rules.databases.contains(database);
        !self.rules.everywhere && !self.database.as_ref().is_some_and(named)
    }

    fn at(&self, positions: Option<&'r Vec<usize>>) -> impl Iterator<Item = Numbered<'r>> {
        let rules = &self.rules.rules;
        let numbered = positions
            .into_iter()
            .flatten()
            .filter_map(|at| Some((*at, rules.get(*at)?)));
        numbered.filter(|(_, rule)| {
            let named = rule.table().database();
            named.is_none_or(|named| self.database.as_deref() == Some(named))
        })
    }

    fn table(&self, name: &str) -> Option<&'r OfTable> {
        self.rules.by_table.get(name)
    }

    /// The rules whose table this may be.
    pub fn of_table(&self, table: &TableRef) -> impl Iterator<Item = Numbered<'r>> {
        let of_table = self.table(&table.name).map(|found| &found.rules);
        self.at(of_table)
            .filter(|(_, rule)| table.may_be(rule.table()))
    }

    /// The rules whose table the source is a column of.
    pub fn of_source(&self, source: &ColumnSource) -> impl Iterator<Item = Numbered<'r>> {
        let of_table = self.table(&source.table).map(|found| &found.rules);
        self.at(of_table)
            .filter(|(_, rule)| rule.is_table_of(source))
    }

    /// The rules whose column may carry values of the source.
    pub fn fed_by(&self, source: &ColumnSource) -> impl Iterator<Item = Numbered<'r>> {
        let of_column = self
            .table(&source.table)
            .and_then(|found| match source.column == "*" {
                true => Some(&found.rules),
                false => found.by_column.get(&source.column),
            });
        self.at(of_column).filter(|(_, rule)| rule.feeds(source))
    }

    pub fn is_protected(&self, table: &TableRef) -> bool {
        self.of_table(table).next().is_some()
    }
}

/// How a statement uses protected columns.
pub struct Uses<'r, 'f> {
    rules: &'f Here<'r>,
    facts: &'f Facts,
    /// Whether an unresolved name can only be the mask where there is one.
    masked: bool,
    /// Positions of the rules whose tables the statement writes to.
    written: BTreeSet<usize>,
}

impl<'r, 'f> Uses<'r, 'f> {
    pub fn new(rules: &'f Here<'r>, facts: &'f Facts, editing: &Editing) -> Self {
        let written = facts.tables.iter();
        let written = written.filter(|table| table.access.intersects(Access::WRITES));
        Self {
            rules,
            facts,
            masked: *editing == Editing::Applied,
            written: written
                .flat_map(|table| rules.of_table(table))
                .map(|(at, _)| at)
                .collect(),
        }
    }

    /// The first rule that the column may be under. A column that is resolved to no table matches by name alone, unless it can only be the
    /// mask: the statement was edited, and does not write to the table.
    pub fn rule_of(&self, column: &ColumnRef) -> Option<&'r Rule> {
        let rules = self.rules;
        let Some(table) = self.facts.table_of(column) else {
            let mut named = rules.at(rules.rules.by_column.get(&column.name));
            return named
                .find(|(at, rule)| !self.is_mask(*at, rule))
                .map(|(_, rule)| rule);
        };
        let found = rules.table(&table.name)?;
        let positions = match column.name == "*" {
            true => Some(&found.rules),
            false => found.by_column.get(&column.name),
        };
        let mut of_column = rules.at(positions);
        of_column
            .find(|(_, rule)| table.may_be(rule.table()))
            .map(|(_, rule)| rule)
    }

    fn is_mask(&self, at: usize, rule: &Rule) -> bool {
        self.masked && rule.edit.is_some() && !self.written.contains(&at)
    }

    /// Whether the statement uses a protected column in any way, or a row as a whole.
    pub fn any(&self) -> bool {
        let mut columns = self.facts.columns.iter();
        columns.any(|column| self.rule_of(column).is_some())
    }
}

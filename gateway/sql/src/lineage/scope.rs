//! What a name means while a query is analysed. `from` fills a level; `construct` asks it.

use std::sync::Arc;

use super::level::{Columns, Cte, Item, Level};
use super::resolver::Resolver;
use crate::catalog::Relation;
use crate::facts::Transform;
use crate::provenance::{Column, Provenance};

/// What a name was found to mean.
struct Found {
    value: Provenance,
    /// No other reading of the name is possible.
    certain: bool,
}

impl<'t> Item<'t> {
    fn find(&self, resolver: &Resolver<'t>, name: &str) -> Option<Found> {
        let renamed = self.renamed.iter().position(|known| *known == name);
        let (mut value, mut hits, mut certain) = (Provenance::null(), 0_usize, true);
        let mut hit = |found: Provenance| {
            if hits == 0 {
                value = found;
            } else {
                value.or(&found);
            }
            hits += 1;
        };
        match &self.columns {
            Columns::Relations(relations) => {
                for relation in relations {
                    let at = renamed.or_else(|| {
                        let at = relation.columns.iter().position(|known| known.name == name);
                        at.filter(|at| *at >= self.renamed.len())
                    });
                    match at.and_then(|at| relation.columns.get(at)) {
                        Some(column) => hit(resolver.base(relation, column.attnum)),
                        None => match relation.system_column(name) {
                            Some(attnum) => hit(resolver.base(relation, attnum)),
                            None => certain = false,
                        },
                    }
                }
            }
            Columns::Listed(columns) => {
                let exact = |column: &&Column| column.name.as_deref() == Some(name);
                if let Some(at) = renamed {
                    columns
                        .get(at)
                        .into_iter()
                        .for_each(|column| hit(column.value.clone()));
                } else {
                    let rest = columns.get(self.renamed.len()..).unwrap_or_default();
                    if rest.iter().any(|column| exact(&column)) {
                        rest.iter()
                            .filter(exact)
                            .for_each(|column| hit(column.value.clone()));
                    } else {
                        certain = false;
                        rest.iter()
                            .filter(|column| column.name.is_none())
                            .for_each(|column| hit(column.value.clone()));
                    }
                }
            }
            Columns::Open(any) => {
                certain = renamed.is_some();
                hit(any.clone());
            }
        }
        (hits > 0).then_some(Found { value, certain })
    }

    /// All columns in order, without system columns. `None`: their number is unknown.
    pub fn list(&self, resolver: &Resolver<'t>) -> Option<Vec<Column>> {
        let mut columns = match &self.columns {
            Columns::Open(_) => return None,
            Columns::Listed(columns) => columns.to_vec(),
            Columns::Relations(relations) => {
                let (first, others) = relations.split_first()?;
                let same = |other: &&Relation| {
                    other.columns.len() == first.columns.len()
                        && first
                            .columns
                            .iter()
                            .zip(&other.columns)
                            .all(|(left, right)| left.name == right.name)
                };
                if first.columns.is_empty() || !others.iter().all(same) {
                    return None;
                }
                let value = |at: usize| {
                    let mut value = Provenance::null();
                    for (nth, relation) in relations.iter().enumerate() {
                        if let Some(column) = relation.columns.get(at) {
                            let base = resolver.base(relation, column.attnum);
                            if nth == 0 {
                                value = base;
                            } else {
                                value.or(&base);
                            }
                        }
                    }
                    value
                };
                let named = first.columns.iter().enumerate();
                named
                    .map(|(at, column)| Column::named(&column.name, value(at)))
                    .collect()
            }
        };
        for (column, name) in columns.iter_mut().zip(&self.renamed) {
            column.name = Some(Arc::from(*name));
        }
        resolver.spend(columns.len());
        Some(columns)
    }

    /// Whether `schema.name` refers to the item: only to a relation without alias.
    fn is_in(&self, schema: &str) -> bool {
        if schema.is_empty() {
            return true;
        }
        match &self.columns {
            _ if self.aliased => false,
            Columns::Relations(relations) => {
                relations.iter().any(|relation| relation.schema == schema)
            }
            Columns::Listed(_) => !self.schema.is_empty() && self.schema == schema,
            Columns::Open(_) => self.schema.is_empty() || self.schema == schema,
        }
    }

    /// The columns that a star stands for. `None`: their number is unknown.
    pub fn star(&self, resolver: &Resolver<'t>) -> Option<Vec<Column>> {
        let mut columns = self.list(resolver)?;
        columns.truncate(columns.len().saturating_sub(self.unlisted));
        Some(columns)
    }

    /// The row as one value. The names of its fields are those of its type, which an alias list does not change if it is
    /// the type of a relation, but `(item).name` looks for the alias first.
    pub fn row(&self, resolver: &Resolver<'t>) -> Provenance {
        let mut value = self.all(resolver);
        if let Some(fields) = value.fields.as_mut().filter(|_| self.typed) {
            for field in Arc::make_mut(fields).iter_mut().take(self.renamed.len()) {
                field.name = None;
            }
        }
        if let Columns::Relations(relations) = &self.columns
            && resolver.catalog.has_casts()
        {
            for relation in relations {
                for cast in resolver.catalog.unwritten_casts(&relation.name) {
                    value.chosen_by(&resolver.made_by(&cast.called()));
                }
            }
        }
        value
    }

    fn all(&self, resolver: &Resolver<'t>) -> Provenance {
        match (self.list(resolver), &self.columns) {
            (Some(columns), _) => Provenance::row(Arc::new(columns)),
            (None, Columns::Open(any)) => any.clone().into(Transform::Expression),
            (None, Columns::Relations(relations)) => {
                let mut value = Provenance::constant();
                for relation in relations {
                    value.unknown |= relation.columns.is_empty();
                    for column in &relation.columns {
                        let base = resolver.base(relation, column.attnum);
                        value.absorb(&base, Transform::Expression);
                    }
                }
                value
            }
            (None, Columns::Listed(_)) => Provenance::unknown(),
        }
    }
}

impl<'t> Resolver<'t> {
    pub(super) fn level(&mut self) -> &mut Level<'t> {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// A common table expression, and whether a query inside the one with the WITH clause refers to it.
    pub(super) fn cte(&self, name: &str) -> Option<(&Cte<'t>, bool)> {
        let mut levels = self.levels.iter().rev().enumerate();
        levels.find_map(|(depth, level)| {
            let cte = level.ctes.iter().rev().find(|cte| cte.name == name)?;
            Some((cte, depth > 0))
        })
    }

    fn visible(&self) -> impl Iterator<Item = &Level<'t>> {
        self.levels.iter().rev().filter(|level| !level.hidden)
    }

    /// An unqualified name: a column of the innermost level that has it; else the row of an item with that name.
    pub(super) fn bare(&self, name: &str) -> Provenance {
        let mut maybe: Option<Provenance> = None;
        let also = |maybe: &mut Option<Provenance>, value: &Provenance| match maybe {
            Some(known) => known.or(value),
            None => *maybe = Some(value.clone()),
        };
        for level in self.visible() {
            self.spend(level.items.len() / 4);
            let mut certain = false;
            for item in level.items.iter().filter(|item| item.bare) {
                if let Some(found) = item.find(self, name) {
                    certain |= found.certain;
                    also(&mut maybe, &found.value);
                }
            }
            if certain {
                return maybe.unwrap_or_else(Provenance::unknown);
            }
        }
        if let Some(row) = self.item("", name) {
            also(&mut maybe, &row.row(self));
        } else if self.parameters.contains(&name) {
            also(&mut maybe, &Provenance::constant());
        }
        match maybe {
            Some(value) => value,
            // The server will say that there is no such column.
            None if self.knows_all_columns() => Provenance::constant(),
            None => Provenance::unknown(),
        }
    }

    /// Whether every visible column is one that the statement itself lists: not even a change of a table can add one.
    fn knows_all_columns(&self) -> bool {
        let is_named = |column: &Column| column.name.is_some();
        let mut items = self.visible().flat_map(|level| &level.items).peekable();
        items.peek().is_some()
            && !self.within
            && items.all(|item| match &item.columns {
                Columns::Listed(columns) => columns.iter().all(is_named),
                Columns::Relations(_) | Columns::Open(_) => false,
            })
    }

    pub(super) fn item(&self, schema: &str, name: &str) -> Option<&Item<'t>> {
        self.visible().find_map(|level| {
            self.spend(level.items.len() / 16);
            level
                .items
                .iter()
                .find(|item| item.qualified && item.name == name && item.is_in(schema))
        })
    }

    /// `item.name`: a column; else, by PostgreSQL's rule, the function `name` of the row.
    pub(super) fn qualified(&mut self, schema: &str, item: &str, name: &str) -> Provenance {
        let Some(found) = self.item(schema, item) else {
            // A parameter may be qualified with the function's name, and have fields.
            return if self.parameters.contains(&name) || self.parameters.contains(&item) {
                Provenance::constant()
            } else {
                Provenance::unknown()
            };
        };
        let column = found.find(self, name);
        if let Some(column) = &column
            && column.certain
        {
            return column.value.clone();
        }
        let found = found.clone();
        let mut value = self.call_of_row(name, &found);
        if let Some(column) = column {
            value.or(&column.value);
        }
        value
    }
}

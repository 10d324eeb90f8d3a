//! JOIN: conditions, merged columns of USING and NATURAL, aliases of joins.

use std::sync::Arc;

use gatewright_parser::{Strings, nodes};

use super::level::{Columns, Item, Items};
use super::resolver::Resolver;
use crate::facts::{Transform, Usage};
use crate::provenance::{Column, Provenance};

impl<'t> Resolver<'t> {
    pub(super) fn join(&mut self, join: &'t nodes::JoinExpr) -> (Items<'t>, Provenance) {
        let before = self.level().items.len();
        let (left, mut chosen) = self.read_item(join.larg());
        // A LATERAL item on the right sees the left side.
        self.level().items.extend(left);
        let (right, by) = self.read_item(join.rarg());
        let left = self.level().items.split_off(before);
        chosen.absorb(&by, Transform::Expression);

        let (left_columns, right_columns) = (self.columns_of(&left), self.columns_of(&right));
        let merged = merged_names(join, left_columns.as_deref(), right_columns.as_deref());
        let mut items = left;
        items.extend(right);

        // Conditions see both sides of this join and the enclosing query.
        let around = std::mem::replace(&mut self.level().items, items);
        let condition = self.value(join.quals());
        self.record(&condition, Usage::Join);
        chosen.absorb(&condition, Transform::Expression);
        for name in &merged {
            let both = self.bare(name);
            self.record(&both, Usage::Join);
            chosen.absorb(&both, Transform::Expression);
        }
        let mut items = std::mem::replace(&mut self.level().items, around);
        let sides = left_columns.zip(right_columns);
        if join.is_natural
            && sides
                .as_ref()
                .is_none_or(|(left, right)| !are_named(left, right))
        {
            // Any column may be a merged one.
            for item in items.iter().filter(|item| item.bare) {
                let row = item.row(self);
                self.record(&row, Usage::Join);
                chosen.absorb(&row, Transform::Expression);
            }
            chosen.unknown = true;
            return (self.open_join(join, items), chosen);
        }
        let plain = merged.is_empty() && join.alias().is_none();
        let sides = sides.filter(|(left, right)| merged.is_empty() || are_named(left, right));
        let Some((left_columns, right_columns)) = sides else {
            return (self.open_join(join, items), chosen);
        };
        if plain {
            return (items, chosen);
        }
        let (both, rest) = merge(&merged, left_columns, right_columns);
        for item in &mut items {
            item.bare = false;
        }
        if let Some(alias) = join.join_using_alias() {
            let columns = Columns::Listed(Arc::new(both.clone()));
            let mut using = Item::aliased("", Some(alias), columns);
            using.bare = false;
            items.push(using);
        }
        let all: Vec<Column> = both.into_iter().chain(rest).collect();
        let mut whole = Item::aliased("", join.alias(), Columns::Listed(Arc::new(all)));
        if join.alias().is_some() {
            // The alias hides the items inside.
            items.clear();
        } else {
            whole.qualified = false;
        }
        items.push(whole);
        (items, chosen)
    }

    /// A join of items whose columns are not all known.
    fn open_join(&mut self, join: &'t nodes::JoinExpr, mut items: Items<'t>) -> Items<'t> {
        let mut any = Provenance::constant();
        for item in &items {
            any.absorb(&item.row(self), Transform::Expression);
        }
        any.unknown = true;
        if !join.is_natural && join.using_clause().is_empty() && join.alias().is_none() {
            return items;
        }
        for item in &mut items {
            item.bare = false;
        }
        if let Some(alias) = join.join_using_alias() {
            let mut using = Item::aliased("", Some(alias), Columns::Open(any.clone()));
            using.bare = false;
            items.push(using);
        }
        if join.alias().is_some() {
            return vec![Item::aliased("", join.alias(), Columns::Open(any))];
        }
        let mut whole = Item::new("", Columns::Open(any));
        whole.qualified = false;
        items.push(whole);
        items
    }

    fn columns_of(&self, items: &Items<'t>) -> Option<Vec<Column>> {
        let mut columns = Vec::new();
        for item in items.iter().filter(|item| item.bare) {
            if item.unlisted > 0 {
                return None;
            }
            columns.extend(item.list(self)?);
        }
        Some(columns)
    }
}

/// Whether all names are known: one that is not may be a merged column.
fn are_named(left: &[Column], right: &[Column]) -> bool {
    left.iter().chain(right).all(|column| column.name.is_some())
}

fn merged_names(
    join: &nodes::JoinExpr,
    left: Option<&[Column]>,
    right: Option<&[Column]>,
) -> Vec<String> {
    if !join.is_natural {
        let using = join.using_clause().strings();
        return using.into_iter().map(str::to_owned).collect();
    }
    let right = right.unwrap_or_default();
    let shared = left
        .unwrap_or_default()
        .iter()
        .filter_map(|column| column.name.as_deref())
        .filter(|name| {
            right
                .iter()
                .any(|column| column.name.as_deref() == Some(name))
        });
    shared.map(str::to_owned).collect()
}

/// The merged columns, followed by the remaining ones of the left and the right side.
fn merge(names: &[String], left: Vec<Column>, right: Vec<Column>) -> (Vec<Column>, Vec<Column>) {
    let is = |column: &Column, name: &str| column.name.as_deref() == Some(name);
    let mut both = Vec::with_capacity(names.len());
    for name in names {
        let mut sides = left.iter().chain(&right).filter(|column| is(column, name));
        let mut value = sides
            .next()
            .map_or_else(Provenance::unknown, |column| column.value.clone());
        for column in sides {
            value.or(&column.value);
        }
        both.push(Column::named(name, value));
    }
    let rest = left
        .into_iter()
        .chain(right)
        .filter(|column| !names.iter().any(|name| is(column, name)));
    (both, rest.collect())
}

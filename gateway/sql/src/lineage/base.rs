//! What a column of a relation carries: itself, what a view reads, what an inheriting table shares.
//! It refuses to know syntax. Next: `scope`, which asks for columns by name.

use super::Resolver;
use super::carried::{Carried, Source};
use super::scope::{Columns, Item};
use crate::catalog::{Catalog, Relation};
use crate::facts::{ColumnSource, RelationKind, Transform};

/// What the values of one column can be, by the catalog alone: with whether they are unchanged. None: unknown.
pub(crate) fn of_column(
    catalog: &Catalog,
    oid: u32,
    attnum: i16,
) -> Option<(Vec<ColumnSource>, bool)> {
    let relation = catalog.relation(oid)?;
    relation.attribute_name(attnum)?;
    let resolver = Resolver::new(catalog);
    let (sources, exact) = resolver.named(&resolver.base(relation, attnum));
    Some((sources?, exact))
}

impl<'t> Resolver<'t> {
    pub(super) fn base(&self, relation: &'t Relation, attnum: i16) -> Carried {
        let mut value = Carried::column(relation.oid, attnum);
        if attnum < 0 {
            return value;
        }
        match relation.kind {
            RelationKind::View | RelationKind::MaterializedView => self.view(relation, &mut value),
            RelationKind::Catalog => {}
            _ => self.relatives(relation, attnum, &mut value),
        }
        value
    }

    /// A view's column may carry anything of the relations that the view reads: which columns it takes from whole rows,
    /// the server's list of dependencies does not say.
    fn view(&self, view: &Relation, value: &mut Carried) {
        let mut seen = vec![view.oid];
        let mut at = 0;
        while let Some(next) = seen.get(at).copied() {
            at += 1;
            for (base, _) in self.catalog.reads(next) {
                self.spend(1);
                if seen.contains(base) {
                    continue;
                }
                seen.push(*base);
                value.changed = true;
                value.unknown |= self.catalog.relation(*base).is_none();
                value.add(Source {
                    relation: *base,
                    attnum: 0,
                    transform: Transform::Unknown,
                });
            }
        }
    }

    /// Rows of an inheriting table are rows of its parents.
    fn relatives(&self, relation: &Relation, attnum: i16, value: &mut Carried) {
        let Some(name) = relation.attribute_name(attnum) else {
            return;
        };
        let mut seen = vec![relation.oid];
        let mut at = 0;
        while let Some(next) = seen.get(at).copied() {
            at += 1;
            for (base, _) in self.catalog.reads(next) {
                if seen.contains(base) {
                    continue;
                }
                seen.push(*base);
                let column = self
                    .catalog
                    .relation(*base)
                    .and_then(|base| base.columns.iter().find(|column| column.name == name));
                if let Some(column) = column {
                    value.add(Source {
                        relation: *base,
                        attnum: column.attnum,
                        transform: Transform::Identity,
                    });
                }
            }
        }
    }

    /// What decides which rows a view has: a part of everything that it reads.
    pub(super) fn view_chosen(&self, item: &Item<'t>) -> Carried {
        let mut chosen = Carried::constant();
        if let Columns::Relations(relations) = &item.columns {
            for relation in relations {
                if is_view(relation) {
                    let mut value = Carried::constant();
                    self.view(relation, &mut value);
                    chosen.absorb(&value, Transform::Expression);
                }
            }
        }
        chosen
    }
}

fn is_view(relation: &Relation) -> bool {
    matches!(
        relation.kind,
        RelationKind::View | RelationKind::MaterializedView
    )
}

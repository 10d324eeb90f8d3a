//! What a column of a relation carries: itself, what a view reads, what children share. `scope` looks columns up by name.

use super::level::{Columns, Item};
use super::resolver::Resolver;
use crate::catalog::{Catalog, Names, Relation};
use crate::facts::{ColumnSource, RelationKind, Transform};
use crate::provenance::{Provenance, Source};

impl Catalog {
    /// The columns whose values a column carries according to the catalog, and whether unchanged. `None`: unknown.
    pub fn carried_by(&self, oid: u32, attnum: i16) -> Option<(Vec<ColumnSource>, bool)> {
        let relation = self.relation(oid)?;
        relation.attribute_name(attnum)?;
        let resolver = Resolver::new(Names::every(self));
        let (sources, exact) = resolver.named(&resolver.base(relation, attnum));
        Some((sources?, exact))
    }
}

impl<'t> Resolver<'t> {
    pub(super) fn base(&self, relation: &'t Relation, attnum: i16) -> Provenance {
        let mut value = Provenance::column(relation.oid, attnum);
        if attnum < 0 {
            return value;
        }
        if self.catalog.has_casts() {
            let column = self.catalog.column(relation.oid, attnum);
            let kind = column.map_or(0, |column| column.type_oid);
            for cast in self.catalog.unwritten_casts_of(kind) {
                value.chosen_by(&self.made_by(&cast.called()));
            }
        }
        match relation.kind {
            RelationKind::View | RelationKind::MaterializedView => {
                self.view(relation, attnum, &mut value);
            }
            RelationKind::Catalog => {}
            _ => {
                self.relatives(relation, attnum, &mut value);
                self.generated(relation, attnum, &mut value);
            }
        }
        value
    }

    fn view(&self, view: &Relation, attnum: i16, value: &mut Provenance) {
        let defined = self.catalog.bodies().of_relation(view.oid);
        let columns = defined.and_then(|body| body.rows.columns.as_ref());
        let at = usize::try_from(attnum).unwrap_or(0).checked_sub(1);
        match columns.zip(at).and_then(|(columns, at)| columns.get(at)) {
            Some(column) => value.or(&column.value),
            None => self.all_of_view(view, value),
        }
    }

    /// A view's column may carry anything of the relations that the view reads: the server's dependencies do not show which
    /// columns it takes from whole rows.
    fn all_of_view(&self, view: &Relation, value: &mut Provenance) {
        if self.catalog.bodies().view_waits(view.oid) {
            self.waits.set(true);
        }
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

    /// A generated column reveals the columns that it is computed from.
    fn generated(&self, relation: &Relation, attnum: i16, value: &mut Provenance) {
        let bodies = self.catalog.bodies();
        if bodies.column_waits(relation.oid, attnum) {
            self.waits.set(true);
        }
        if let Some(body) = bodies.of_column(relation.oid, attnum) {
            value.chosen_by(&body.rows.all());
        }
    }

    /// Rows of a child are also rows of its parents, and a parent shows its children's rows.
    fn relatives(&self, relation: &Relation, attnum: i16, value: &mut Provenance) {
        let Some(name) = relation.attribute_name(attnum) else {
            return;
        };
        for relative in self.catalog.relatives(relation.oid) {
            let column = relative.columns.iter().find(|column| column.name == name);
            if let Some(column) = column {
                value.add(Source {
                    relation: relative.oid,
                    attnum: column.attnum,
                    transform: Transform::Identity,
                });
            }
        }
    }

    /// What determines which rows a view has; without a definition, anything that it reads.
    pub(super) fn view_chosen(&self, item: &Item<'t>) -> Provenance {
        let mut chosen = Provenance::constant();
        if let Columns::Relations(relations) = &item.columns {
            for relation in relations {
                if is_view(relation) {
                    let mut value = Provenance::constant();
                    match self.catalog.bodies().of_relation(relation.oid) {
                        Some(body) => value = body.rows.chosen.clone(),
                        None => self.all_of_view(relation, &mut value),
                    }
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

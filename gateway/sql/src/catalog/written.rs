//! What a write to a relation causes: triggers, and writes to relations that the statement does not name. `definition`
//! reads the functions of the triggers.

use super::snapshot::Catalog;
use super::write::{Keys, Trigger, Write};
use crate::facts::{Access, RelationKind};

impl Catalog {
    pub(crate) fn has_cascades(&self) -> bool {
        !self.input.cascades.is_empty()
    }

    /// The triggers that run on these kinds of write to the relation.
    pub(crate) fn triggers(&self, oid: u32, access: Access) -> impl Iterator<Item = &Trigger> {
        let triggers = self.input.triggers.get(&oid).map_or(&[][..], Vec::as_slice);
        triggers
            .iter()
            .filter(move |trigger| trigger.on.intersects(access))
    }

    /// Whether a rule may replace a write to the relation.
    pub(crate) fn has_rules(&self, oid: u32) -> bool {
        self.input.rules.contains(&oid)
    }

    /// The relation and everything written along with it: children and partitions, what a view reads, and what foreign keys
    /// reach. UPDATE follows a foreign key only if it assigns a referenced column.
    pub(crate) fn written_with(&self, oid: u32, access: Access, keys: Keys<'_>) -> Vec<Write<'_>> {
        let mut found: Vec<Write<'_>> = Vec::new();
        let mut open = vec![(oid, access, false, keys)];
        while let Some((next, access, cascaded, keys)) = open.pop() {
            let known = |write: &Write<'_>| {
                write.relation.oid == next
                    && write.access.contains(access)
                    && write.cascaded == cascaded
            };
            let Some(relation) = self.relation(next).filter(|_| !found.iter().any(known)) else {
                continue;
            };
            found.push(Write {
                relation,
                access,
                cascaded,
            });
            let parts = self.children(next).iter();
            open.extend(parts.map(|child| (*child, access, cascaded, keys)));
            if relation.kind == RelationKind::View {
                let below = self.reads(next).iter();
                open.extend(below.map(|(base, _)| (*base, access, cascaded, Keys::Any)));
            }
            for cascade in self.input.cascades.get(&next).into_iter().flatten() {
                let mut follows = Access::default();
                if access.intersects(Access::DELETE) {
                    follows |= cascade.on_delete;
                }
                let updates = access.intersects(Access::UPDATE);
                if updates && keys.hold(relation, &cascade.on_update) {
                    follows |= Access::UPDATE;
                }
                if follows != Access::default() {
                    open.push((cascade.child, follows, true, Keys::Any));
                }
            }
        }
        found
    }
}

//! What access grants cover.

use crate::{Access, AccessGrant, Facts, GrantedTable, RelationKind, TableRef};

/// Commands that do nothing but what the facts list of their relations.
const PLAIN: [&str; 14] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "COPY",
    "TRUNCATE TABLE",
    "ALTER TABLE",
    "DROP TABLE",
    "EXPLAIN",
    "PREPARE",
    "EXECUTE",
    "DECLARE CURSOR",
    "FETCH",
];

impl Facts {
    /// Whether these access grants cover all that the statement changes, also in code that it runs. They do not where that is not
    /// certain: the statement changes nothing that is named, is not fully understood, changes a relation that is not in the catalog,
    /// or has a command that does more than is listed of its relations, such as GRANT.
    pub fn writes_are_granted(&self, grants: &[AccessGrant]) -> bool {
        let is_plain = |command: &String| PLAIN.contains(&command.as_str());
        let mut written = self
            .tables
            .iter()
            .filter(|table| table.access.intersects(Access::WRITES))
            .peekable();
        self.opaque.is_empty()
            && self.commands.iter().all(is_plain)
            && written.peek().is_some()
            && written.all(|table| table.is_granted(Access::WRITES, grants))
    }
}

impl TableRef {
    /// Whether these access grants cover what the statement does to the relation, as far as it is among `verbs`. They do not if it is not
    /// certain which relation it is.
    pub fn is_granted(&self, verbs: Access, grants: &[AccessGrant]) -> bool {
        let is_certain = self.kind != RelationKind::Unresolved && !self.schema.is_empty();
        let granted = grants
            .iter()
            .flat_map(|grant| &grant.tables)
            .filter(|granted| granted.holds_for(self))
            .fold(Access::empty(), |all, granted| all | granted.verbs);
        is_certain && granted.contains(self.access & verbs)
    }
}

impl GrantedTable {
    /// Whether it is this relation, or all of its schema.
    pub fn holds_for(&self, table: &TableRef) -> bool {
        self.schema == table.schema && self.name.as_ref().is_none_or(|name| *name == table.name)
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{access_grant, facts};
    use crate::{Access, Facts, RelationKind, Verb};

    fn delete() -> Facts {
        let tables = [
            ("public.orders", Access::SELECT | Access::DELETE),
            ("public.people", Access::SELECT),
        ];
        facts(Verb::Delete, &["DELETE"], &tables)
    }

    #[test]
    fn every_written_table_and_verb_must_be_granted() {
        let delete = delete();
        for (tables, expected) in [
            (&[][..], false),
            (&[("public.orders", Access::DELETE)], true),
            (&[("public.*", Access::DELETE)], true),
            (&[("public.orders", Access::UPDATE)], false),
            (&[("public.order", Access::DELETE)], false),
            (&[("crm.orders", Access::DELETE)], false),
            (&[("crm.*", Access::DELETE)], false),
            (&[("public.people", Access::WRITES)], false),
        ] {
            let grants = [access_grant(tables)];
            assert_eq!(delete.writes_are_granted(&grants), expected, "{tables:?}");
        }
        let mut both = delete.clone();
        both.tables[1].access |= Access::UPDATE;
        assert!(!both.writes_are_granted(&[access_grant(&[("public.orders", Access::DELETE)])]));
        // Together they cover it.
        assert!(both.writes_are_granted(&[
            access_grant(&[("public.orders", Access::DELETE)]),
            access_grant(&[("public.people", Access::UPDATE)]),
        ]));
        let mut merge = delete;
        merge.tables[0].access |= Access::UPDATE;
        assert!(!merge.writes_are_granted(&[access_grant(&[("public.orders", Access::DELETE)])]));
    }

    #[test]
    fn what_is_not_certain_is_not_granted() {
        let everything = [access_grant(&[("public.*", Access::all())])];
        assert!(delete().writes_are_granted(&everything));
        let changed = |change: &dyn Fn(&mut Facts)| {
            let mut facts = delete();
            change(&mut facts);
            facts.writes_are_granted(&everything)
        };
        assert!(!changed(&|facts| facts
            .opaque
            .push("calls app.f, whose body is not known".to_owned())));
        assert!(!changed(
            &|facts| facts.tables[0].kind = RelationKind::Unresolved
        ));
        assert!(!changed(&|facts| facts.tables[0].schema.clear()));
        assert!(!changed(&|facts| facts.commands.push("GRANT".to_owned())));
        assert!(!changed(&|facts| facts.tables.clear()));
        let select = facts(
            Verb::Select,
            &["SELECT"],
            &[("public.orders", Access::SELECT)],
        );
        assert!(!select.writes_are_granted(&everything));
    }
}

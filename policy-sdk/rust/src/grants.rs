//! What access grants cover.

use std::collections::BTreeMap;

use crate::{Access, AccessGrant, Facts, RelationKind, TableRef};

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

/// What some access grants cover together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted(BTreeMap<String, OfSchema>);

/// Access to all relations of a schema, and to some.
#[derive(Debug, Clone, PartialEq, Eq)]
struct OfSchema {
    all: Access,
    named: BTreeMap<String, Access>,
}

impl Default for OfSchema {
    fn default() -> Self {
        Self {
            all: Access::empty(),
            named: BTreeMap::new(),
        }
    }
}

impl Granted {
    /// Whether what the statement does to the relation is covered, as far as it is among `verbs`. It is not if it is not certain which
    /// relation it is.
    pub fn covers(&self, verbs: Access, table: &TableRef) -> bool {
        let is_certain = table.kind != RelationKind::Unresolved && !table.schema.is_empty();
        let granted = self.0.get(&table.schema).map(|schema| {
            let named = schema.named.get(&table.name).copied();
            schema.all | named.unwrap_or(Access::empty())
        });
        let granted = granted.unwrap_or(Access::empty());
        is_certain && granted.contains(table.access & verbs)
    }

    /// Whether all that the statement changes is covered, also in code that it runs. It is not where that is not certain: the statement
    /// changes nothing that is named, is not fully understood, changes a relation that is not in the catalog, or has a command that does
    /// more than is listed of its relations, such as GRANT.
    pub fn covers_writes(&self, facts: &Facts) -> bool {
        let is_plain = |command: &String| PLAIN.contains(&command.as_str());
        let mut written = facts
            .tables
            .iter()
            .filter(|table| table.access.intersects(Access::WRITES))
            .peekable();
        facts.opaque.is_empty()
            && facts.commands.iter().all(is_plain)
            && written.peek().is_some()
            && written.all(|table| self.covers(Access::WRITES, table))
    }
}

impl FromIterator<AccessGrant> for Granted {
    fn from_iter<T: IntoIterator<Item = AccessGrant>>(grants: T) -> Self {
        let mut granted = Self::default();
        for table in grants.into_iter().flat_map(|grant| grant.tables) {
            let schema = granted.0.entry(table.schema).or_default();
            match table.name {
                Some(name) => *schema.named.entry(name).or_insert(Access::empty()) |= table.verbs,
                None => schema.all |= table.verbs,
            }
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::Granted;
    use crate::testing::{access_grant, facts};
    use crate::{Access, Facts, RelationKind, Verb};

    fn granted(all: &[&[(&str, Access)]]) -> Granted {
        all.iter().map(|tables| access_grant(tables)).collect()
    }

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
            let granted = granted(&[tables]);
            assert_eq!(granted.covers_writes(&delete), expected, "{tables:?}");
        }
        let mut both = delete.clone();
        both.tables[1].access |= Access::UPDATE;
        let one: &[_] = &[("public.orders", Access::DELETE)];
        assert!(!granted(&[one]).covers_writes(&both));
        // Together they cover it.
        let other = &[("public.people", Access::UPDATE)];
        assert!(granted(&[one, other]).covers_writes(&both));
        let mut merge = delete;
        merge.tables[0].access |= Access::UPDATE;
        assert!(!granted(&[one]).covers_writes(&merge));
    }

    #[test]
    fn what_is_not_certain_is_not_granted() {
        let everything = granted(&[&[("public.*", Access::all())]]);
        assert!(everything.covers_writes(&delete()));
        let changed = |change: &dyn Fn(&mut Facts)| {
            let mut facts = delete();
            change(&mut facts);
            everything.covers_writes(&facts)
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
        assert!(!everything.covers_writes(&select));
    }
}

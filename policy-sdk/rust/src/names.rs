//! Lists of names, and finding what is in them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer};

use crate::name::Qualified;
use crate::{Facts, TableRef};

/// A list of relations or functions in a policy's settings. Finding a name takes no longer in a long list. A database in a name is
/// ignored, since facts always refer to the current database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(BTreeMap<String, Schemas>);

/// The schemas in which a name is listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Schemas {
    /// Whether it is listed without a schema.
    any: bool,
    named: BTreeSet<String>,
}

impl Names {
    /// Whether the relation may be one of these: the same name, and the same schema unless one of them is unknown.
    pub fn may_have(&self, table: &TableRef) -> bool {
        self.find(&table.schema, &table.name)
    }

    /// The first function that the statement calls and that may be one of these. A name without a schema, in the statement or in the
    /// list, means that name in any schema.
    pub fn first_call<'f>(&self, facts: &'f Facts) -> Option<&'f str> {
        let mut functions = facts.functions.iter().map(String::as_str);
        functions.find(|function| self.may_have_function(function))
    }

    /// Facts spell functions as the statement does: parts joined by dots, without quotes.
    fn may_have_function(&self, function: &str) -> bool {
        let (schema, name) = function.rsplit_once('.').unwrap_or(("", function));
        // A database may stand in front.
        let schema = schema.rsplit_once('.').map_or(schema, |(_, schema)| schema);
        self.find(schema, name)
    }

    fn find(&self, schema: &str, name: &str) -> bool {
        let found = self.0.get(name);
        found.is_some_and(|found| found.any || schema.is_empty() || found.named.contains(schema))
    }
}

impl FromIterator<Qualified> for Names {
    fn from_iter<T: IntoIterator<Item = Qualified>>(names: T) -> Self {
        let mut all = Self::default();
        for name in names {
            let schemas = all.0.entry(name.name().to_owned()).or_default();
            match name.schema() {
                Some(schema) => {
                    schemas.named.insert(schema.to_owned());
                }
                None => schemas.any = true,
            }
        }
        all
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;
    use crate::{Access, RelationKind};

    fn names(listed: &[&str]) -> Names {
        let parsed = listed.iter().map(|name| Qualified::parse(name));
        parsed.map(|name| name.expect("a name")).collect()
    }

    #[test]
    fn a_name_without_a_schema_is_found_in_any() {
        let names = names(&["hr.people", "crm.people", "notes"]);
        let table = |name| testing::table(name, Access::SELECT);
        assert!(names.may_have(&table("hr.people")) && names.may_have(&table("crm.people")));
        assert!(!names.may_have(&table("public.people")));
        assert!(names.may_have(&table("people")), "its schema is unknown");
        assert!(names.may_have(&table("public.notes")));
        assert!(!names.may_have(&table("hr.Notes")));
        assert_eq!(table("people").kind, RelationKind::Unresolved);
    }

    #[test]
    fn a_function_is_found_in_any_spelling_of_its_schema() {
        let calls = |function: &str, listed: &str| {
            let mut facts = testing::select(&[]);
            facts.functions = vec!["lower".to_owned(), function.to_owned()];
            names(&[listed]).first_call(&facts).map(str::to_owned)
        };
        let found = |function: &str| Some(function.to_owned());
        for (function, listed) in [
            ("dblink", "dblink"),
            ("ext.dblink", "dblink"),
            ("dblink", "ext.dblink"),
            ("shop.ext.dblink", "ext.dblink"),
        ] {
            assert_eq!(calls(function, listed), found(function), "{listed}");
        }
        for (function, listed) in [
            ("ext.dblink", "other.dblink"),
            ("dblink_exec", "dblink"),
            ("Dblink", "dblink"),
            ("dblink.ext", "dblink"),
        ] {
            assert_eq!(calls(function, listed), None, "{function} {listed}");
        }
    }
}

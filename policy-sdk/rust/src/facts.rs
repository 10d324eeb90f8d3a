//! Common queries on the facts.

use std::collections::BTreeSet;

use crate::name::Qualified;
use crate::{Access, Facts, Identity, TableRef};

impl Access {
    /// All kinds of access other than SELECT.
    pub const WRITES: Self = Self::INSERT
        .union(Self::UPDATE)
        .union(Self::DELETE)
        .union(Self::TRUNCATE)
        .union(Self::DDL);
}

impl Facts {
    /// Whether the statement, or a command nested in it, has this command tag (`DROP TABLE`, `DELETE`). `DROP` alone
    /// matches `DROP TABLE`, `DROP VIEW` and so on.
    pub fn runs(&self, tag: &str) -> bool {
        self.commands.iter().any(|command| command_is(command, tag))
    }

    /// The first command for which the condition holds, with the statement that it is nested in: `DROP TABLE inside EXPLAIN`.
    pub fn first_command(&self, condition: impl Fn(&str) -> bool) -> Option<String> {
        let mut commands = self.commands.iter().enumerate();
        let (position, command) = commands.find(|(_, command)| condition(command))?;
        Some(match self.commands.first() {
            Some(outer) if position > 0 => format!("{command} inside {outer}"),
            _ => command.clone(),
        })
    }

    /// Whether the statement may use a relation of this name, in any way.
    pub fn uses(&self, name: &Qualified) -> bool {
        self.tables.iter().any(|table| table.may_be(name))
    }

    /// The table of a column, if it is known.
    pub fn table_of(&self, column: &crate::ColumnRef) -> Option<&TableRef> {
        self.tables.get(usize::try_from(column.table?).ok()?)
    }
}

impl TableRef {
    /// Whether the name may refer to this relation: the same name, and the same schema unless one of them is unknown. A
    /// database in the name is ignored, since facts always refer to the current database.
    pub fn may_be(&self, name: &Qualified) -> bool {
        let schema = name.schema().unwrap_or_default();
        self.name == name.name()
            && (self.schema.is_empty() || schema.is_empty() || self.schema == schema)
    }

    /// The name, quoted as in SQL.
    pub fn display(&self) -> String {
        crate::name::join([self.schema.as_str(), self.name.as_str()])
    }
}

impl Identity {
    /// Whether the identity belongs to at least one of these groups.
    pub fn in_any(&self, groups: &BTreeSet<String>) -> bool {
        self.groups.iter().any(|group| groups.contains(group))
    }
}

/// Whether a setting has the form of a command tag, or of its leading words: `DROP`, `drop table`.
pub fn is_command_tag(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    text.split(' ').all(is_word)
}

/// Whether a command tag equals `tag` or begins with its words: `DROP TABLE` is a `DROP`.
pub fn command_is(command: &str, tag: &str) -> bool {
    match (command.get(..tag.len()), command.as_bytes().get(tag.len())) {
        (Some(start), None | Some(b' ')) => !tag.is_empty() && start.eq_ignore_ascii_case(tag),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::facts;
    use crate::{Access, RelationKind, TableRef, Verb, name::Qualified};

    #[test]
    fn a_tag_matches_whole_words() {
        let facts = facts(Verb::Ddl, &["DROP TABLE"], &[]);
        assert!(facts.runs("DROP") && facts.runs("drop table") && facts.runs("DROP TABLE"));
        assert!(
            !facts.runs("DRO")
                && !facts.runs("TABLE")
                && !facts.runs("DROP TABLES")
                && !facts.runs("")
        );
    }

    #[test]
    fn a_nested_command_is_named_with_the_statement_around_it() {
        let facts = facts(Verb::Explain, &["EXPLAIN", "SELECT", "DELETE"], &[]);
        for (tag, expected) in [
            ("EXPLAIN", Some("EXPLAIN")),
            ("DELETE", Some("DELETE inside EXPLAIN")),
            ("DROP", None),
        ] {
            let found = facts.first_command(|command| super::command_is(command, tag));
            assert_eq!(found.as_deref(), expected, "{tag}");
        }
    }

    #[test]
    fn command_tags_are_words() {
        for (text, expected) in [
            ("DROP", true),
            ("create table", true),
            ("", false),
            ("DROP  TABLE", false),
            ("DROP TABLE;", false),
            (" DROP", false),
        ] {
            assert_eq!(super::is_command_tag(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_table_without_schema_may_be_any_of_its_name() -> Result<(), crate::name::NameError> {
        let table = |schema: &str| TableRef {
            schema: schema.to_owned(),
            name: "people".to_owned(),
            kind: RelationKind::Table,
            access: Access::SELECT,
        };
        let name = Qualified::parse("hr.people")?;
        assert!(
            table("hr").may_be(&name) && table("").may_be(&name) && !table("crm").may_be(&name)
        );
        assert!(table("crm").may_be(&Qualified::parse("People")?));
        assert!(!table("hr").may_be(&Qualified::parse("\"People\"")?));
        Ok(())
    }
}

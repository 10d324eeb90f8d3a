//! Recognises the expressions that stand for protected columns in an edited statement: they carry nothing. They count by their
//! form, not by their place: whoever writes the same expression over the same column sees no more than a mask.

use gatewright_parser::{Node, Tree, nodes, same, untyped};

/// The name of the table inside the derived table that replaces it.
pub(crate) const INNER: &str = "gw";

/// The masks of an edited statement.
#[derive(Default)]
pub(crate) struct Masks {
    relations: Vec<Masked>,
}

/// The masks of one relation.
pub(crate) struct Masked {
    pub schema: String,
    pub name: String,
    /// `SELECT mask AS column, ...`, without FROM.
    pub targets: Tree,
    /// The columns that have one.
    pub columns: Vec<String>,
}

impl Masks {
    pub fn add(&mut self, masked: Masked) {
        self.relations.push(masked);
    }

    pub fn has(&self, schema: &str, name: &str) -> bool {
        let mut relations = self.relations.iter();
        relations.any(|known| known.schema == schema && known.name == name)
    }

    /// The masks of the relation that the query reads, if it reads that alone and under the name [`INNER`].
    pub fn of(&self, select: &nodes::SelectStmt) -> Option<&Masked> {
        let mut items = select.from_clause().iter();
        let (Some(Node::RangeVar(relation)), None) = (items.next(), items.next()) else {
            return None;
        };
        let alias = relation.alias()?;
        if alias.aliasname() != Some(INNER) || !alias.colnames().is_empty() {
            return None;
        }
        self.relations.iter().find(|masked| {
            relation.schemaname() == Some(masked.schema.as_str())
                && relation.relname() == Some(masked.name.as_str())
        })
    }
}

impl Masked {
    pub fn is_mask(&self, target: &nodes::ResTarget) -> bool {
        let Some(Node::SelectStmt(known)) = self.targets.only() else {
            return false;
        };
        untyped(known.target_list()).iter().any(|known| {
            matches!(known, Node::ResTarget(known) if known.name() == target.name())
                && same(known, Node::ResTarget(target))
        })
    }
}

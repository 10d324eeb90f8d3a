//! A statement in a form that returns the rows that it changes, so that people can see them.

use gatewright_parser::{Node, nodes};

use crate::catalog::Catalog;
use crate::render::quoted_identifier;

/// The first version of PostgreSQL in which an UPDATE returns what its rows were.
const RETURNS_OLD: u32 = 18;

/// The names of a row before and after an UPDATE.
const OLD: &str = "gatewright_old";
const NEW: &str = "gatewright_new";

/// Which rows come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnedRows {
    /// As they were.
    Old,
    /// As they have become.
    New,
    /// Each as it was, and then as it has become, with the same columns.
    OldAndNew,
    /// What the statement itself returns.
    Own,
}

/// The form of a statement that returns its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returning {
    pub text: String,
    pub rows: ReturnedRows,
}

/// The form of an UPDATE or DELETE that does the same, and returns the rows of its target. `None`: there is none, or it cannot be
/// read. Needs the stack of [`crate::analyze`].
pub fn returning(
    own: &str,
    standard_conforming_strings: bool,
    catalog: &Catalog,
) -> Option<Returning> {
    let tree = gatewright_parser::parse(own, standard_conforming_strings).ok()?;
    let (target, returns, rows) = match tree.only()? {
        Node::DeleteStmt(delete) => (
            delete.relation()?,
            delete.returning_clause().is_some(),
            ReturnedRows::Old,
        ),
        Node::UpdateStmt(update) => (
            update.relation()?,
            update.returning_clause().is_some(),
            match catalog.server_version() >= RETURNS_OLD {
                true => ReturnedRows::OldAndNew,
                false => ReturnedRows::New,
            },
        ),
        _ => return None,
    };
    if returns {
        return Some(Returning {
            text: own.to_owned(),
            rows: ReturnedRows::Own,
        });
    }
    let alias = target.alias().and_then(nodes::Alias::aliasname);
    let name = quoted_identifier(alias.or(target.relname())?);
    // The statement may end with a comment that goes up to the end of its line.
    let text = match rows {
        ReturnedRows::OldAndNew => {
            format!("{own}\nRETURNING WITH (OLD AS {OLD}, NEW AS {NEW}) {OLD}.*, {NEW}.*")
        }
        _ => format!("{own}\nRETURNING {name}.*"),
    };
    Some(Returning { text, rows })
}

//! A statement in a form that returns the rows that it changes, so that people can see them.

mod joined;

use gatewright_parser::{Node, nodes};

use crate::catalog::Catalog;

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
    /// It joins the target with itself. Rows that another transaction changes meanwhile are left out, where the statement would go on with
    /// what they have become.
    pub is_joined: bool,
}

/// The forms of an UPDATE or DELETE that do the same and return the rows of its target, the one that shows most first. There are none of a
/// statement that cannot be read. Needs the stack of [`crate::analyze`].
pub fn returning(
    own: &str,
    standard_conforming_strings: bool,
    catalog: &Catalog,
) -> Vec<Returning> {
    let Ok(tree) = gatewright_parser::parse(own, standard_conforming_strings) else {
        return Vec::new();
    };
    let forms = match tree.only() {
        Some(Node::DeleteStmt(delete)) if delete.returning_clause().is_none() => {
            vec![returned(own, delete.relation(), ReturnedRows::Old)]
        }
        Some(Node::UpdateStmt(update)) if update.returning_clause().is_none() => {
            if catalog.server_version() >= RETURNS_OLD {
                vec![old_and_new(own)]
            } else {
                let joined =
                    joined::form(own, standard_conforming_strings, update).map(|text| Returning {
                        text,
                        rows: ReturnedRows::OldAndNew,
                        is_joined: true,
                    });
                vec![joined, returned(own, update.relation(), ReturnedRows::New)]
            }
        }
        Some(Node::DeleteStmt(_) | Node::UpdateStmt(_)) => vec![Some(Returning {
            text: own.to_owned(),
            rows: ReturnedRows::Own,
            is_joined: false,
        })],
        _ => Vec::new(),
    };
    forms.into_iter().flatten().collect()
}

// The statement may end with a comment that goes up to the end of its line.

fn old_and_new(own: &str) -> Option<Returning> {
    Some(Returning {
        text: format!("{own}\nRETURNING WITH (OLD AS {OLD}, NEW AS {NEW}) {OLD}.*, {NEW}.*"),
        rows: ReturnedRows::OldAndNew,
        is_joined: false,
    })
}

fn returned(own: &str, target: Option<&nodes::RangeVar>, rows: ReturnedRows) -> Option<Returning> {
    Some(Returning {
        text: format!("{own}\nRETURNING {}.*", joined::name_of(target?)?),
        rows,
        is_joined: false,
    })
}

//! PostgreSQL's own parser. Its trees are read in place, in the memory where the parser built them.
//!
//! The C library (libpg_query) is PostgreSQL's parser, scanner and memory contexts. `pg_raw_parse` links it and generates
//! the node types from PostgreSQL's headers. The module `c` calls the functions that `pg_raw_parse` does not offer; it is
//! the only unsafe code. libpg_query can also write a tree as text, but this version trusts the tree more than the grammar
//! does and reads invalid memory for some texts, so nothing here offers it. Whoever walks a tree recursively needs a stack for [`MAX_DEPTH`] levels.
#![deny(unsafe_code)]

mod c;
mod parts;
mod plpgsql;
mod scan;
mod tree;

#[cfg(test)]
mod tests;

pub use pg_raw_parse::const_val::ConstValue;
pub use pg_raw_parse::list::NodeList;
pub use pg_raw_parse::{Node, nodes};

pub use c::{CreateForeignTableStmt, release_memory};
pub use parts::children;
pub use plpgsql::plpgsql;
pub use scan::{Token, TokenKind, scan};
pub use tree::{
    MAX_DEPTH, Statement, Strings, Tree, fingerprint, normalize, parse, same, same_but, untyped,
};

/// Why a text cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// `position` counts characters from 1; 0 if PostgreSQL reports none.
    #[error("{message}")]
    Syntax { message: String, position: u32 },
    /// The text, or its tree, is nested too deeply.
    #[error("the statement is nested too deeply")]
    TooDeep,
    #[error("the statement contains a zero byte")]
    ZeroByte,
    /// PostgreSQL's parser returned something that it never should.
    #[error("the parse result cannot be read")]
    Unreadable,
}

//! sqlparser's syntax tree of a statement, for policies that ask for one (`ast-json`).
//! It is not a source of facts, and is given only if it agrees with PostgreSQL's own grammar.

mod postgres;
mod shape;
mod sqlparser_shape;

use sqlparser::ast::Statement;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserOptions};
use sqlparser::tokenizer::Token;

use crate::strings::with_either_setting;

/// Longer statements get no tree: sqlparser's recursion would overflow the stack.
const MAX_BYTES: usize = 32 << 10;

/// The tree as JSON. `None` for statements other than queries and row changes, and if the grammars disagree.
pub(crate) fn json(own: &str) -> Option<String> {
    if own.len() > MAX_BYTES {
        return None;
    }
    let tree = with_either_setting(own)?;
    let node = tree.only()?;
    let expected = postgres::shape(node)?;
    let statement = parse(own)?;
    if sqlparser_shape::shape(&statement)? != expected {
        return None;
    }
    // The shape omits literals and operators, so the tree written back as text must parse to the same tree.
    let written = gatewright_parser::parse(&statement.to_string(), true).ok()?;
    if !gatewright_parser::same(node, written.only()?) {
        return None;
    }
    serde_json::to_string(&statement).ok()
}

/// Parses one statement with nothing after it. `parse_statements` would stop at END and drop the rest.
fn parse(own: &str) -> Option<Statement> {
    let options = ParserOptions::new().with_unescape(false);
    let mut parser = Parser::new(&PostgreSqlDialect {})
        .with_options(options)
        .with_recursion_limit(50)
        .try_with_sql(own)
        .ok()?;
    let statement = parser.parse_statement().ok()?;
    while parser.consume_token(&Token::SemiColon) {}
    (parser.peek_token().token == Token::EOF).then_some(statement)
}
